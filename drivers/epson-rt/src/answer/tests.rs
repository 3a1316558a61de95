use proptest::prelude::*;

use super::*;

fn answer(info: &str) -> Option<Answer> {
    let text = format!("<response success=\"1\" code=\" X \" status=\" 7 \">{info}</response>");
    Answer::read(text.as_bytes())
}

#[test]
fn an_answer_is_read_tolerantly() {
    let read = answer("<addInfo><x/><a>1</a><a>2</a></addInfo>").expect("an answer");
    assert!(read.success);
    assert_eq!((read.code.as_str(), read.status), ("X", 7));
    assert_eq!(
        (read.info("x"), read.info("a"), read.info("b")),
        (None, Some("1"), None)
    );
    for none in ["<other/>", "<response/>", "", "HTTP"] {
        assert_eq!(Answer::read(none.as_bytes()), None, "{none}");
    }
    let silent = Answer::read(b"<response success=\"yes\"/>").expect("an answer");
    assert!(!silent.success, "only true and 1 are a success");
}

#[test]
fn latin_letters_of_older_firmware_are_read() {
    let text = b"<response success=\"true\"><addInfo>\
        <lineNumber1>Caff\xE8</lineNumber1></addInfo></response>";
    let read = Answer::read(text).expect("an answer");
    assert_eq!(read.lines(), ["Caff\u{e8}"]);
}

#[test]
fn a_receipt_without_a_number_is_no_success() {
    for (z, number) in [
        ("764", ""),
        ("", "13"),
        ("0", "13"),
        ("764", "0"),
        ("764", "x"),
    ] {
        let info = format!(
            "<addInfo><zRepNumber>{z}</zRepNumber>\
             <fiscalReceiptNumber>{number}</fiscalReceiptNumber></addInfo>"
        );
        assert_eq!(
            new_document(&answer(&info).expect("an answer")),
            None,
            "{z}-{number}"
        );
    }
}

#[test]
fn a_record_that_is_cut_or_has_signs_is_none() {
    let good = "010000153200000013732411261405100764001399MEY0000010        1";
    assert!(last_document(good).is_some());
    for (at, bad) in [
        (2, "+00015320"),
        (32, "-764"),
        (20, "321126"),
        (26, "246000"),
    ] {
        let mut record = good.to_owned();
        record.replace_range(at..at + bad.len(), bad);
        assert_eq!(last_document(&record), None, "{record}");
    }
    assert_eq!(last_document(&good[..60]), None);
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Some(answer) = Answer::read(&bytes) {
            let _ = (new_document(&answer), answer.fault(), answer.lines().len());
        }
    }

    #[test]
    fn records_never_panic(record in "[ -~]{0,90}|[0-9]{55,70}|\\PC{0,70}") {
        if let Some(last) = last_document(&record) {
            prop_assert!(last.day <= 9999 && last.number <= 9999);
            prop_assert!((0..1_000_000_000).contains(&last.total));
        }
    }

    #[test]
    fn a_record_that_is_written_is_read(
        total in 0_i64..1_000_000_000, z in 0_u32..10_000, number in 0_u32..10_000,
        second in 0_i64..86_400,
    ) {
        let midnight = jiff::civil::date(2026, 3, 29).at(0, 0, 0, 0);
        let at = midnight + jiff::SignedDuration::from_secs(second);
        let time = at.strftime("%d%m%y%H%M%S");
        let record = format!("01{total:09}000000000{time}{z:04}{number:04}99MEY0000010        1");
        let last = last_document(&record).expect("a record");
        prop_assert_eq!((last.total, last.day, last.number, last.at), (total, z, number, Some(at)));
    }

    #[test]
    fn facts_never_panic(name in "[a-zA-Z]{1,20}", value in "\\PC{0,40}") {
        let value = value.replace(['<', '&'], "");
        let info = format!("<addInfo><{name}>{value}</{name}></addInfo>");
        if let Some(answer) = answer(&info) {
            let _ = crate::status::printer(&answer);
            let _ = crate::status::registration_warning(&answer, jiff::civil::date(2026, 1, 1));
            let _ = (new_document(&answer), crate::status::day_open(&answer));
        }
    }
}
