use super::*;
use crate::answer::last_document;

#[test]
fn the_golden_record_of_the_last_document_is_read() {
    let record = "010000153200000013732411261405100764001399MEY0000010        1";
    let last = last_document(record).expect("61 characters");
    assert_eq!(last.to_string(), "0764-0013");
    assert_eq!((last.total, last.serial.as_str()), (15320, "99MEY000001"));
}

#[test]
fn a_refusal_with_http_200_is_no_success() {
    let text =
        br#"<response success="false" code="EPTR_REC_EMPTY" status="3"><addInfo/></response>"#;
    let answer = Answer::read(text).expect("an answer");
    assert!(!answer.success && new_document(&answer).is_none());
    assert_eq!(answer.fault().code(), "EPSON-PAPER");
}
