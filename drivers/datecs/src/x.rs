//! Answers of the X dialect: an error code, then fields.

use driver_fiscal::class::ErrorClass;
use driver_fiscal::money;
use driver_fiscal::verdict::LastDocument;
use driver_sdk::Fault;
use rust_decimal::Decimal;

use crate::codes;
use crate::frame::{Answer, Dialect};
use crate::reading::{self, Open, Receipt, time};
use crate::status::Status;
use crate::text;

/// The fields after a clean error code.
pub(crate) fn fields(answer: &Answer) -> Result<Vec<String>, Fault> {
    let mut fields = text::split(&answer.data);
    if fields.is_empty() {
        let status = Status::new(Dialect::X, &answer.status);
        if status.not_understood() || status.not_permitted() {
            return Err(codes::fault(-112_001, answer.command));
        }
        return Ok(fields);
    }
    let code: i32 = fields
        .remove(0)
        .trim()
        .parse()
        .map_err(|_| garbled(answer))?;
    if code < 0 {
        return Err(codes::fault(code, answer.command));
    }
    Ok(fields)
}

pub(crate) fn garbled(answer: &Answer) -> Fault {
    ErrorClass::Doubt
        .fault("DATECS-GARBLED")
        .with("command", answer.command)
}

fn field<'a>(answer: &Answer, fields: &'a [String], index: usize) -> Result<&'a str, Fault> {
    fields
        .get(index)
        .map(String::as_str)
        .ok_or_else(|| garbled(answer))
}

pub(crate) fn number(answer: &Answer, fields: &[String], index: usize) -> Result<u32, Fault> {
    field(answer, fields, index)?
        .trim()
        .parse()
        .map_err(|_| garbled(answer))
}

pub(crate) fn cents(answer: &Answer, fields: &[String], index: usize) -> Result<i64, Fault> {
    money::read(field(answer, fields, index)?).ok_or_else(|| garbled(answer))
}

/// Command 76.
pub(crate) fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
    let fields = fields(answer)?;
    let open = match number(answer, &fields, 0)? {
        0 => Open::No,
        1 => Open::Sale,
        2..=4 => Open::Storno,
        _ => Open::NonFiscal,
    };
    Ok(Receipt {
        open,
        number: Some(number(answer, &fields, 1)?),
        items: number(answer, &fields, 2)?,
        amount: cents(answer, &fields, 3)?,
        paid: cents(answer, &fields, 4)?,
    })
}

/// Command 74 with option 0: the last fiscal receipt. A printer that has issued none answers with
/// empty fields.
pub(crate) fn last(answer: &Answer, memory: &str) -> Result<LastDocument, Fault> {
    let fields = fields(answer)?;
    let none = field(answer, &fields, 4)?.trim().is_empty();
    let (total, number) = if none {
        (0, 0)
    } else {
        (cents(answer, &fields, 3)?, number(answer, &fields, 4)?)
    };
    Ok(LastDocument {
        serial: memory.to_owned(),
        day: 0,
        number,
        total,
        at: fields.get(5).and_then(|at| time(at)),
        key: None,
    })
}

/// True if command 74 with option 0 marks the time of the last receipt as summer time.
pub(crate) fn is_summer(answer: &Answer) -> bool {
    let fields = fields(answer).unwrap_or_default();
    fields.get(5).is_some_and(|at| reading::is_summer(at))
}

/// Command 50: the rates of the groups A to H in percent; `None` for one that is not used.
pub(crate) fn rates(answer: &Answer) -> Result<Vec<Option<Decimal>>, Fault> {
    let fields = fields(answer)?;
    let off = Decimal::ONE_HUNDRED;
    (1..=8)
        .map(|index| {
            let rate: Decimal = field(answer, &fields, index)?
                .trim()
                .parse()
                .map_err(|_| garbled(answer))?;
            Ok((rate != off).then_some(rate))
        })
        .collect()
}

/// A row of the journal as CSV (command 125, option 8), as far as a verdict needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JournalRow {
    pub number: u32,
    pub unp: String,
    pub total: i64,
}

pub(crate) fn journal_row(answer: &Answer) -> Result<Option<JournalRow>, Fault> {
    let fields = fields(answer)?;
    let (number, unp, total) = (fields.get(2), fields.get(3), fields.get(8));
    let row = number
        .zip(unp)
        .zip(total)
        .and_then(|((number, unp), total)| {
            Some(JournalRow {
                number: number.trim().parse().ok()?,
                unp: unp.trim().to_owned(),
                total: money::read(total)?,
            })
        });
    Ok(row)
}
