//! Named points where a test kills this process: nothing at all in a release build.
//!
//! `NIGHTPORTER_CRASH_AT=POINT` or `POINT:N` ends a debug build as a power switch would, when it
//! comes to the point for the Nth time: no destructor runs, nothing is flushed. The reliability
//! tests use it to die between two steps that a random moment seldom hits. With
//! `NIGHTPORTER_PANIC_TEXT=TEXT` it panics there with that text instead, as a bug might with what
//! it has in hand.

/// The points, in the order of a command's life.
pub const POINTS: [&str; 10] = [
    "payload-written",
    "accepted",
    "before-processing",
    "after-processing",
    "before-commit",
    "after-commit",
    "after-checkpoint",
    "before-settle",
    "after-settle",
    "before-reported",
];

/// Dies here if the environment asks for it.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static WANTED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static MET: AtomicU32 = AtomicU32::new(0);
    let wanted = WANTED.get_or_init(|| {
        let wanted = std::env::var("NIGHTPORTER_CRASH_AT").ok()?;
        let (point, at) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        Some((point.to_owned(), at.parse().unwrap_or(1)))
    });
    if let Some((point, at)) = wanted
        && point == name
        && MET.fetch_add(1, Ordering::SeqCst) + 1 == *at
    {
        if let Ok(text) = std::env::var("NIGHTPORTER_PANIC_TEXT") {
            panic!("{text}");
        }
        #[cfg(unix)]
        {
            use rustix::process::{Signal, getpid, kill_process};
            // If it is refused, the abort below does as well.
            let _ = kill_process(getpid(), Signal::KILL);
        }
        std::process::abort();
    }
}

/// Nothing: this is a release build.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn point(_: &str) {}
