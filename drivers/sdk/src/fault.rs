//! What a driver may conclude: faults, proofs and verdicts, all made of a code with arguments.
//!
//! A driver never writes a sentence. It names a code and its arguments; the sentence is the first
//! line of the driver's page `faults/CODE.md`, filled in where it is shown or reported. So a
//! second language is a second folder, and no driver changes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::vocabulary::Grade;

/// A code with named arguments: something to be said to a person.
///
/// Arguments reach the hotel system and the journal, so they never hold guests' data or secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Say {
    /// The page that holds the sentence, such as `KEY-NO-CARD`.
    pub code: String,
    /// What stands in the braces of the sentence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
}

impl Say {
    /// A code without arguments.
    pub fn new(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            args: BTreeMap::new(),
        }
    }

    /// Adds what stands for `{name}` in the sentence.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.args.insert(name.to_owned(), value.to_string());
        self
    }
}

/// Evidence that something happened, and how good it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How well it is proved.
    pub grade: Grade,
    /// What exists now, in words: "printed, {copies}."
    pub say: Say,
    /// The note starts with the sentence itself and not with the device's name
    /// (`FISCAL OK doc=…`).
    #[serde(default)]
    pub fixed_form: bool,
}

impl Proof {
    /// What exists, with the grade of its proof.
    #[must_use]
    pub fn new(grade: Grade, say: Say) -> Self {
        Self {
            grade,
            say,
            fixed_form: false,
        }
    }

    /// The sentence is a fixed form that staff and accountants search for.
    #[must_use]
    pub fn in_fixed_form(mut self) -> Self {
        self.fixed_form = true;
        self
    }
}

/// What is true when something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Nothing happened, later may work: unreachable, busy.
    Transient,
    /// Nothing happened and never will; also: the device said no.
    Permanent,
    /// Nothing happened; a person is needed: paper, cover, cards, login.
    OperatorNeeded,
    /// It happened in part, and we know which part.
    Partly,
    /// It may have happened.
    InDoubt,
}

/// What the driver knows of the effect of an attempt that failed after its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    Unknown,
    None,
    /// The last effect had none; those before it are another matter.
    NoneOfTheLast,
    Partly(Proof),
}

/// Something went wrong: a kind that decides what the worker does, and a code for people.
#[derive(Debug, Clone)]
pub struct Fault(Box<Facts>);

#[derive(Debug, Clone)]
struct Facts {
    kind: FaultKind,
    say: Say,
    effect: Effect,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Fault {
    fn new(kind: FaultKind, code: &str) -> Self {
        Self::from_parts(kind, Say::new(code))
    }

    /// Nothing happened, later may work.
    #[must_use]
    pub fn transient(code: &str) -> Self {
        Self::new(FaultKind::Transient, code)
    }

    /// Nothing happened and never will.
    #[must_use]
    pub fn permanent(code: &str) -> Self {
        Self::new(FaultKind::Permanent, code)
    }

    /// Nothing happened; a person is needed.
    #[must_use]
    pub fn operator(code: &str) -> Self {
        Self::new(FaultKind::OperatorNeeded, code)
    }

    /// It may have happened. Rarely needed: the lane makes a doubt of every fault after commit
    /// that carries no proof.
    #[must_use]
    pub fn in_doubt(code: &str) -> Self {
        Self::new(FaultKind::InDoubt, code)
    }

    /// A fault rebuilt from what a journal or a child process kept of it.
    #[must_use]
    pub fn from_parts(kind: FaultKind, say: Say) -> Self {
        Self(Box::new(Facts {
            kind,
            say,
            effect: Effect::Unknown,
            source: None,
        }))
    }

    /// Adds what stands for `{name}` in the sentence. Never guests' data, never secrets.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.0.say.args.insert(name.to_owned(), value.to_string());
        self
    }

    /// Keeps the technical cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(cause));
        self
    }

    /// After a commit: the driver holds proof that the attempt had no effect (a refusal read from
    /// the wire, bytes that were never sent).
    #[must_use]
    pub fn without_effect(mut self) -> Self {
        self.0.effect = Effect::None;
        self
    }

    /// After a commit: the effect under way was never sent, or was refused as a whole. That proves
    /// something of the attempt only where it was the attempt's first one: the run knows
    /// ([`crate::Run::judged`]). Links, requests and sessions give their proofs in this form.
    #[must_use]
    pub fn never_sent(mut self) -> Self {
        self.0.effect = Effect::NoneOfTheLast;
        self
    }

    /// The proof of one effect as one of the attempt, or none where another may have been sent.
    pub(crate) fn of_an_attempt(mut self, sent_before: bool) -> Self {
        if self.0.effect == Effect::NoneOfTheLast {
            self.0.effect = if sent_before {
                Effect::Unknown
            } else {
                Effect::None
            };
        }
        self
    }

    /// Takes the proof back. What stopped a question says nothing of what the attempt did before
    /// it: a number that cannot be read back is no proof that nothing was issued.
    #[must_use]
    pub fn without_proof(mut self) -> Self {
        if self.has_no_effect() {
            self.0.effect = Effect::Unknown;
        }
        self
    }

    /// After a commit: the driver knows what exists, and it is less than was asked.
    #[must_use]
    pub fn with_effect(mut self, proof: Proof) -> Self {
        self.0.effect = Effect::Partly(proof);
        self.0.kind = FaultKind::Partly;
        self
    }

    /// What is true.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }

    /// The code, the name of a page.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.say.code
    }

    /// Code and arguments.
    #[must_use]
    pub fn say(&self) -> &Say {
        &self.0.say
    }

    /// The proof of what exists, where the fault is [`FaultKind::Partly`].
    #[must_use]
    pub fn effect(&self) -> Option<&Proof> {
        match &self.0.effect {
            Effect::Partly(proof) => Some(proof),
            Effect::Unknown | Effect::None | Effect::NoneOfTheLast => None,
        }
    }

    /// True if there is proof that nothing happened: of the attempt, or of its last effect
    /// ([`Fault::never_sent`]).
    #[must_use]
    pub fn has_no_effect(&self) -> bool {
        matches!(self.0.effect, Effect::None | Effect::NoneOfTheLast)
    }

    /// What the fault means for an attempt that had committed (`true`) or had not.
    ///
    /// Before commit nothing can have happened, whatever the driver says. After it, a fault
    /// without proof is a doubt, and the proof of one effect is none of the attempt:
    /// [`crate::Run::judged`] knows whether it was the only one.
    #[must_use]
    pub fn judged(mut self, committed: bool) -> Self {
        self.0.kind = match (&self.0.effect, committed, self.0.kind) {
            (Effect::Partly(_), true, _) => FaultKind::Partly,
            (Effect::None, _, kind @ (FaultKind::Transient | FaultKind::OperatorNeeded)) => kind,
            (Effect::None, _, _) => FaultKind::Permanent,
            (Effect::Unknown | Effect::NoneOfTheLast, true, _) => FaultKind::InDoubt,
            (_, false, FaultKind::Partly | FaultKind::InDoubt) => FaultKind::Transient,
            (_, false, kind) => kind,
        };
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.say.code)?;
        for (name, value) in &self.0.say.args {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|cause| &**cause as &(dyn Error + 'static))
    }
}

/// What a device's evidence says of an attempt whose end we did not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It happened as asked.
    Happened(Proof),
    /// Less than asked exists, and the device says what.
    Partly(Proof),
    /// The device's evidence proves that nothing happened.
    DidNotHappen,
    /// Asking this device again will not help; a person must look.
    CannotTell {
        /// What to look at.
        check: Say,
    },
}

/// One page of a driver's `faults` folder: line one is the sentence for the desk, the rest is for
/// the technician.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultPage {
    /// The code, the file's name without `.md`.
    pub code: &'static str,
    /// The whole page.
    pub text: &'static str,
}

impl FaultPage {
    /// The sentence with its arguments in braces.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim()
    }

    /// What a technician reads.
    #[must_use]
    pub fn explanation(&self) -> &'static str {
        self.text
            .split_once('\n')
            .map_or("", |(_, rest)| rest.trim())
    }

    /// The names in braces of the sentence, in their order.
    #[must_use]
    pub fn arguments(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        let mut rest = self.sentence();
        while let Some((_, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else {
                break;
            };
            names.push(name);
            rest = tail;
        }
        names
    }
}

/// The pages of the contract itself: links, sessions, settings.
pub(crate) const PAGES: &[FaultPage] = &[
    page!("LINK-UNREACHABLE"),
    page!("LINK-LOST"),
    page!("LINK-SILENT"),
    page!("LINK-GARBLED"),
    page!("DEVICE-CRASHED"),
    page!("SHELF-CONFLICT"),
    page!("SESSION-DOWN"),
    page!("SESSION-LOST"),
    page!("NOT-STARTED"),
    page!("WRONG-WORK"),
    page!("DOCUMENT-UNREADABLE"),
    page!("BOOKMARK-UNREADABLE"),
];

/// Every page of this build, by code.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pages: BTreeMap<&'static str, FaultPage>,
}

impl Catalogue {
    /// The contract's own pages and those given.
    #[must_use]
    pub fn new(pages: impl IntoIterator<Item = FaultPage>) -> Self {
        let all = PAGES.iter().copied().chain(pages);
        Self {
            pages: all.map(|page| (page.code, page)).collect(),
        }
    }

    /// The page of a code.
    #[must_use]
    pub fn page(&self, code: &str) -> Option<&FaultPage> {
        self.pages.get(code)
    }

    /// Every page, by code.
    pub fn pages(&self) -> impl Iterator<Item = &FaultPage> {
        self.pages.values()
    }

    /// The sentence of a code with its arguments filled in, on one line. A code without a page
    /// (of an older build) is said as it is, so that nothing is lost.
    #[must_use]
    pub fn sentence(&self, say: &Say) -> String {
        let mut text = match self.page(&say.code) {
            Some(page) => page.sentence().to_owned(),
            None => format!("{} ({})", say.code, list(&say.args)),
        };
        for (name, value) in &say.args {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    }
}

fn list(args: &BTreeMap<String, String>) -> String {
    args.iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests;
