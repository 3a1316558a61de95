//! What is wrong with a config file, said as a place, a fact and a fix.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The text of a config file and the name a person knows it by.
#[derive(Clone)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}

impl Source {
    /// A file's name as it was given, and its text.
    #[must_use]
    pub fn new(path: &Path, text: &str) -> Self {
        // Windows editors put a byte order mark in front; it is no character of the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            name: path.display().to_string().into(),
            text: text.into(),
        }
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The file's text, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Line and column of a byte of the text, both from 1; the column counts characters.
    #[must_use]
    pub fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character of the line.
    pub column: usize,
}

/// Whether the worker may start with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It may not.
    Error,
    /// It may, but a person should look at it.
    Warning,
}

/// One thing a person should know about the file. `Display` is the whole line for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether the worker may start with it.
    pub severity: Severity,
    /// The file's name.
    pub file: Arc<str>,
    /// Where in the file.
    pub place: Place,
    /// The fact and the fix.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.place;
        let severity = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        write!(
            f,
            "{}:{line}:{column}: {severity}{}",
            self.file, self.message
        )
    }
}

/// Collects what is found while a file is read, so that all of it is told at once.
pub(super) struct Findings<'a> {
    source: &'a Source,
    list: Vec<Finding>,
    /// Lines that are no TOML: what follows from them is not told a second time.
    damaged: Vec<usize>,
    /// Keys that are there, but wrong or misspelt: they are not missing as well.
    told: Vec<String>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            list: Vec::new(),
            damaged: Vec::new(),
            told: Vec::new(),
        }
    }

    /// The text is no TOML here.
    pub(super) fn damage(&mut self, at: &Range<usize>, message: impl Into<String>) {
        self.push(Severity::Error, at, message.into());
        self.damaged.push(self.line_of(at));
    }

    /// Without its header a table's keys fall into the table above: up to the next header nothing
    /// is told of them.
    pub(super) fn headless(&mut self, header: &Range<usize>) {
        let first = self.line_of(header);
        let below = self.source.text().lines().skip(first);
        let keys = below.take_while(|line| !line.trim_start().starts_with('['));
        self.damaged.extend(first + 1..=first + keys.count());
    }

    /// A key, by its path, was told to be wrong: one mistake, one line.
    pub(super) fn told(&mut self, path: String) {
        self.told.push(path);
    }

    /// A key, by its path, must be there and is not. In a damaged file it may well be there.
    pub(super) fn missing(&mut self, at: &Range<usize>, path: &str, fix: &str) {
        if self.damaged.is_empty() && !self.told.iter().any(|told| told == path) {
            let fact = match path.rsplit_once('.') {
                Some((table, key)) => format!("{table}: `{key}` is missing"),
                None => format!("[{path}] is missing"),
            };
            self.push(Severity::Error, at, format!("{fact}; {fix}"));
        }
    }

    /// There is none of something; worth a warning, but for a damaged file, which may have it.
    pub(super) fn none_of(&mut self, fact: &str, fix: &str) {
        if self.damaged.is_empty() {
            self.push(Severity::Warning, &(0..0), format!("{fact}; {fix}"));
        }
    }

    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    pub(super) fn error(&mut self, at: &Range<usize>, message: impl Into<String>) {
        self.push(Severity::Error, at, message.into());
    }

    pub(super) fn warning(&mut self, at: &Range<usize>, message: impl Into<String>) {
        self.push(Severity::Warning, at, message.into());
    }

    /// True if something was said about this very place.
    pub(super) fn said_at(&self, at: &Range<usize>) -> bool {
        let place = self.source.place(at.start);
        self.list.iter().any(|finding| finding.place == place)
    }

    pub(super) fn line_of(&self, at: &Range<usize>) -> usize {
        self.source.place(at.start).line
    }

    fn push(&mut self, severity: Severity, at: &Range<usize>, message: String) {
        let place = self.source.place(at.start);
        if self.damaged.contains(&place.line) {
            return;
        }
        self.list.push(Finding {
            severity,
            file: self.source.name.clone(),
            place,
            message,
        });
    }

    /// In the order of the file.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        self.list.sort_by_key(|finding| finding.place);
        self.list
    }
}

/// The known word a person most likely meant, if one is near enough to be worth saying.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count() / 3 + 1)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn distance(word: &str, candidate: &str) -> usize {
    strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase())
}

/// "; did you mean `x`?", or the words there are, or nothing where there are none.
pub(super) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "remove it".to_owned(),
        None => format!("known here: {}", known.join(", ")),
    }
}
