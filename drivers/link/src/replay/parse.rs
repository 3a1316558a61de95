//! Reads one line of a transcript.

use std::time::Duration;

use serde_json::Value;

/// One thing that happens in a transcript.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// The driver sends.
    Send(Vec<u8>),
    /// The device answers.
    Answer(Vec<u8>),
    /// Nobody speaks.
    Silence(Duration),
    /// The device hangs up.
    Closed,
    /// The driver commits; the facts its bookmark holds.
    Commit(Facts),
    /// The commit is refused.
    CommitRefused,
    /// The driver puts a new bookmark on disk.
    Checkpoint(Facts),
    /// The driver is asked what became of the attempt.
    Reconcile,
    /// The driver concludes.
    Conclude {
        word: String,
        code: Option<String>,
        args: Facts,
    },
    /// Not a step: what the shelf holds at the start.
    Shelf(String, Value),
}

/// Names and values, in the order of the line.
pub(super) type Facts = Vec<(String, String)>;

/// The step of a line; `None` for a remark or an empty line.
pub(super) fn line(text: &str) -> Result<Option<Step>, String> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let (mark, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    let rest = rest.trim();
    match mark {
        ">" => bytes(rest).map(|bytes| Some(Step::Send(bytes))),
        "<" => answer(rest).map(Some),
        "." => fact(rest).map(Some),
        "=" => conclusion(rest).map(Some),
        _ => Err("a line begins with #, >, <, . or =".to_owned()),
    }
}

fn answer(rest: &str) -> Result<Step, String> {
    if rest.starts_with("(closed)") {
        return Ok(Step::Closed);
    }
    let Some(inside) = rest.strip_prefix("(silence ") else {
        return bytes(rest).map(Step::Answer);
    };
    let time = inside.split_once(')').map_or(inside, |(time, _)| time);
    let whole = |number: &str| number.trim().parse().ok();
    let silence = match time.strip_suffix("ms") {
        Some(number) => whole(number).map(Duration::from_millis),
        None => time
            .strip_suffix('s')
            .and_then(whole)
            .map(Duration::from_secs),
    };
    silence
        .map(Step::Silence)
        .ok_or_else(|| "write the silence as (silence 3s) or (silence 500ms)".to_owned())
}

fn bytes(rest: &str) -> Result<Vec<u8>, String> {
    let mut found = Vec::new();
    let mut rest = rest;
    // Two spaces begin the comment.
    while !rest.is_empty() && !rest.starts_with(' ') {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (text, after) = quoted
                .split_once('"')
                .ok_or_else(|| "a quote is not closed".to_owned())?;
            found.extend_from_slice(text.as_bytes());
            rest = after.strip_prefix(' ').unwrap_or(after);
            continue;
        }
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let byte = u8::from_str_radix(word, 16)
            .ok()
            .filter(|_| word.len() == 2);
        found.push(
            byte.ok_or_else(|| format!("`{word}` is no byte in hex; two spaces begin a comment"))?,
        );
        rest = after;
    }
    if found.is_empty() {
        return Err("no bytes".to_owned());
    }
    Ok(found)
}

fn fact(rest: &str) -> Result<Step, String> {
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    match word {
        "commit" if rest.trim() == "refused" => Ok(Step::CommitRefused),
        "commit" => facts(rest).map(Step::Commit),
        "checkpoint" => facts(rest).map(Step::Checkpoint),
        "reconcile" => Ok(Step::Reconcile),
        "shelf" => {
            let (name, json) = rest
                .trim()
                .split_once(' ')
                .ok_or_else(|| "write: . shelf NAME json".to_owned())?;
            let value = serde_json::from_str(json).map_err(|cause| cause.to_string())?;
            Ok(Step::Shelf(name.to_owned(), value))
        }
        other => Err(format!(
            "`{other}` is no fact: commit, checkpoint, reconcile or shelf"
        )),
    }
}

fn conclusion(rest: &str) -> Result<Step, String> {
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let rest = rest.trim();
    let (code, args) = rest.split_once(' ').unwrap_or((rest, ""));
    Ok(Step::Conclude {
        word: word.to_owned(),
        code: (!code.is_empty()).then(|| code.to_owned()),
        args: facts(args)?,
    })
}

fn facts(rest: &str) -> Result<Facts, String> {
    rest.split_whitespace()
        .map(|fact| {
            fact.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .ok_or_else(|| format!("`{fact}` is no fact; write name=value"))
        })
        .collect()
}

/// Bytes as a transcript writes them.
pub(super) fn hex(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let readable = |byte: &u8| matches!(byte, b' '..=b'~');
    if bytes.iter().filter(|byte| readable(byte)).count() * 2 > bytes.len() {
        let text: String = bytes
            .iter()
            .map(|byte| {
                if readable(byte) {
                    char::from(*byte)
                } else {
                    '.'
                }
            })
            .collect();
        return format!("{}  |{text}|", words.join(" "));
    }
    words.join(" ")
}
