//! Whatever a person types into the hotel system: data JSON, addresses, names.
#![no_main]

use driver_keys::dialect::Dialect;
use driver_keys::names::{self, Repertoire};
use driver_keys::peer_address::PeerAddress;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = Dialect::parse(text);
    let _ = PeerAddress::parse(text);
    let folded = names::fold(text, Repertoire::Latin1, &['|', '\u{B3}'], 200);
    assert!(!names::breaks_a_message(&folded, &['|', '\u{B3}']));
});
