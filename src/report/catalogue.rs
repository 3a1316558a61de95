//! The worker's own pages beside those of the drivers.

use driver_sdk::{Catalogue, DriverKind, FaultPage};

macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        &[$(FaultPage { code: $code, text: include_str!(concat!("../faults/", $code, ".md")) }),*]
    };
}

/// The worker's own codes.
pub(super) const PAGES: &[FaultPage] = pages![
    "BLOCKED-BY-DOUBT",
    "CANCELLED",
    "CLOUD-SILENT",
    "CLOUD-TIME-UNKNOWN",
    "DATA-UNREADABLE",
    "DEVICE-REMOVED",
    "DEVICE-REMOVED-BEGUN",
    "DID-NOT-HAPPEN",
    "EXPIRED",
    "FOREIGN-STATE",
    "JOURNAL-UNWRITABLE",
    "LOST-MEMORY",
    "NO-ZONE",
    "NOT-ASKED",
    "PAYLOAD-LOST",
    "PERSON-SAYS",
    "REPEAT-NOT-PRINTED",
    "STAY-ENDED",
];

/// Every page of this build: the contract's, the worker's, the drivers'.
#[must_use]
pub fn catalogue(kinds: &[&dyn DriverKind]) -> Catalogue {
    let drivers = kinds.iter().flat_map(|kind| kind.faults().iter().copied());
    Catalogue::new(PAGES.iter().copied().chain(drivers))
}
