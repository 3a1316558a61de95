//! Whatever lies on the shelf, and whatever order things happen in for one room: a record is read
//! again as it was written, and a stay whose new key is in doubt is never given a copy.
#![no_main]

use driver_keys::dialect::Mode;
use driver_keys::ledger::{self, Claim, Issue, RoomLedger, Sharers};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

const COMMANDS: [&str; 4] = ["a", "b", "c", "d"];
const STAYS: [Option<&str>; 4] = [Some("anna"), Some("ben"), Some("cleo"), None];

fuzz_target!(|data: &[u8]| {
    if let Ok(ledger) = serde_json::from_slice::<RoomLedger>(data) {
        play(ledger, &[0x03, 0x41, 0x82, 0xC0]);
    }
    play(RoomLedger::default(), data);
});

fn play(mut ledger: RoomLedger, steps: &[u8]) {
    let begin = 1_774_706_700;
    let mut now = begin;
    let mut doubtful = None;
    for step in steps.iter().take(200) {
        now += i64::from(step >> 6) * 40;
        let stay = STAYS[usize::from(step >> 4) & 3];
        let claim = Claim {
            command: COMMANDS[usize::from(step >> 2) & 3],
            stay,
            until: at(begin + 100_000),
            ordered: at(now),
            now: at(now),
            mode: Mode::Auto,
            sharers: if step & 0x20 == 0 {
                Sharers::New
            } else {
                Sharers::Copy
            },
        };
        if let Ok(decision) = ledger::decide(&[("101", &ledger)], &claim) {
            assert!(doubtful.is_none() || decision.issue == Issue::New || stay.is_none());
            match step & 3 {
                // As a command does it: what was decided is begun.
                0 | 1 if decision.issue == Issue::New => {
                    ledger = ledger.begin_new(&claim, at(now + 75));
                    if step & 1 == 0 {
                        ledger = ledger.made_new(&claim);
                        doubtful = None;
                    }
                }
                2 if decision.issue == Issue::New => {
                    ledger = ledger.begin_new(&claim, at(now + 75)).doubtful_new(&claim);
                    doubtful = Some(());
                }
                3 if decision.issue == Issue::New => {
                    ledger = ledger.begin_new(&claim, at(now + 75)).refused_new(&claim);
                }
                _ => ledger = ledger.copied(&claim),
            }
        }
    }
    let written = serde_json::to_string(&ledger).expect("it is plain data");
    let read: RoomLedger = serde_json::from_str(&written).expect("what was written is read");
    assert_eq!(read, ledger);
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}
