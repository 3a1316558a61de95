//! One operation, tried until there is a definite answer.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use driver_sdk::CommandId;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tracing::{debug, info};

use super::{CallError, Cloud};
use crate::mews::budget::{Permit, Rank};
use crate::mews::clock::{RoundTrip, parse_http_date};
use crate::mews::post::{Answer, NoAnswer};
use crate::mews::scan::{ArrayScanner, Element};
use crate::mews::wire::{Command, Skipped, reason};

/// The longest a slow Mews is waited for, where it is not a list.
const PATIENCE_MAX: Duration = Duration::from_secs(30);
/// How long a body may be silent.
const IDLE: Duration = Duration::from_secs(30);
/// The longest small answer that is read.
const SMALL_MAX: usize = 8 * 1024 * 1024;
/// The longest error body that is read.
const ERROR_MAX: usize = 64 * 1024;
/// The longest command that is read, documents inline.
const COMMAND_MAX: usize = 48 * 1024 * 1024;
/// The longest message of Mews that is passed on, in characters.
const MESSAGE_MAX: usize = 300;
/// How much of an answer that is not JSON is logged, in bytes.
const LOGGED: usize = 200;

/// What is sent, and to where.
pub(super) struct Attempt<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) operation: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) head_within: Duration,
}

/// What one list held.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) ids: HashSet<CommandId>,
    pub(super) elements: u32,
    pub(super) skipped: Vec<Skipped>,
    pub(super) complete: bool,
    /// When the request was sent that was answered.
    pub(super) sent: Duration,
}

/// A 2xx whose body is still to come.
struct Reply {
    answer: Answer,
    permit: Permit,
    trip: RoundTrip,
}

impl Attempt<'_> {
    /// A small answer as a whole, and when it was made.
    pub(super) async fn small<T: DeserializeOwned>(
        &self,
        rank: Rank,
    ) -> Result<(T, RoundTrip), CallError> {
        let mut patience = self.head_within;
        loop {
            let Reply {
                mut answer,
                permit,
                trip,
            } = self.reply(rank, &mut patience).await?;
            let collecting = collect(&mut answer.body, SMALL_MAX);
            let bytes = match tokio::time::timeout(patience, collecting).await {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(cause)) => {
                    permit.failed();
                    self.unanswered(&cause.0);
                    continue;
                }
                Err(_) => {
                    permit.failed();
                    patience = longer(patience);
                    self.unanswered("the body took too long");
                    continue;
                }
            };
            let json = if bytes.trim_ascii().is_empty() {
                b"{}".as_slice()
            } else {
                &bytes
            };
            if !is_object(json) {
                permit.failed();
                self.foreign(&answer, &bytes);
                continue;
            }
            permit.answered();
            self.learn_date(&answer, trip);
            return match serde_json::from_slice(json) {
                Ok(value) => Ok((value, trip)),
                Err(cause) => Err(CallError::Unreadable(reason(&cause))),
            };
        }
    }

    /// The commands of a list, handed on as they come: those of one piece of the answer together.
    /// A list that breaks off is not repeated here: it says that it is not complete.
    pub(super) async fn list<F, Fut>(
        &self,
        rank: Rank,
        on_commands: &mut F,
    ) -> Result<Listed, CallError>
    where
        F: FnMut(Vec<Command>, Duration) -> Fut + Send,
        Fut: Future<Output = ()> + Send,
    {
        let mut reply = self.reply(rank, &mut self.head_within.clone()).await?;
        reply.permit.streaming();
        let mut scanner = ArrayScanner::new("Commands", COMMAND_MAX);
        let mut listed = Listed {
            sent: reply.trip.sent,
            ..Listed::default()
        };
        let mut empty = true;
        let mut first = Bytes::new();
        let ended = loop {
            let chunk = match next_chunk(&mut reply.answer.body).await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break Ok(()),
                Err(cause) => break Err(cause),
            };
            if empty {
                first = chunk.clone();
            }
            empty = empty && chunk.trim_ascii().is_empty();
            let mut input: &[u8] = &chunk;
            let mut together = Vec::new();
            while let Some(element) = scanner.next(&mut input) {
                listed.elements += 1;
                match read(element) {
                    Ok(command) => {
                        listed.ids.insert(command.id);
                        together.push(command);
                    }
                    Err(skipped) => listed.skipped.push(skipped),
                }
            }
            if !together.is_empty() {
                on_commands(together, listed.sent).await;
            }
            if scanner.broken() {
                break Ok(());
            }
        };
        listed.complete = ended.is_ok() && (empty || scanner.complete());
        match ended {
            _ if listed.complete => {
                self.learn_date(&reply.answer, reply.trip);
                reply.permit.answered();
            }
            Err(cause) => {
                reply.permit.failed();
                self.unanswered(&cause.0);
            }
            Ok(()) if scanner.broken() => {
                reply.permit.failed();
                self.foreign(&reply.answer, &first);
            }
            Ok(()) => {
                reply.permit.failed();
                self.unanswered("the list broke off");
            }
        }
        Ok(listed)
    }

    /// Sends until there is a 2xx or a definite refusal. Whoever was too slow gets more time.
    async fn reply(&self, rank: Rank, patience: &mut Duration) -> Result<Reply, CallError> {
        loop {
            let permit = self.cloud.budget.acquire(rank).await;
            let sent = self.cloud.clock.monotonic();
            let posting = self.cloud.post.post(self.operation, self.body.clone());
            let mut answer = match tokio::time::timeout(*patience, posting).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(NoAnswer(cause))) => {
                    permit.failed();
                    self.unanswered(&cause);
                    continue;
                }
                Err(_) => {
                    permit.failed();
                    *patience = longer(*patience);
                    self.unanswered("it took too long");
                    continue;
                }
            };
            let trip = RoundTrip {
                sent,
                answered: self.cloud.clock.monotonic(),
            };
            match answer.status {
                200..=299 => {
                    return Ok(Reply {
                        answer,
                        permit,
                        trip,
                    });
                }
                429 => {
                    permit.limited(self.retry_after(&answer));
                    debug!(
                        operation = self.operation,
                        request = answer.request_id,
                        "429"
                    );
                }
                400..=499 => return Err(self.refusal(&mut answer, permit).await),
                // Redirects are never followed, the tokens are in the body: a box on the way.
                _ => {
                    permit.failed();
                    let bytes = error_body(&mut answer).await;
                    self.foreign(&answer, &bytes);
                }
            }
        }
    }

    async fn refusal(&self, answer: &mut Answer, permit: Permit) -> CallError {
        #[derive(Deserialize)]
        struct ErrorBody {
            #[serde(rename = "Message", default)]
            message: Option<String>,
        }
        let bytes = error_body(answer).await;
        permit.answered();
        let message = serde_json::from_slice::<ErrorBody>(&bytes)
            .ok()
            .and_then(|b| b.message);
        let message = message
            .map(|text| self.speakable(&text))
            .filter(|text| !text.is_empty());
        info!(
            operation = self.operation,
            status = answer.status,
            request = answer.request_id,
            message,
            "Mews refused a request"
        );
        match answer.status {
            401 => CallError::Unauthorized,
            404 => CallError::NotFound,
            408 | 413 => CallError::TooMuch(answer.status),
            status => CallError::Refused { status, message },
        }
    }

    /// One line without tokens, not longer than a note can use.
    fn speakable(&self, text: &str) -> String {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.cloud
            .tokens
            .redact(&line)
            .chars()
            .take(MESSAGE_MAX)
            .collect()
    }

    fn retry_after(&self, answer: &Answer) -> Option<Duration> {
        let text = answer.retry_after.as_deref()?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        let until = parse_http_date(text)?;
        let stamped = answer.date.as_deref().and_then(parse_http_date);
        let from = stamped.unwrap_or_else(|| self.cloud.clock.best_guess());
        Some(
            until
                .duration_since(from)
                .try_into()
                .unwrap_or(Duration::ZERO),
        )
    }

    fn learn_date(&self, answer: &Answer, trip: RoundTrip) {
        if let Some(date) = &answer.date {
            self.cloud.clock.learn_date(date, trip);
        }
    }

    fn unanswered(&self, cause: &str) {
        let cause = self.cloud.tokens.redact(cause);
        debug!(operation = self.operation, cause, "No answer");
    }

    fn foreign(&self, answer: &Answer, bytes: &[u8]) {
        // What of Mews' own lists broke off may name guests; a page of a box on the way does not.
        let is_list = answer.status < 300 && bytes.trim_ascii_start().starts_with(b"{");
        // Redacted before it is cut, or half a token would slip through.
        let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LOGGED)]);
        let begin: String = match is_list {
            true => format!("{} bytes of JSON", bytes.len()),
            false => self
                .cloud
                .tokens
                .redact(&begin)
                .chars()
                .take(LOGGED)
                .collect(),
        };
        debug!(
            operation = self.operation,
            status = answer.status,
            request = answer.request_id,
            begin,
            "Not the answer of a working Mews"
        );
    }
}

/// Twice as long, up to [`PATIENCE_MAX`], and never shorter than it was.
fn longer(patience: Duration) -> Duration {
    (2 * patience).min(PATIENCE_MAX.max(patience))
}

fn read(element: Element) -> Result<Command, Skipped> {
    match &element {
        Element::Whole(json) => Command::parse(json),
        Element::TooLong { .. } => Err(element.skipped()),
    }
}

fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(json).is_ok()
}

async fn next_chunk(
    body: &mut BoxStream<'static, Result<Bytes, NoAnswer>>,
) -> Result<Option<Bytes>, NoAnswer> {
    match tokio::time::timeout(IDLE, body.next()).await {
        Ok(chunk) => chunk.transpose(),
        Err(_) => Err(NoAnswer("the body fell silent".to_owned())),
    }
}

async fn collect(
    body: &mut BoxStream<'static, Result<Bytes, NoAnswer>>,
    limit: usize,
) -> Result<Vec<u8>, NoAnswer> {
    let mut bytes = Vec::new();
    while let Some(chunk) = next_chunk(body).await? {
        if bytes.len() + chunk.len() > limit {
            return Err(NoAnswer("the body is too long".to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// As much of an error body as comes soon; none is an answer too.
async fn error_body(answer: &mut Answer) -> Vec<u8> {
    let mut bytes = Vec::new();
    let reading = async {
        while let Some(Ok(chunk)) = answer.body.next().await {
            bytes.extend_from_slice(&chunk[..chunk.len().min(ERROR_MAX - bytes.len())]);
            if bytes.len() == ERROR_MAX {
                break;
            }
        }
    };
    // What came in time is what there is.
    drop(tokio::time::timeout(Duration::from_secs(5), reading).await);
    bytes
}
