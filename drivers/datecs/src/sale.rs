//! The commands of a receipt as data bytes, in either dialect.

use driver_fiscal::document::{Line, Payment, Reason};
use driver_fiscal::money;
use driver_sdk::Personal;
use jiff::civil::DateTime;

use crate::frame::Dialect;
use crate::reading::write_time;
use crate::text::{encode, fields};

/// Who operates the printer: settings.
#[derive(Debug, Clone)]
pub struct Operator {
    /// 1 to 30.
    pub number: u8,
    /// The operator's password in the printer.
    pub password: Personal<String>,
    /// Till number.
    pub till: u32,
}

/// A command and its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The number in the manual.
    pub number: u8,
    /// Its data.
    pub data: Vec<u8>,
}

impl Command {
    /// A command.
    #[must_use]
    pub fn new(number: u8, data: impl Into<Vec<u8>>) -> Self {
        Self {
            number,
            data: data.into(),
        }
    }
}

/// Opens a sale (48).
#[must_use]
pub fn open(dialect: Dialect, operator: &Operator, unp: &str) -> Command {
    let (number, till) = (operator.number.to_string(), operator.till.to_string());
    let password = operator.password.reveal().as_str();
    let data = match dialect {
        Dialect::X => fields(&[&number, password, unp, &till, ""]),
        Dialect::OldP => encode(&format!("{number},{password},{till},{unp}")),
        Dialect::OldC => encode(&format!("{number},{password},{unp},{till}")),
    };
    Command::new(48, data)
}

/// The document a storno takes back.
#[derive(Debug, Clone)]
pub struct Stornoed {
    /// Its number.
    pub number: u32,
    /// Its time.
    pub at: DateTime,
    /// Its time is marked as summer time.
    pub summer: bool,
    /// The number of the fiscal memory that holds it.
    pub memory: String,
    /// Its UNP.
    pub unp: String,
}

/// Opens a storno (43 in X; 46 on older printers, 48 with `R` on older registers).
#[must_use]
pub fn open_storno(
    dialect: Dialect,
    operator: &Operator,
    reason: Reason,
    unp: &str,
    of: &Stornoed,
) -> Command {
    let (number, till) = (operator.number.to_string(), operator.till.to_string());
    let password = operator.password.reveal().as_str();
    let document = of.number.to_string();
    let compact = of.at.strftime("%d%m%y%H%M%S");
    let letter = match reason {
        Reason::OperatorError => 'E',
        Reason::Refund => 'R',
    };
    match dialect {
        Dialect::X => {
            let reason = match reason {
                Reason::OperatorError => "0",
                Reason::Refund => "1",
            };
            let summer = if of.summer { " DST" } else { "" };
            let at = format!("{}{summer}", write_time(of.at));
            let memory = of.memory.as_str();
            let data = fields(&[
                &number, password, &till, reason, &document, &at, memory, "", "", "", &of.unp,
            ]);
            Command::new(43, data)
        }
        Dialect::OldP => Command::new(
            46,
            encode(&format!(
                "{number},{password},{till},{unp},{letter}{document},{},{compact},{}",
                of.unp, of.memory
            )),
        ),
        Dialect::OldC => Command::new(
            48,
            encode(&format!(
                "{number},{password},{unp},{till},R{letter}{document},{},{compact},{}",
                of.unp, of.memory
            )),
        ),
    }
}

/// One line (49).
#[must_use]
pub fn line(dialect: Dialect, line: &Line, department: u8) -> Command {
    let price = money::show(line.price);
    let quantity = format!("{}.{:03}", line.thousandths / 1000, line.thousandths % 1000);
    let text = line.text.reveal();
    if dialect.is_x() {
        let (kind, discount) = if line.discount > 0 {
            ("4", money::show(line.discount))
        } else {
            ("", String::new())
        };
        let (group, department) = (line.group.to_string(), department.to_string());
        let data = fields(&[
            text,
            &group,
            &price,
            &quantity,
            kind,
            &discount,
            &department,
        ]);
        return Command::new(49, data);
    }
    let mut data = encode(text);
    data.push(b'\t');
    // Tax letters are Cyrillic А to З: C0 to C7.
    data.push(0xBF_u8.saturating_add(line.group.min(8)));
    data.extend(encode(&format!("{price}*{quantity}")));
    if line.discount > 0 {
        // `,` begins a percentage, `;` a sum.
        data.extend(encode(&format!(";-{}", money::show(line.discount))));
    }
    Command::new(49, data)
}

/// A line of text (54).
#[must_use]
pub fn text(dialect: Dialect, text: &str) -> Command {
    let data = if dialect.is_x() {
        fields(&[text, "", "", "", "", ""])
    } else {
        encode(text)
    };
    Command::new(54, data)
}

/// The subtotal, neither printed nor displayed (51). X only.
#[must_use]
pub fn subtotal() -> Command {
    Command::new(51, fields(&["0", "0", "", ""]))
}

/// One payment (53). The older dialect always names its kind: TAB alone pays everything in cash.
#[must_use]
pub fn pay(dialect: Dialect, payment: &Payment) -> Command {
    let amount = money::show(payment.amount);
    let data = if dialect.is_x() {
        fields(&[&payment.device_type, &amount, ""])
    } else {
        let mut data = vec![b'\t'];
        data.extend(encode(&format!("{}{amount}", payment.device_type)));
        data
    };
    Command::new(53, data)
}

/// Closes (56): the committing step.
#[must_use]
pub fn close() -> Command {
    Command::new(56, [])
}

/// Cancels (60): only before the first payment.
#[must_use]
pub fn cancel() -> Command {
    Command::new(60, [])
}

/// True for a payment type the dialect has.
#[must_use]
pub fn is_payment_type(dialect: Dialect, text: &str) -> bool {
    if dialect.is_x() {
        matches!(text, "0" | "1" | "2" | "3" | "4" | "5" | "6")
    } else {
        matches!(
            text.as_bytes(),
            [b'P' | b'N' | b'C' | b'D' | b'I'..=b'L' | b'm'..=b's']
        )
    }
}
