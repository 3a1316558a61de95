use std::collections::BTreeSet;
use std::path::Path;

use driver_sdk::DriverKind;

use super::*;

fn codes_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("readable").path();
        if path.is_dir() && !path.ends_with("sim") {
            codes_in(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("kind.rs") {
            let text = std::fs::read_to_string(&path).expect("readable");
            let quoted = text.split('"').skip(1).step_by(2);
            found.extend(
                quoted
                    .filter(|word| word.starts_with("ESCPOS-"))
                    .map(str::to_owned),
            );
        }
    }
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let mut used = BTreeSet::new();
    codes_in(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut used,
    );
    used.retain(|code| code != "ESCPOS-");
    let pages: BTreeSet<_> = EscPos
        .faults()
        .iter()
        .map(|page| page.code.to_owned())
        .collect();
    assert_eq!(used, pages);
    for page in EscPos.faults() {
        assert!(
            !page.sentence().is_empty() && !page.explanation().is_empty(),
            "{}",
            page.code
        );
    }
}
