//! A fiscal document as FPMate XML, and the check of one that came ready.

use driver_fiscal::document::{Document, Kind, Original, Reason};
use driver_fiscal::payload::refused;
use driver_fiscal::{money, text};
use driver_sdk::Fault;

use crate::settings::{Decimals, EpsonSettings};
use crate::xml::{self, Element};

/// Longest line of a message.
const MESSAGE_MAX: usize = 46;

/// The request of a document. `original` is complete for a refund.
#[must_use]
pub fn build(
    document: &Document,
    original: Option<&Original>,
    settings: &EpsonSettings,
) -> Element {
    let op = settings.operator;
    let of = |name: &str| Element::new(name).with("operator", op);
    let decimal = |text: String| match settings.decimals {
        Decimals::Comma => text.replace('.', ","),
        Decimals::Point => text,
    };
    let mut receipt = Element::new("printerFiscalReceipt");
    let number = document.bill.number.as_deref().unwrap_or("-");
    let message = text::clean_between("Bill ", number, "", text::latin1, MESSAGE_MAX);
    receipt.children.push(
        of("printRecMessage")
            .with("messageType", 1)
            .with("index", 1)
            .with("font", 1)
            .with("message", message),
    );
    let (line_name, refund) = match (&document.kind, original) {
        (Kind::Refund(refund), Some(original)) => {
            let (word, name) = match refund.reason {
                Reason::Refund => ("REFUND", "printRecRefund"),
                Reason::OperatorError => ("VOID", "printRecVoid"),
            };
            let message = format!("{word} {}", reference(original));
            receipt.children.push(
                of("printRecMessage")
                    .with("messageType", 4)
                    .with("message", message),
            );
            (name, true)
        }
        (Kind::Refund(_) | Kind::Sale, _) => ("printRecItem", false),
    };
    receipt.children.push(of("beginFiscalReceipt"));
    for line in &document.lines {
        // A refund has no adjustments: its discounted line goes back as one piece.
        let (price, thousandths) = if refund && line.discount > 0 {
            (line.gross - line.discount, 1000)
        } else {
            (line.price, line.thousandths)
        };
        if price == 0 {
            continue;
        }
        let quantity = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        receipt.children.push(
            of(line_name)
                .with("description", line.text.reveal())
                .with("quantity", decimal(quantity))
                .with("unitPrice", decimal(money::show(price)))
                .with("department", line.group)
                .with("justification", 1),
        );
        if line.discount > 0 && !refund {
            receipt.children.push(
                of("printRecItemAdjustment")
                    .with("adjustmentType", 0)
                    .with("description", "SCONTO")
                    .with("amount", decimal(money::show(line.discount)))
                    .with("department", line.group)
                    .with("justification", 1),
            );
        }
    }
    if let Some(buyer) = &document.buyer {
        let of_key = |key: &Option<String>| {
            let value = key
                .as_ref()
                .and_then(|key| buyer.legal_identifiers.get(key));
            value.map(|value| value.reveal().trim().to_owned())
        };
        if let Some(code) = of_key(&settings.fiscal_code_key).filter(|code| code.len() == 16) {
            receipt.children.push(
                Element::new("directIO")
                    .with("command", 1061)
                    .with("data", code),
            );
        } else if let Some(vat) = buyer.tax_identifier.as_ref().map(|it| digits(it.reveal()))
            && vat.len() == 11
        {
            let data = format!("01{vat}");
            receipt.children.push(
                Element::new("directIO")
                    .with("command", 1060)
                    .with("data", data),
            );
        }
        if let Some(code) = of_key(&settings.lottery_key).filter(|code| code.len() == 8) {
            receipt
                .children
                .push(of("printRecLotteryID").with("code", code));
        }
    }
    for payment in &document.payments {
        let (kind, index) = payment.device_type.split_once('-').unwrap_or(("0", "0"));
        let description = settings.payment_text(&payment.device_type);
        receipt.children.push(
            of("printRecTotal")
                .with("description", description)
                .with("payment", decimal(money::show(payment.amount)))
                .with("paymentType", kind)
                .with("index", index)
                .with("justification", 1),
        );
    }
    receipt.children.push(of("endFiscalReceipt"));
    receipt
}

/// `0764 0013 24112026 99MEY000001`.
fn reference(original: &Original) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let date = original.at.map(|at| at.strftime("%d%m%Y").to_string());
    format!(
        "{:0>4} {:0>4} {} {}",
        text(&original.day),
        text(&original.number),
        date.unwrap_or_default(),
        text(&original.serial)
    )
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

const ALLOWED: &[&str] = &[
    "printRecMessage",
    "beginFiscalReceipt",
    "printRecItem",
    "printRecItemAdjustment",
    "printRecVoidItem",
    "printRecRefund",
    "printRecVoid",
    "printRecSubtotalAdjustment",
    "printRecSubtotal",
    "printRecLotteryID",
    "printRecTotal",
    "endFiscalReceipt",
    "printBarCode",
    "displayText",
    "openDrawer",
    "printNormal",
    "directIO",
];

/// Buyer's VAT number, buyer's fiscal code, lottery code.
const ALLOWED_DIRECT: &[&str] = &["1060", "1061", "1135"];

/// A ready document after its check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The bytes to send: as they came, in an envelope.
    pub body: Vec<u8>,
    /// What its lines come to, in cents.
    pub total: i64,
}

/// Checks a ready document: root, every element, its sums. Changes nothing in it.
///
/// # Errors
/// `FISCAL-PAYLOAD` names what is wrong.
pub fn ready(bytes: &[u8]) -> Result<Ready, Fault> {
    let root = xml::read(bytes).map_err(|error| refused(&error.to_string()))?;
    let command = xml::inside_envelope(&root)
        .ok_or_else(|| refused("the envelope holds no single command"))?;
    if command.name != "printerFiscalReceipt" {
        return Err(refused(&format!("unknown root {}", command.name)));
    }
    let (mut lines, mut paid) = (0, 0);
    let mut ended = false;
    for element in &command.children {
        if !ALLOWED.contains(&element.name.as_str()) || !element.children.is_empty() {
            return Err(refused(&format!("forbidden element {}", element.name)));
        }
        let amount = |name: &str| {
            let text = element
                .attribute(name)
                .ok_or_else(|| refused(&format!("no {name}")))?;
            money::read(text).ok_or_else(|| refused(&format!("{name} is no amount")))
        };
        match element.name.as_str() {
            "directIO" => {
                let number = element.attribute("command").unwrap_or_default();
                if !ALLOWED_DIRECT.contains(&number) {
                    return Err(refused(&format!("forbidden command {number}")));
                }
            }
            "printRecItem" | "printRecRefund" | "printRecVoid" | "printRecVoidItem" => {
                let quantity = element.attribute("quantity").unwrap_or("1");
                let thousandths = thousandths(quantity).ok_or_else(|| refused("bad quantity"))?;
                let gross = money::times(amount("unitPrice")?, thousandths)
                    .ok_or_else(|| refused("bad unitPrice"))?;
                lines += if element.name == "printRecVoidItem" {
                    -gross
                } else {
                    gross
                };
            }
            "printRecItemAdjustment" | "printRecSubtotalAdjustment" => {
                let surcharge = matches!(
                    element.attribute("adjustmentType"),
                    Some("5" | "6" | "7" | "8")
                );
                let amount = amount("amount")?;
                lines += if surcharge { amount } else { -amount };
            }
            "printRecTotal" => paid += amount("payment")?,
            "endFiscalReceipt" => ended = true,
            _ => {}
        }
    }
    if !ended {
        return Err(refused("endFiscalReceipt is missing"));
    }
    if lines != paid || lines <= 0 {
        let (lines, paid) = (money::show(lines), money::show(paid));
        return Err(refused(&format!("lines {lines}, payments {paid}")));
    }
    let body = if root.name == "Envelope" {
        bytes.to_vec()
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| refused("it is no UTF-8"))?;
        let start = text
            .find("<printerFiscalReceipt")
            .ok_or_else(|| refused("unknown root"))?;
        xml::wrapped(text[start..].trim_end())
    };
    Ok(Ready { body, total: lines })
}

fn thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text
        .trim()
        .split_once([',', '.'])
        .unwrap_or((text.trim(), ""));
    if whole.is_empty() || fraction.len() > 3 {
        return None;
    }
    let number: i64 = format!("{whole}{fraction:0<3}").parse().ok()?;
    (number > 0 && number < 10_000_000).then_some(number)
}
