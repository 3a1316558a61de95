//! One HTTP POST: the seam between what we say to Mews and how it travels.
//!
//! The real one is [`HttpPost`]; a simulation puts its own world behind [`Post`]. Neither knows
//! time-outs of a whole call, retries, pace or meaning: that is [`super::cloud`].

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use url::Url;

/// Sends one POST to the platform address.
pub trait Post: Send + Sync {
    /// Sends `body` to `{platform}/api/connector/v1/{operation}`. Resolves when the head of the
    /// answer is there. May be dropped at any time; whether Mews has got it is then unknown.
    fn post(
        &self,
        operation: &'static str,
        body: Vec<u8>,
    ) -> BoxFuture<'_, Result<Answer, NoAnswer>>;
}

/// The head of an answer, and its body to come.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// The header `Date`, as it came.
    pub date: Option<String>,
    /// The header `Request-Id`, for the log.
    pub request_id: Option<String>,
    /// The body, in pieces.
    pub body: BoxStream<'static, Result<Bytes, NoAnswer>>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// No answer, or not all of it. Whether Mews has acted is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no answer: {0}")]
pub struct NoAnswer(pub String);

/// The real one.
#[derive(Debug, Clone)]
pub struct HttpPost {
    client: reqwest::Client,
    base: String,
}

impl HttpPost {
    /// A client made by [`super::connector::Connector`], for one platform address.
    #[must_use]
    pub fn new(client: reqwest::Client, platform: &Url) -> Self {
        let base = format!(
            "{}/api/connector/v1/",
            platform.as_str().trim_end_matches('/')
        );
        Self { client, base }
    }
}

impl Post for HttpPost {
    fn post(
        &self,
        operation: &'static str,
        body: Vec<u8>,
    ) -> BoxFuture<'_, Result<Answer, NoAnswer>> {
        let request = self
            .client
            .post(format!("{}{operation}", self.base))
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        async move {
            let response = request.send().await.map_err(no_answer)?;
            let text = |name| header(response.headers(), name);
            Ok(Answer {
                status: response.status().as_u16(),
                retry_after: text(RETRY_AFTER.as_str()),
                date: text(DATE.as_str()),
                request_id: text("Request-Id"),
                body: response.bytes_stream().map_err(no_answer).boxed(),
            })
        }
        .boxed()
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The chain of causes as one text. Request bodies are never part of it.
fn no_answer(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    NoAnswer(text)
}
