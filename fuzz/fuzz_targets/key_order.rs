//! Whatever a command asks for: an order that passes the checks can be sent, and nothing is
//! dropped from it silently.
#![no_main]

use driver_keys::order::{self, Limits};
use driver_sdk::KeyWork;
use jiff::{Timestamp, ToSpan};
use libfuzzer_sys::fuzz_target;

const SEPARATORS: [char; 3] = ['|', ';', '\u{B3}'];

fuzz_target!(|data: (Vec<String>, Option<String>, i64, i32, i32)| {
    let (locks, encoder, count, start, end) = data;
    let now = Timestamp::from_second(1_774_706_700).expect("in range");
    let at = |minutes: i32| {
        now.checked_add(i64::from(minutes).minutes())
            .expect("in range")
    };
    let limits = Limits {
        keys_max: 9,
        days_max: 366,
        rooms_max: 4,
        room_chars_max: 40,
        encoder_chars_max: 8,
        separators: &SEPARATORS,
        encoder: None,
        encoders: Vec::new(),
    };
    let work = KeyWork {
        encoder,
        api_url: None,
        data: None,
        count,
        locks,
        start: at(start),
        end: at(end),
        first_name: None,
        last_name: String::new().into(),
        normalized_first_name: None,
        normalized_last_name: None,
        telephone: None,
        email: None,
        reservation: None,
        reservation_number: None,
    };
    let Ok(order) = order::check(&work, now, &limits) else {
        return;
    };
    assert!((1..=9).contains(&count) && i64::from(order.keys) == count);
    assert!(start < end && end > 0);
    assert!((1..=4).contains(&order.rooms.len()));
    assert!(work.locks.iter().all(|room| order.rooms.contains(room)));
    for name in order.rooms.iter().chain([&order.encoder]) {
        assert!(!name.trim().is_empty() && name.chars().count() <= 40);
        assert!(!name.contains(SEPARATORS) && !name.chars().any(char::is_control));
        assert!(name.chars().all(|c| u32::from(c) < 256));
    }
});
