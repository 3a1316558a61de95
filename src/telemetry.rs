//! The log: who may say how much, and what is never said.
//!
//! Two walls keep secrets out. Crates of others may speak up to INFO only, whatever `RUST_LOG`
//! says, because a WebSocket crate prints its request, Cookie included, at TRACE. And every line
//! passes a [`Redactor`] on its way out, which knows the tokens of this process.
//!
//! Personal data has no wall here: its types print `<personal>` (`driver_sdk::Personal`).

use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::{Arc, RwLock};

use secrecy::{ExposeSecret, SecretString};
use tracing::{Subscriber, error, warn};
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// What stands where a secret stood.
const REDACTED: &str = "<secret>";

/// A shorter word is no token, and would be found in half of all lines.
const SECRET_LENGTH_MIN: usize = 4;

/// Starts the log of this process on standard error, at the levels of `RUST_LOG`, else at `default`,
/// and has panics told there without their text.
///
/// Call it once. The secrets are made known to the [`Redactor`] as soon as they are loaded.
#[must_use]
pub fn start(default: LevelFilter) -> Redactor {
    let redactor = Redactor::default();
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| default.to_string());
    let (levels, misread) = levels(&wanted);
    let colours = io::IsTerminal::is_terminal(&io::stderr());
    let layer = lines(io::stderr, colours, redactor.clone()).with_filter(levels.and(strangers()));
    Registry::default().with(layer).init();
    std::panic::set_hook(Box::new(told_without_its_text));
    if let Some(cause) = misread {
        warn!(error = %cause, "RUST_LOG cannot be read, the level is info");
    }
    redactor
}

/// The levels somebody wishes: `LEVEL` or `TARGET=LEVEL`, with commas between. What no word is
/// about stays at INFO.
fn levels(wanted: &str) -> (Targets, Option<String>) {
    let (levels, misread) = match wanted.parse::<Targets>() {
        // An empty word would be read as one for everybody.
        Ok(_) if wanted.trim().is_empty() => (Targets::new(), None),
        Ok(levels) => (levels, None),
        Err(cause) => (Targets::new(), Some(cause.to_string())),
    };
    if levels.default_level().is_some() {
        return (levels, misread);
    }
    (levels.with_default(LevelFilter::INFO), misread)
}

/// The levels crates of others may have at most. Our own names are listed and not theirs, so a
/// new dependency is quiet from its first day.
fn strangers() -> Targets {
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("nightporter", LevelFilter::TRACE)
        .with_target("driver_", LevelFilter::TRACE)
        .with_target("wire::", LevelFilter::TRACE)
}

fn lines<S, W>(writer: W, colours: bool, redactor: Redactor) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    tracing_subscriber::fmt::layer()
        .with_ansi(colours)
        .with_writer(RedactingWriter {
            inner: writer,
            redactor,
        })
}

/// Knows the secrets of this process and takes them out of text. Clones share what they know.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Arc<RwLock<Vec<SecretString>>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// From now on these are taken out.
    pub fn learn<'s>(&self, secrets: impl IntoIterator<Item = &'s SecretString>) {
        let mut known = self
            .secrets
            .write()
            .expect("nothing panics while it holds the list");
        for secret in secrets {
            let text = secret.expose_secret();
            let new = !known.iter().any(|known| known.expose_secret() == text);
            if new && text.len() >= SECRET_LENGTH_MIN {
                known.push(secret.clone());
            }
        }
        // A secret that contains another goes first, or its rest would stay.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
    }

    /// The text without secrets; `None` if there was none in it.
    #[must_use]
    pub fn redact(&self, text: &str) -> Option<String> {
        let known = self
            .secrets
            .read()
            .expect("nothing panics while it holds the list");
        let found = known
            .iter()
            .filter(|secret| text.contains(secret.expose_secret()));
        found.fold(None, |redacted: Option<String>, secret| {
            let text = redacted.as_deref().unwrap_or(text);
            Some(text.replace(secret.expose_secret(), REDACTED))
        })
    }
}

struct RedactingWriter<W> {
    inner: W,
    redactor: Redactor,
}

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for RedactingWriter<W> {
    type Writer = OneLine<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        let line = Vec::with_capacity(256);
        OneLine {
            inner: self.inner.make_writer(),
            redactor: self.redactor.clone(),
            line,
        }
    }
}

/// Collects one event, so that a secret is whole when it is looked for.
struct OneLine<W: Write> {
    inner: W,
    redactor: Redactor,
    line: Vec<u8>,
}

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Drop for OneLine<W> {
    fn drop(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        let redacted = self.redactor.redact(&line);
        // A log that cannot be written has nobody to tell.
        let _ = self
            .inner
            .write_all(redacted.as_deref().unwrap_or(&line).as_bytes());
        let _ = self.inner.flush();
    }
}

/// A panic's text may hold what was being worked on, so only its place is told.
fn told_without_its_text(panic: &PanicHookInfo<'_>) {
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    error!(%location, thread, "A part of the program failed, please report this place");
}

#[cfg(test)]
mod tests;
