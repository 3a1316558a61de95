//! The rate limit: a sliding window per access token, pure, with the time as an argument.

use super::clock;
use jiff::Timestamp;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// How a 429 tells the client when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// `Retry-After: 12`; `None` is what is left of the window, at least 1.
    Seconds(Option<u64>),
    /// `Retry-After: Tue, 10 Aug 2026 09:15:02 GMT` by the cloud's clock; `None` as above.
    Date(Option<u64>),
    /// No header at all.
    Absent,
}

impl RetryAfter {
    /// The header's value; `left` is what remains of the window.
    pub(super) fn header(self, left: Duration, now: Timestamp) -> Option<String> {
        let rest = left.as_millis().div_ceil(1000).max(1) as u64;
        match self {
            Self::Seconds(fixed) => Some(fixed.unwrap_or(rest).to_string()),
            Self::Date(fixed) => {
                let then = now.checked_add(Duration::from_secs(fixed.unwrap_or(rest)));
                Some(clock::http(then.unwrap_or(now)))
            }
            Self::Absent => None,
        }
    }
}

/// Requests admitted in the last span.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    span: Duration,
    admitted: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(limit: usize, span: Duration) -> Self {
        Self {
            limit,
            span,
            admitted: VecDeque::new(),
        }
    }

    /// Admits a request, or says how long until the oldest one has left the window.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        while self
            .admitted
            .front()
            .is_some_and(|t| now.duration_since(*t) >= self.span)
        {
            self.admitted.pop_front();
        }
        match self.admitted.front() {
            Some(oldest) if self.admitted.len() >= self.limit => {
                Err(self.span.saturating_sub(now.duration_since(*oldest)))
            }
            Some(_) | None if self.limit == 0 => Err(self.span),
            Some(_) | None => {
                self.admitted.push_back(now);
                Ok(())
            }
        }
    }
}

/// The most instants of a sorted list that lie in one half-open window of `span`.
pub(super) fn most_in_window(times: &[Instant], span: Duration) -> usize {
    let mut oldest = 0;
    let mut most = 0;
    for (newest, at) in times.iter().enumerate() {
        while at.duration_since(times[oldest]) >= span {
            oldest += 1;
        }
        most = most.max(newest + 1 - oldest);
    }
    most
}
