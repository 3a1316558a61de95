//! `nightporter audit`: the fiscal audit trail, as a table for accountants or checked line by line.

use std::fmt::Display;

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::context::Context;
use super::exit::Exit;
use super::times;
use crate::journal::{AuditBreak, AuditCheck, AuditLine, JournalError, Reader};

/// Exports the fiscal audit trail, or checks that no line of it was cut out or changed
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["csv", "verify"])))]
pub(super) struct Audit {
    /// Prints one line per document as comma-separated values
    #[arg(long)]
    csv: bool,
    /// With every line of the trail, what was sent included
    #[arg(long, conflicts_with = "verify")]
    all: bool,
    /// First day, such as 2026-01-01, or a time with its zone, such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "verify")]
    from: Option<Timestamp>,
    /// The day (or time) after the last one
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "verify")]
    to: Option<Timestamp>,
    /// Walks the whole chain; exit 1 and every break if it does not hold
    #[arg(long)]
    verify: bool,
}

/// What is no document's end: left out of the short table.
const STEPS: [&str; 2] = ["fiscal-sending", "fiscal-not-issued"];

/// Members of a record that have a column, in the order of the columns.
const FACTS: [&str; 14] = [
    "bill_number",
    "bill_id",
    "document",
    "kind",
    "z",
    "serial",
    "device_time",
    "total",
    "currency",
    "key",
    "how",
    "baseline",
    "reading",
    "by",
];

impl Audit {
    pub(super) fn run(self, context: &Context) -> Exit {
        let journal = match context.journal() {
            Ok(journal) => journal,
            Err(exit) => return exit,
        };
        let done = if self.verify {
            verify(&journal, context)
        } else {
            self.export(&journal, context)
        };
        done.unwrap_or_else(|error| context.journal_failed(&error))
    }

    fn export(&self, journal: &Reader, context: &Context) -> Result<Exit, JournalError> {
        let mut head = vec!["row", "time", "device", "command", "what"];
        head.extend(FACTS);
        if self.all {
            head.push("record");
        }
        head.push("hash");
        context.out.line(head.join(","));
        let from = self.from.unwrap_or(Timestamp::MIN);
        let to = self.to.unwrap_or(Timestamp::MAX);
        journal.audit(from, to, |line| {
            if self.all || !STEPS.contains(&line.what.as_str()) {
                context.out.line(cells(&line, self.all));
            }
        })?;
        Ok(Exit::Done)
    }
}

fn cells(line: &AuditLine, all: bool) -> String {
    let record: Value = serde_json::from_str(&line.record).unwrap_or_default();
    let mut cells = vec![
        line.number.to_string(),
        format!("{:.0}", line.at),
        cell(&line.scope),
        cell(&line.command),
        cell(&line.what),
    ];
    cells.extend(FACTS.iter().map(|name| match record.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => cell(text),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            cell(&other.to_string())
        }
    }));
    if all {
        cells.push(cell(&line.record));
    }
    cells.push(line.hash.clone());
    cells.join(",")
}

/// A cell as RFC 4180 writes it. A table program must not take a text for a formula: such a cell
/// gets an apostrophe in front.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.len() > 1;
    let guard = if formula { "'" } else { "" };
    if formula || text.contains([',', '"', '\r', '\n']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn verify(journal: &Reader, context: &Context) -> Result<Exit, JournalError> {
    let AuditCheck {
        removed,
        last,
        hash,
        breaks,
    } = journal.verify_audit()?;
    let out = &context.out;
    for found in &breaks {
        out.line(told(*found));
    }
    if removed > 0 {
        let text = "their time of keeping was over (`audit_keep_years`)";
        out.line(format_args!("rows 1 to {removed} were removed: {text}"));
    }
    if let Some(made) = journal.made()? {
        out.line(format_args!(
            "the trail begins with this journal, made {}",
            times::second(made)
        ));
    }
    if breaks.is_empty() && last == 0 {
        out.line("there is no row yet");
        return Ok(Exit::Done);
    }
    if breaks.is_empty() {
        let first = removed + 1;
        out.line(format_args!("rows {first} to {last}: the chain holds"));
        out.line(format_args!(
            "last row {last}, hash {hash}; note both down: as long as this row keeps this hash, \
             nothing before it was changed"
        ));
        return Ok(Exit::Done);
    }
    let count: i64 = breaks.iter().map(|found| found.rows()).sum();
    out.remark(format_args!(
        "the audit trail does not hold: {count} rows were cut or changed. Keep the file as it is, \
         and compare it with a backup and with the fiscal device's own memory."
    ));
    Ok(Exit::Failed)
}

impl AuditBreak {
    fn rows(self) -> i64 {
        match self {
            Self::Changed(_) | Self::End(_) => 1,
            Self::Missing(first, last) => last - first + 1,
        }
    }
}

fn told(found: AuditBreak) -> String {
    match found {
        AuditBreak::Changed(1) => "row 1 was changed".to_owned(),
        AuditBreak::Changed(row) => {
            let before = row - 1;
            format!("row {row} was changed, or the hash of row {before} before it")
        }
        AuditBreak::Missing(first, last) if first == last => format!("row {first} is missing"),
        AuditBreak::Missing(first, last) => format!("rows {first} to {last} are missing"),
        AuditBreak::End(0) => "the noted end of the trail was changed".to_owned(),
        AuditBreak::End(last) => {
            format!("row {last} or the noted end of the trail was changed")
        }
    }
}

/// A day in this PC's zone, or a time.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(day) = text.parse::<Date>() {
        let start = TimeZone::system().to_timestamp(day.at(0, 0, 0, 0));
        return start.map_err(|error| error.to_string());
    }
    text.parse()
        .map_err(|_: jiff::Error| help("2026-01-01 or 2026-01-01T00:00:00Z"))
}

fn help(example: impl Display) -> String {
    format!("write it as {example}")
}

#[cfg(test)]
mod tests;
