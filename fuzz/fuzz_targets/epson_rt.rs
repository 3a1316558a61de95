//! Whatever a printer answers and whatever comes as a ready document: neither panics, and a document
//! that is let through is one receipt with a sum.
#![no_main]

use driver_epson_rt::answer::{Answer, last_document, new_document};
use driver_epson_rt::{ready, status};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(answer) = Answer::read(data) {
        let _ = (new_document(&answer), status::blocker(&answer), answer.fault());
        let _ = status::registration_warning(&answer, jiff::civil::date(2026, 11, 24));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = last_document(text);
    }
    if let Ok(ready) = ready::ready(data) {
        assert!(ready.total > 0);
        let again = ready::ready(&ready.body).expect("what is sent is what was checked");
        assert_eq!(again.total, ready.total);
    }
});
