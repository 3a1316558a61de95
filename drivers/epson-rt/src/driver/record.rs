//! What is written down of a document: audit rows, the shelf's memory of it, the note.

use driver_fiscal::audit::{self, Row};
use driver_fiscal::document::Original;
use driver_fiscal::verdict::{Expected, Judgement, LastDocument, judge};
use driver_fiscal::{money, note};
use driver_sdk::{Proof, Run, Say, Verdict};

use super::Mark;
use crate::answer::Answer;

/// What the two readings prove.
pub(super) fn judged(mark: &Mark, now: &LastDocument) -> Judgement {
    let expected = Expected {
        total: mark.total,
        key: None,
        sent_at: mark.sent_at,
    };
    judge(&mark.baseline, now, &expected)
}

fn row(mark: &Mark) -> Row {
    let kinds = ["sale", "refund", "void", "ready refund", "ready void"];
    let kind = kinds.into_iter().find(|kind| *kind == mark.kind);
    Row {
        bill_id: Some(mark.bill.id),
        bill_number: mark.bill.number.clone(),
        kind: Some(kind.unwrap_or("ready document")),
        serial: Some(mark.baseline.serial.clone()),
        total: Some(money::show(mark.total)),
        currency: Some(mark.currency.clone()),
        ..Row::default()
    }
}

/// The row before the first byte.
pub(super) fn sending(mark: &Mark, body: &[u8]) -> Row {
    Row {
        baseline: Some(mark.baseline.to_string()),
        request: Some(String::from_utf8_lossy(body).into_owned()),
        ..row(mark)
    }
}

/// An issued document: audit row, memory for a later refund, and the fixed note.
pub(super) fn issued(
    mark: &Mark,
    now: &LastDocument,
    how: &'static str,
    answer: Option<&Answer>,
    run: &Run,
) -> Proof {
    let at = now.at.unwrap_or(mark.sent_at);
    let original = Original {
        day: Some(format!("{:04}", now.day)),
        number: Some(format!("{:04}", now.number)),
        at: Some(at),
        serial: Some(now.serial.clone()),
        key: None,
    };
    run.put(&Original::shelf_key(mark.bill.id), &original);
    let row = Row {
        document: Some(now.to_string()),
        z: Some(now.day.to_string()),
        device_time: Some(at.to_string()),
        reading: Some(now.to_string()),
        how: Some(how),
        answer: answer.map(Answer::as_it_came),
        ..row(mark)
    };
    run.audit(audit::ISSUED, &row);
    note::issued(
        &now.to_string(),
        &now.serial,
        at,
        mark.total,
        &mark.currency,
    )
}

/// An attempt that issued nothing, and what proved it.
pub(super) fn not_issued(
    mark: &Mark,
    how: &'static str,
    answer: Option<&Answer>,
    reading: Option<&LastDocument>,
    run: &Run,
) {
    let row = Row {
        how: Some(how),
        answer: answer.map(Answer::as_it_came),
        reading: reading.map(ToString::to_string),
        ..row(mark)
    };
    run.audit(audit::NOT_ISSUED, &row);
}

/// No proof either way, with both readings.
pub(super) fn cannot_tell(
    mark: &Mark,
    now: &LastDocument,
    why: &'static str,
    run: &Run,
) -> Verdict {
    let row = Row {
        baseline: Some(mark.baseline.to_string()),
        reading: Some(now.to_string()),
        how: Some(why),
        ..row(mark)
    };
    run.audit(audit::DOUBT, &row);
    let check = if mark.baseline.serial == now.serial {
        Say::new("FISCAL-DOUBT")
            .with(
                "total",
                format!("{} {}", money::show(mark.total), mark.currency),
            )
            .with("before", &mark.baseline)
            .with("now", now)
            .with("why", why)
    } else {
        Say::new("FISCAL-SERIAL")
            .with("device", &now.serial)
            .with("expected", &mark.baseline.serial)
    };
    Verdict::CannotTell { check }
}
