//! The pages of the codes that all key drivers share, and the words made of them.

use driver_sdk::{Catalogue, Fault, FaultPage, page};

/// Every page of this crate.
pub const PAGES: [FaultPage; 43] = [
    page!("KEY-ADDRESS-REFUSED"),
    page!("KEY-ADDRESS-UNREADABLE"),
    page!("KEY-BAD-COUNT"),
    page!("KEY-BAD-NAME"),
    page!("KEY-BURST"),
    page!("KEY-CARD-FOREIGN"),
    page!("KEY-CARD-STAFF"),
    page!("KEY-CARD-STUCK"),
    page!("KEY-CARD-UNREAD"),
    page!("KEY-COPY-REFUSED"),
    page!("KEY-DATA-UNREADABLE"),
    page!("KEY-DATA-WRONG"),
    page!("KEY-DIALECT"),
    page!("KEY-DOUBT"),
    page!("KEY-ENCODER-BUSY"),
    page!("KEY-ENCODER-OFFLINE"),
    page!("KEY-GARBLED"),
    page!("KEY-LEDGER-UNREADABLE"),
    page!("KEY-LOCK-SYSTEM"),
    page!("KEY-MOBILE-ONLY"),
    page!("KEY-NO-CARD"),
    page!("KEY-NO-ENCODER"),
    page!("KEY-NO-ROOM"),
    page!("KEY-NOT-ACCEPTED"),
    page!("KEY-NOT-READY"),
    page!("KEY-OTHER-DESK"),
    page!("KEY-OTHER-PROTOCOL"),
    page!("KEY-PRESENT-CARD"),
    page!("KEY-REFUSED"),
    page!("KEY-ROOM-OUT-OF-SERVICE"),
    page!("KEY-ROOM-UNKNOWN"),
    page!("KEY-SAME-CARD"),
    page!("KEY-STAY-INVALID"),
    page!("KEY-STAY-OVER"),
    page!("KEY-STAY-TOO-LONG"),
    page!("KEY-STOPPED"),
    page!("KEY-TEST-OK"),
    page!("KEY-TOO-MANY-ROOMS"),
    page!("KEY-UNDER-WAY"),
    page!("KEY-UNKNOWN-ENCODER"),
    page!("KEY-WRITE-FAILED"),
    page!("KEYS-MADE"),
    page!("KEYS-PARTLY"),
];

/// The pages of a driver: this crate's and its own.
#[must_use]
pub const fn with_own<const OWN: usize, const ALL: usize>(
    own: &[FaultPage; OWN],
) -> [FaultPage; ALL] {
    assert!(ALL == OWN + PAGES.len(), "ALL is the number of both");
    let mut all = [PAGES[0]; ALL];
    let mut n = 0;
    while n < PAGES.len() {
        all[n] = PAGES[n];
        n += 1;
    }
    let mut n = 0;
    while n < OWN {
        all[PAGES.len() + n] = own[n];
        n += 1;
    }
    all
}

/// What went wrong, without what follows from it: the first sentence of the fault's page.
#[must_use]
pub fn reason(fault: &Fault, pages: &[FaultPage]) -> String {
    let sentence = Catalogue::new(pages.iter().copied()).sentence(fault.say());
    let first = sentence
        .split_once(". ")
        .map_or(sentence.as_str(), |(first, _)| first);
    first.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
