//! When the next sweep begins. Pure.

use std::time::Duration;

/// Between two sweeps while the socket stands, and while it is down.
pub(super) const SWEEP_UP: Duration = Duration::from_secs(60);
pub(super) const SWEEP_DOWN: Duration = Duration::from_secs(10);
/// A sweep starts never sooner than this many times as long as the last one took.
const SWEEP_SHARE: u32 = 20;

/// How a sweep ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    /// How long Mews worked on it; nothing of one that failed.
    pub(super) took: Duration,
    /// The list was read to its end.
    pub(super) complete: bool,
    /// Mews gave no more than so many: there may be others.
    pub(super) cut: bool,
    /// Something of it could not be written down: it is asked for again soon.
    pub(super) unkept: bool,
}

/// The shortest rest after a sweep that took so long, where one is wanted soon.
pub(super) fn soon(took: Duration) -> Duration {
    SWEEP_DOWN.max(took * SWEEP_SHARE)
}

/// The rest between a sweep's end and the next one.
pub(super) fn rest(ended: Ended, socket_is_up: bool) -> Duration {
    let usual = if socket_is_up { SWEEP_UP } else { SWEEP_DOWN };
    match (ended.complete, ended.cut, ended.unkept) {
        // The rest of a list that was cut is no second sweep.
        (true, true, _) => ended.took,
        (true, false, false) => usual.max(ended.took * SWEEP_SHARE),
        (true, false, true) => soon(ended.took),
        (false, _, _) => SWEEP_DOWN,
    }
}

#[cfg(test)]
mod tests;
