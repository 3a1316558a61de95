//! Counts the keys of an hour: a burst can mean that somebody else orders keys.
//!
//! A key is a door, and whoever holds the hotel's token can order one. No key is refused for it;
//! a person is told. Kept in memory: a restart begins a new hour.

use std::collections::VecDeque;
use std::time::Duration;

use driver_sdk::{Fault, Health, Watch, clock};
use tokio::time::{Instant, sleep_until};

const HOUR: Duration = Duration::from_secs(3600);

/// The keys one encoder has made within the last hour.
#[derive(Debug)]
pub struct Burst {
    max: u32,
    made: VecDeque<Instant>,
    told: bool,
}

impl Burst {
    /// An encoder that is expected to make at most so many keys an hour.
    #[must_use]
    pub fn new(max: u32) -> Self {
        Self {
            max,
            made: VecDeque::new(),
            told: false,
        }
    }

    /// A key was made.
    pub fn made(&mut self) {
        let now = clock::now();
        self.forget(now);
        self.made.push_back(now);
        if self.made.len() == self.max as usize + 1 {
            tracing::error!(
                keys = self.made.len(),
                "More keys within an hour than this encoder is expected to make"
            );
        }
    }

    /// Shows a warning while there are too many. Returns when there are not; can be dropped at
    /// any await and called again. True: the warning has just ended.
    pub async fn warn(&mut self, watch: &Watch) -> bool {
        loop {
            self.forget(clock::now());
            let keys = self.made.len();
            let first = match self.made.front() {
                Some(first) if keys > self.max as usize => *first,
                Some(_) | None => return std::mem::take(&mut self.told),
            };
            let fault = Fault::operator("KEY-BURST")
                .with("keys", keys)
                .with("max", self.max);
            watch.health(Health::Warned(fault));
            self.told = true;
            sleep_until(first + HOUR).await;
        }
    }

    fn forget(&mut self, now: Instant) {
        while self.made.front().is_some_and(|made| *made + HOUR <= now) {
            self.made.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
