//! What keeps a device from telling whether a document exists, in words that promise nothing.

use driver_sdk::{Fault, Say};

use crate::document::BillRef;
use crate::money;

/// The fault of a question about a document in doubt. A device's own sentence may say that nothing
/// was issued, which is true before a document is sent and a lie after: here only the cause is
/// kept, and how long it is worth waiting for.
#[must_use]
pub fn pending(fault: Fault, bill: &BillRef, total: i64, currency: &str) -> Fault {
    let say = Say::new("FISCAL-PENDING")
        .with("bill", bill.number.as_deref().unwrap_or("without a number"))
        .with("total", format!("{} {currency}", money::show(total)))
        .with("cause", cause(fault.code()));
    Fault::from_parts(fault.kind(), say).caused_by(fault)
}

fn cause(code: &str) -> String {
    let cause = match code {
        "LINK-UNREACHABLE" => "it cannot be reached",
        "LINK-SILENT" | "LINK-LOST" => "it does not answer",
        "LINK-GARBLED" => "its answer makes no sense",
        "FISCAL-OPEN-ELSEWHERE" => "a document is open on it that is not ours",
        paper if paper.ends_with("-PAPER") => "it is out of paper",
        cover if cover.ends_with("-COVER") => "its cover is open",
        other => return format!("it reports {other}"),
    };
    cause.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use driver_sdk::FaultKind;

    #[test]
    fn a_fault_of_a_question_keeps_its_kind_and_its_cause_and_promises_nothing() {
        let bill = BillRef {
            id: uuid::Uuid::nil(),
            number: Some("117".to_owned()),
        };
        let asked = pending(Fault::operator("DATECS-PAPER"), &bill, 15_320, "EUR");
        assert_eq!(asked.kind(), FaultKind::OperatorNeeded);
        assert_eq!(asked.code(), "FISCAL-PENDING");
        let args = &asked.say().args;
        assert_eq!(args["cause"], "it is out of paper");
        assert_eq!(args["total"], "153.20 EUR");
        assert_eq!(args["bill"], "117");
    }
}
