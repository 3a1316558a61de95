//! The first command of the README, on the real binary.

use std::process::Command;

#[test]
fn the_demo_needs_nothing_and_every_order_ends_as_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let played = Command::new(env!("CARGO_BIN_EXE_nightporter"))
        .arg("demo")
        .current_dir(&folder)
        .env("TMPDIR", folder.path())
        .env("TEMP", folder.path())
        .env("TMP", folder.path())
        .output()
        .expect("the binary starts");
    let story = String::from_utf8_lossy(&played.stdout);
    assert_eq!(played.status.code(), Some(0), "{story}");
    for told in [
        "Processed in Mews: Reception printer: ",
        "Processed in Mews: Reception encoder: 2 keys for 204",
        "Processed in Mews: FISCAL OK doc=",
        "Fiscal printer: 1 x document",
        "Error in Mews: Bar printer: No paper. Nothing was printed.",
        "Not done: the command is 10 h old",
        "Cancelled in Mews",
        "All 7 orders ended as they must",
    ] {
        assert!(story.contains(told), "{told}: {story}");
    }
    let place = story
        .lines()
        .find_map(|line| line.strip_prefix("The receipts, as pictures: "));
    let place = std::path::Path::new(place.expect("the place is told")).join("reception");
    let pictures = std::fs::read_dir(place).expect("the folder is kept");
    assert_eq!(pictures.count(), 2, "{story}");
}
