use std::collections::BTreeSet;

use super::*;

#[test]
fn every_page_says_what_happened_and_is_short_enough_for_a_note() {
    for page in PAGES {
        let sentence = page.sentence();
        assert!(
            !sentence.is_empty() && sentence.len() < 300,
            "{}",
            page.code
        );
        assert!(
            !sentence.contains("..") && !sentence.starts_with('#'),
            "{}",
            page.code
        );
    }
}

#[test]
fn every_file_of_the_folder_is_a_page() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/faults");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder of this crate")
        .map(|file| {
            file.expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let pages: BTreeSet<String> = PAGES
        .iter()
        .map(|page| format!("{}.md", page.code))
        .collect();
    assert_eq!(files, pages);
}

#[test]
fn a_reason_is_the_first_sentence() {
    let fault = Fault::permanent("KEY-NO-CARD")
        .with("encoder", 2)
        .with("code", "ED");
    assert_eq!(
        reason(&fault, &PAGES),
        "No card was presented at encoder 2 (ED)"
    );
    let lost = Fault::transient("LINK-LOST").with("address", "lock-pc:8090");
    assert_eq!(
        reason(&lost, &PAGES),
        "The connection to lock-pc:8090 broke"
    );
}
