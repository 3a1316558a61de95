//! Answers of the older dialect: no error code; status bits and the answer's shape decide.

use driver_fiscal::class::ErrorClass;
use driver_sdk::Fault;
use rust_decimal::Decimal;

use crate::codes;
use crate::frame::{Answer, Dialect};
use crate::reading::{Open, Receipt};
use crate::status::Status;
use crate::text;
use crate::unp::Unp;
use crate::x::garbled;

/// The comma-separated values of an answer that was not refused.
pub(crate) fn values(answer: &Answer) -> Result<Vec<String>, Fault> {
    let status = Status::new(Dialect::OldP, &answer.status);
    if status.not_understood() {
        return Err(codes::fault(-112_001, answer.command));
    }
    if status.not_permitted() {
        // Out of paper or open: the status says more than the refusal.
        if let Some(fault) = status.blocker() {
            return Err(fault);
        }
        let fault = ErrorClass::Stop.fault("DATECS-REFUSED");
        return Err(fault.with("command", answer.command));
    }
    let text = text::decode(&answer.data);
    Ok(text
        .split(',')
        .map(|value| value.trim().to_owned())
        .collect())
}

/// Command 76 with `T`: `Open,Items,Amount,Tender`, amounts in cents with a sign.
pub(crate) fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
    let values = values(answer)?;
    let number = |index: usize| -> Result<i64, Fault> {
        let value = values.get(index).ok_or_else(|| garbled(answer))?;
        value
            .trim_start_matches('+')
            .parse()
            .map_err(|_| garbled(answer))
    };
    let open = match number(0)? {
        0 => Open::No,
        // A storno says so in status bit 1.4.
        1 if answer.status.get(1).is_some_and(|byte| byte & 0x10 != 0) => Open::Storno,
        1 => Open::Sale,
        _ => Open::NonFiscal,
    };
    Ok(Receipt {
        open,
        number: None,
        items: u32::try_from(number(1)?).map_err(|_| garbled(answer))?,
        amount: number(2)?,
        paid: number(3)?,
    })
}

/// Command 48 with `*`: the number and UNP of the last issued document.
pub(crate) fn last_issued(answer: &Answer) -> Result<(u32, String), Fault> {
    let values = values(answer)?;
    let number = values.first().and_then(|number| number.parse().ok());
    let unp = values.get(1).filter(|unp| !unp.is_empty());
    match (number, unp) {
        (Some(number), Some(unp)) => Ok((number, unp.clone())),
        (Some(_) | None, Some(_) | None) => Err(garbled(answer)),
    }
}

/// Command 48 without data: the running number of the last UNP, seven digits; `None` where it
/// tells none. Some models write the whole UNP.
pub(crate) fn running(answer: &Answer) -> Option<String> {
    let text = values(answer).ok()?.into_iter().next()?;
    let running = match Unp::parse(&text) {
        Some(unp) => unp.running(),
        None => text.parse().ok()?,
    };
    Some(format!("{running:07}"))
}

/// Command 97: the rates of the groups A to H.
pub(crate) fn rates(answer: &Answer) -> Result<Vec<Option<Decimal>>, Fault> {
    let off = Decimal::ONE_HUNDRED;
    let rate = |value: &String| value.parse::<Decimal>().ok().filter(|rate| *rate != off);
    Ok(values(answer)?.iter().map(rate).collect())
}

/// Command 53: `D` with a rest, `R` with a change.
pub(crate) fn paid(answer: &Answer) -> Result<(), Fault> {
    values(answer)?;
    match answer.data.first() {
        Some(b'D' | b'R') => Ok(()),
        Some(_) | None => Err(ErrorClass::Doubt
            .fault("DATECS-REFUSED")
            .with("command", answer.command)),
    }
}
