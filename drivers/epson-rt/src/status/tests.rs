use driver_sdk::FaultKind;
use jiff::civil::date;

use super::*;

fn answer(facts: &[(&str, &str)]) -> Answer {
    let facts: String = facts
        .iter()
        .map(|(name, value)| format!("<{name}>{value}</{name}>"))
        .collect();
    let text = format!(
        "<response success=\"true\" code=\"\" status=\"0\"><addInfo>{facts}</addInfo></response>"
    );
    Answer::read(text.as_bytes()).expect("an answer")
}

#[test]
fn each_of_the_five_characters_is_read() {
    let read = |text: &str| PrinterStatus::read(text).expect(text);
    let ready = read("20110");
    assert!(!ready.open() && ready.blocker().is_none());
    assert_eq!(ready.warning().expect("low").code(), "EPSON-PAPER-NEAR");
    for (text, open, fiscal) in [
        ("00100", true, true),
        ("00110", false, false),
        ("00120", true, false),
        ("00130", true, true),
        ("00140", false, false),
        ("00150", true, true),
        ("00160", true, false),
        ("00170", true, true),
        ("00180", true, false),
        ("001A0", true, false),
    ] {
        let status = read(text);
        assert_eq!(
            (status.open(), status.fiscal_open()),
            (open, fiscal),
            "{text}"
        );
    }
    for (text, code) in [
        ("30110", "EPSON-PAPER"),
        ("02110", "EPSON-JOURNAL"),
        ("03110", "EPSON-JOURNAL"),
        ("04110", "EPSON-JOURNAL"),
        ("05110", "EPSON-JOURNAL"),
        ("00111", "EPSON-MODE"),
        ("00113", "EPSON-MODE"),
    ] {
        assert_eq!(read(text).blocker().expect(text).code(), code, "{text}");
    }
    assert_eq!(
        read("01110").warning().expect("near").code(),
        "EPSON-JOURNAL-NEAR"
    );
    for bad in ["", "0011", "001100", "0011\u{e8}"] {
        assert_eq!(PrinterStatus::read(bad), None, "{bad}");
    }
}

#[test]
fn what_the_registration_says_blocks_or_warns() {
    let today = date(2026, 11, 24);
    let blocked = |facts: &[(&str, &str)]| {
        let facts = [facts, &[("fpStatus", "00110")]].concat();
        blocker(&answer(&facts))
            .expect("readable")
            .map(|fault| fault.code().to_owned())
    };
    assert_eq!(
        blocked(&[("rtMainStatus", "02"), ("rtTrainingMode", "0")]),
        None
    );
    assert_eq!(
        blocked(&[("rtTrainingMode", "1")]).as_deref(),
        Some("EPSON-TRAINING")
    );
    assert_eq!(
        blocked(&[("rtMainStatus", "01")]).as_deref(),
        Some("EPSON-NOT-IN-SERVICE")
    );
    assert_eq!(
        blocked(&[("rtMainStatus", "what")]).as_deref(),
        Some("EPSON-NOT-IN-SERVICE")
    );
    assert_eq!(blocked(&[("rtMainStatus", "2")]), None);
    let warned = |facts: &[(&str, &str)]| {
        let fault = registration_warning(&answer(facts), today);
        fault.map(|fault| fault.to_string())
    };
    assert_eq!(
        warned(&[("rtFileToSend", "3"), ("rtOldFileToSend", "0000")]),
        None
    );
    for (facts, wanted) in [
        (
            &[("rtOldFileToSend", "2")][..],
            "EPSON-FILES count=2 state=not sent in time",
        ),
        (
            &[("rtFileRejected", "0001")],
            "EPSON-FILES count=1 state=rejected",
        ),
        (
            &[("rtExpiryCD", "20261223"), ("rtExpiryCA", "20300101")],
            "EPSON-CERTIFICATE days=29 name=printer",
        ),
        (
            &[("rtExpiryCA", "20261124")],
            "EPSON-CERTIFICATE days=0 name=authority",
        ),
    ] {
        assert_eq!(warned(facts).as_deref(), Some(wanted));
    }
    let over = |facts: &[(&str, &str)]| certificate_over(&answer(facts), today);
    for (fact, name) in [("rtExpiryCD", "printer"), ("rtExpiryCA", "authority")] {
        assert!(over(&[(fact, "20261124")]).is_none(), "its last day");
        let fault = over(&[(fact, "20261123")]).expect("over");
        assert_eq!(fault.kind(), FaultKind::Permanent);
        assert_eq!(
            fault.to_string(),
            format!("EPSON-CERTIFICATE-OVER name={name}")
        );
    }
    for harmless in ["20261224", "", "soon", "20261399"] {
        assert!(over(&[("rtExpiryCD", harmless)]).is_none(), "{harmless}");
        assert_eq!(warned(&[("rtExpiryCD", harmless)]), None, "{harmless}");
    }
}
