//! What keeps a device from telling whether a document exists, in words that promise nothing.

use driver_sdk::{Catalogue, Fault, FaultKind, FaultPage, Run, Say};

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

/// The same of a day end.
#[must_use]
pub fn pending_day(fault: Fault) -> Fault {
    let say = Say::new("FISCAL-Z-PENDING").with("cause", cause(fault.code()));
    Fault::from_parts(fault.kind(), say).caused_by(fault)
}

/// The end of an attempt as it may be told: where it is a doubt, and its page says that nothing was
/// issued, `pending` words it anew.
#[must_use]
pub fn honest(
    fault: Fault,
    run: &Run,
    pages: &[FaultPage],
    pending: impl FnOnce(Fault) -> Fault,
) -> Fault {
    let judged = run.judged(fault);
    if judged.kind() == FaultKind::InDoubt && claims_nothing(judged.code(), pages) {
        return pending(judged);
    }
    judged
}

/// True if the sentence of a code says that nothing was issued, sent or printed.
#[must_use]
pub fn claims_nothing(code: &str, pages: &[FaultPage]) -> bool {
    let catalogue = Catalogue::new(pages.iter().copied());
    let page = catalogue.page(code);
    page.is_some_and(|page| page.sentence().contains("Nothing was"))
}

fn cause(code: &str) -> String {
    let cause = match code {
        "LINK-UNREACHABLE" => "it cannot be reached",
        "LINK-SILENT" | "LINK-LOST" => "it does not answer",
        "LINK-GARBLED" => "its answer makes no sense",
        "EPSON-NO-RECORD" => "it cannot tell its last document",
        steady if steady.ends_with("-UNSTEADY") => "it is still settling",
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
        let day = pending_day(Fault::transient("DATECS-UNSTEADY"));
        assert_eq!(day.kind(), FaultKind::Transient);
        assert_eq!(
            day.to_string(),
            "FISCAL-Z-PENDING cause=it is still settling"
        );
    }

    #[test]
    fn a_page_that_promises_is_found_also_among_those_of_the_contract() {
        for (code, claims) in [
            ("FISCAL-SUMS", true),
            ("LINK-UNREACHABLE", true),
            ("LINK-SILENT", false),
            ("FISCAL-PENDING", false),
            ("FISCAL-Z-PENDING", false),
            ("NO-SUCH-PAGE", false),
        ] {
            assert_eq!(claims_nothing(code, crate::pages::PAGES), claims, "{code}");
        }
    }
}
