//! The scripted fake: plays a recorded conversation against a driver, byte by byte.
//!
//! A transcript reads like a conversation:
//!
//! ```text
//! # The answer is lost after the card was written.
//! . commit counter=41
//! > 02 43 31 30 31 03 70    cut, room 101
//! < (silence 3s)
//! = in-doubt KEY-NO-ANSWER
//! ```
//!
//! | line | meaning |
//! | --- | --- |
//! | `# …` | a remark |
//! | `> 02 "abc" 03  …` | the driver sends exactly these bytes; after two spaces, a comment |
//! | `< 06  …` | the device answers |
//! | `< (silence 3s)` | the device says nothing, and neither does the driver, for this long |
//! | `< (closed)` | the device hangs up |
//! | `. shelf NAME {json}` | before the start: what the device's shelf holds |
//! | `. commit counter=41` | the driver commits, and its bookmark holds these facts |
//! | `. checkpoint cards=1` | the same for a checkpoint |
//! | `. commit refused` | the commit is refused: cancelled, too old |
//! | `. reconcile` | the driver is asked what became of the attempt |
//! | `= done CODE name=value` | what it concludes |
//!
//! Conclusions of an attempt: `sent`, `accepted`, `done`, `transient`, `permanent`, `operator`,
//! `partly`, `in-doubt`; of a reconcile: `happened`, `partly`, `did-not-happen`, `cannot-tell`,
//! `later`. Arguments that the line does not name are not compared. A byte that is not in the
//! script, or one of the script that is not sent, is a [`Mismatch`] that shows both.

mod parse;
mod script;
mod stage;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{
    Attempt, Device, DeviceName, DriverKind, Fault, FaultKind, Hub, Job, Proof, Run, Say, Settings,
    Verdict,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use script::{Board, Script};
use stage::{Factory, ReplayHost};

/// The class's longest silence of one step, where a transcript is played.
const SILENCE_MAX: Duration = Duration::from_secs(180);

/// A driver that transcripts are played against.
pub struct Replay<'a> {
    kind: &'a dyn DriverKind,
    settings: Settings,
    job: Job,
    link: String,
}

impl fmt::Debug for Replay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("kind", &self.kind.name())
            .finish_non_exhaustive()
    }
}

/// Where a driver left the script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}\n  script: {expected}\n  driver: {found}")]
pub struct Mismatch {
    /// The transcript's line, from 1.
    pub line: usize,
    /// What went wrong.
    pub what: String,
    /// What the script says.
    pub expected: String,
    /// What the driver did.
    pub found: String,
}

impl<'a> Replay<'a> {
    /// A driver with its default settings, and the job it gets.
    #[must_use]
    pub fn new(kind: &'a dyn DriverKind, job: Job) -> Self {
        Self {
            kind,
            settings: Settings::none(),
            job,
            link: "tcp:transcript:1".to_owned(),
        }
    }

    /// With settings, as TOML.
    #[must_use]
    pub fn settings(mut self, toml: &str) -> Self {
        self.settings = Settings::from_toml(toml);
        self
    }

    /// With the link address that the driver sees.
    #[must_use]
    pub fn link(mut self, url: &str) -> Self {
        url.clone_into(&mut self.link);
        self
    }

    /// Plays a transcript.
    ///
    /// # Panics
    /// With a readable difference where the driver leaves the script.
    pub async fn check(&self, transcript: &str) {
        if let Err(mismatch) = self.play(transcript).await {
            panic!("the driver left the script\n{mismatch}\n");
        }
    }

    /// Plays a transcript.
    ///
    /// # Errors
    /// Where the driver leaves the script, or where the transcript is none.
    pub async fn play(&self, transcript: &str) -> Result<(), Mismatch> {
        let (script, shelf) = Script::read(transcript)?;
        let board = Arc::new(Board::new(script));
        let host = Arc::new(ReplayHost::new(board.clone(), shelf));
        let mut hub = Hub::new(Arc::new(Factory(board.clone())));
        let opened = hub
            .open(
                self.kind,
                &DeviceName::new("replayed"),
                Some(&self.link),
                &self.settings,
            )
            .map_err(|error| board.mismatch_here("the device cannot be opened", &error))?;
        let mut device = opened.device;
        let stop = CancellationToken::new();
        let mut sessions = tokio::task::JoinSet::new();
        for session in hub.take_sessions() {
            let stop = stop.clone();
            sessions.spawn(async move { session.run(stop).await });
        }
        let played = self.acts(&mut device, &host, &board).await;
        // A conversation's goodbye is not part of the script.
        sessions.abort_all();
        board.first_mismatch()?;
        played?;
        board.ended()
    }

    async fn acts(
        &self,
        device: &mut Device,
        host: &Arc<ReplayHost>,
        board: &Board,
    ) -> Result<(), Mismatch> {
        if !board.next_is_reconcile() {
            let concluded = self.attempt(device, host).await;
            board.first_mismatch()?;
            board.concluded(&concluded)?;
        }
        while board.take_reconcile() {
            let concluded = self.reconcile(device, host).await;
            board.first_mismatch()?;
            board.concluded(&concluded)?;
        }
        Ok(())
    }

    async fn attempt(&self, device: &mut Device, host: &Arc<ReplayHost>) -> Conclusion {
        let plan = match device.prepare(&self.job) {
            Ok(plan) => plan,
            Err(fault) => return Conclusion::of_fault(&fault.judged(false)),
        };
        let run = self.run(host);
        match device.execute(plan, &run).await {
            Ok(proof) => Conclusion::of_proof(proof.grade.as_str(), &proof),
            Err(fault) => Conclusion::of_fault(&run.judged(fault)),
        }
    }

    async fn reconcile(&self, device: &mut Device, host: &Arc<ReplayHost>) -> Conclusion {
        let attempt = Attempt {
            id: self.job.id,
            number: 1,
            committed_at: Some(self.job.now),
            job: Some(self.job.clone()),
            bookmark: host.bookmark(),
        };
        let run = self.run(host).already_committed();
        match device.reconcile(&attempt, &run).await {
            Ok(Verdict::Happened(proof)) => Conclusion::of_proof("happened", &proof),
            Ok(Verdict::Partly(proof)) => Conclusion::of_proof("partly", &proof),
            Ok(Verdict::DidNotHappen) => Conclusion {
                word: "did-not-happen",
                say: None,
            },
            Ok(Verdict::CannotTell { check }) => Conclusion {
                word: "cannot-tell",
                say: Some(check),
            },
            Err(fault) => Conclusion {
                word: "later",
                say: Some(fault.say().clone()),
            },
        }
    }

    fn run(&self, host: &Arc<ReplayHost>) -> Run {
        Run::new(
            host.clone(),
            SILENCE_MAX,
            SILENCE_MAX,
            CancellationToken::new(),
            CancellationToken::new(),
        )
    }
}

/// What a driver concluded, in the words of a transcript.
struct Conclusion {
    word: &'static str,
    say: Option<Say>,
}

impl Conclusion {
    fn of_proof(word: &'static str, proof: &Proof) -> Self {
        Self {
            word,
            say: Some(proof.say.clone()),
        }
    }

    fn of_fault(fault: &Fault) -> Self {
        let word = match fault.kind() {
            FaultKind::Transient => "transient",
            FaultKind::Permanent => "permanent",
            FaultKind::OperatorNeeded => "operator",
            FaultKind::Partly => "partly",
            FaultKind::InDoubt => "in-doubt",
        };
        let say = fault.effect().map_or(fault.say(), |proof| &proof.say);
        Self {
            word,
            say: Some(say.clone()),
        }
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)?;
        if let Some(say) = &self.say {
            write!(f, " {}", say.code)?;
            for (name, value) in &say.args {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}

/// A fact of a bookmark as a transcript writes it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

#[cfg(test)]
mod tests;
