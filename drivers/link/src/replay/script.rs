//! Where the conversation stands: one script, moved on by the wire and by the host alike.

use std::fmt::Display;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::parse::{self, Facts, Step, hex};
use super::{Conclusion, Mismatch, plain};

/// The steps of a transcript and their lines.
pub(super) struct Script(Vec<(usize, Step)>);

impl Script {
    pub fn read(text: &str) -> Result<(Self, Map<String, Value>), Mismatch> {
        let mut steps = Vec::new();
        let mut shelf = Map::new();
        for (index, line) in text.lines().enumerate() {
            match parse::line(line) {
                Ok(None) => {}
                Ok(Some(Step::Shelf(name, value))) => drop(shelf.insert(name, value)),
                Ok(Some(step)) => steps.push((index + 1, step)),
                Err(what) => {
                    return Err(Mismatch {
                        line: index + 1,
                        what: "this line is not understood".to_owned(),
                        expected: what,
                        found: line.to_owned(),
                    });
                }
            }
        }
        Ok((Self(steps), shelf))
    }
}

/// The script and how far it was played.
pub(super) struct Board(Mutex<Play>);

struct Play {
    steps: Vec<(usize, Step)>,
    at: usize,
    /// Bytes of the present `>` that were sent.
    sent: usize,
    /// Bytes of the device that the driver has not read.
    heard: Vec<u8>,
    closed: bool,
    silent_since: Option<Instant>,
    reader: Option<Waker>,
    mismatch: Option<Mismatch>,
}

/// What a reader finds.
pub(super) enum Heard {
    Bytes,
    Closed,
    /// Nothing for now; look again at the time, if one is given.
    Nothing(Option<Instant>),
}

impl Board {
    pub fn new(script: Script) -> Self {
        Self(Mutex::new(Play {
            steps: script.0,
            at: 0,
            sent: 0,
            heard: Vec::new(),
            closed: false,
            silent_since: None,
            reader: None,
            mismatch: None,
        }))
    }

    fn play(&self) -> MutexGuard<'_, Play> {
        self.0
            .lock()
            .expect("no code panics while it holds this lock")
    }

    /// The driver sends bytes. `false`: they are not in the script.
    pub fn send(&self, bytes: &[u8]) -> bool {
        let mut play = self.play();
        let sent = play.send(bytes);
        play.wake();
        sent
    }

    /// The driver opens the line again after it was closed.
    pub fn dial(&self) {
        self.play().closed = false;
    }

    pub fn read(&self, cx: &mut Context<'_>, room: usize, out: &mut Vec<u8>) -> Poll<Heard> {
        let mut play = self.play();
        match play.read(room, out) {
            Heard::Nothing(None) => {
                play.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            heard @ (Heard::Bytes | Heard::Closed | Heard::Nothing(Some(_))) => Poll::Ready(heard),
        }
    }

    /// The driver commits or checkpoints. `false`: the script refuses.
    pub fn durable(&self, what: &'static str, bookmark: &Value) -> bool {
        let mut play = self.play();
        let kept = play.durable(what, bookmark);
        play.wake();
        kept
    }

    pub fn concluded(&self, conclusion: &Conclusion) -> Result<(), Mismatch> {
        let mut play = self.play();
        play.skip_silence();
        let Some((line, step)) = play.present() else {
            return Err(play.here("the script has no conclusion here", "", conclusion));
        };
        let Step::Conclude { word, code, args } = &step else {
            let what = "the driver concluded before the script did";
            return Err(at(line, what, &describe(&step), conclusion));
        };
        let same_code = match (code, &conclusion.say) {
            (Some(code), Some(say)) => *code == say.code,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let said = |name: &String, value: &String| {
            let say = conclusion.say.as_ref();
            say.is_some_and(|say| say.args.get(name) == Some(value))
        };
        let same_args = args.iter().all(|(name, value)| said(name, value));
        if *word != conclusion.word || !same_code || !same_args {
            return Err(at(line, "another conclusion", &describe(&step), conclusion));
        }
        play.step_on();
        Ok(())
    }

    pub fn next_is_reconcile(&self) -> bool {
        matches!(self.play().present(), Some((_, Step::Reconcile)))
    }

    pub fn take_reconcile(&self) -> bool {
        let mut play = self.play();
        let is = matches!(play.present(), Some((_, Step::Reconcile)));
        if is {
            play.step_on();
        }
        is
    }

    pub fn ended(&self) -> Result<(), Mismatch> {
        let play = self.play();
        match play.present() {
            None => Ok(()),
            Some((line, step)) => Err(at(
                line,
                "the driver had ended before this line",
                &describe(&step),
                &"(nothing)",
            )),
        }
    }

    pub fn first_mismatch(&self) -> Result<(), Mismatch> {
        self.play().mismatch.clone().map_or(Ok(()), Err)
    }

    pub fn mismatch_here(&self, what: &str, found: &impl Display) -> Mismatch {
        let play = self.play();
        play.here(what, "", found)
    }
}

impl Play {
    fn present(&self) -> Option<(usize, Step)> {
        self.steps.get(self.at).cloned()
    }

    fn step_on(&mut self) {
        self.at += 1;
        self.sent = 0;
        self.silent_since = None;
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn here(&self, what: &str, expected: &str, found: &impl Display) -> Mismatch {
        let last = self.steps.last().map_or(1, |(line, _)| *line);
        let line = self.steps.get(self.at).map_or(last, |(line, _)| *line);
        at(line, what, expected, found)
    }

    fn disagree(&mut self, what: &str, found: &impl Display) {
        if self.mismatch.is_some() {
            return;
        }
        let expected = self
            .present()
            .map_or("(the end)".to_owned(), |(_, step)| describe(&step));
        self.mismatch = Some(self.here(what, &expected, found));
    }

    /// A silence that nobody waits for is over when the driver goes on by itself.
    fn skip_silence(&mut self) {
        while let Some((_, Step::Silence(_))) = self.present() {
            self.step_on();
        }
    }

    /// What the device says by now lies in the line, whether the driver reads it or not.
    fn deliver(&mut self) {
        loop {
            match self.present() {
                Some((_, Step::Answer(bytes))) => {
                    self.heard.extend_from_slice(&bytes);
                    self.step_on();
                }
                Some((_, Step::Closed)) => {
                    self.closed = true;
                    self.step_on();
                }
                Some((_, Step::Silence(time))) if self.silent_for() >= time => self.step_on(),
                Some(_) | None => return,
            }
        }
    }

    fn silent_for(&mut self) -> Duration {
        let now = driver_sdk::clock::now();
        now - *self.silent_since.get_or_insert(now)
    }

    fn send(&mut self, bytes: &[u8]) -> bool {
        self.deliver();
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some((_, Step::Send(expected))) = self.present() else {
                self.disagree("the driver spoke out of turn", &format!("> {}", hex(rest)));
                return false;
            };
            let wanted = &expected[self.sent..];
            let length = wanted.len().min(rest.len());
            if wanted[..length] != rest[..length] {
                let at = (0..length).find(|at| wanted[*at] != rest[*at]).unwrap_or(0);
                let mut whole = expected[..self.sent].to_vec();
                whole.extend_from_slice(rest);
                let what = format!("byte {} is another one", self.sent + at + 1);
                self.disagree(&what, &format!("> {}", hex(&whole)));
                return false;
            }
            self.sent += length;
            rest = &rest[length..];
            if self.sent == expected.len() {
                self.step_on();
            }
        }
        true
    }

    fn read(&mut self, room: usize, out: &mut Vec<u8>) -> Heard {
        self.deliver();
        if !self.heard.is_empty() {
            let length = room.min(self.heard.len());
            out.extend(self.heard.drain(..length));
            return Heard::Bytes;
        }
        if self.closed {
            return Heard::Closed;
        }
        let until = match (self.present(), self.silent_since) {
            (Some((_, Step::Silence(time))), Some(since)) => Some(since + time),
            _ => None,
        };
        Heard::Nothing(until)
    }

    fn durable(&mut self, what: &'static str, bookmark: &Value) -> bool {
        self.deliver();
        let found = format!(". {what} {bookmark}");
        let (is, facts) = match self.present() {
            Some((_, Step::Commit(facts))) => (what == "commit", facts),
            Some((_, Step::Checkpoint(facts))) => (what == "checkpoint", facts),
            Some((_, Step::CommitRefused)) if what == "commit" => {
                self.step_on();
                return false;
            }
            Some(_) | None => (false, Facts::new()),
        };
        if !is {
            self.disagree(&format!("a {what} the script does not have"), &found);
            return false;
        }
        let holds = |(name, value): &(String, String)| {
            bookmark.get(name).map(plain).as_ref() == Some(value)
        };
        if !facts.iter().all(holds) {
            self.disagree("another bookmark", &found);
            return false;
        }
        self.step_on();
        true
    }
}

fn at(line: usize, what: &str, expected: &str, found: &impl Display) -> Mismatch {
    Mismatch {
        line,
        what: what.to_owned(),
        expected: expected.to_owned(),
        found: found.to_string(),
    }
}

fn describe(step: &Step) -> String {
    let facts = |facts: &Facts| -> String {
        facts
            .iter()
            .map(|(name, value)| format!(" {name}={value}"))
            .collect()
    };
    match step {
        Step::Send(bytes) => format!("> {}", hex(bytes)),
        Step::Answer(bytes) => format!("< {}", hex(bytes)),
        Step::Silence(time) => format!("< (silence {time:?})"),
        Step::Closed => "< (closed)".to_owned(),
        Step::Commit(all) => format!(". commit{}", facts(all)),
        Step::CommitRefused => ". commit refused".to_owned(),
        Step::Checkpoint(all) => format!(". checkpoint{}", facts(all)),
        Step::Reconcile => ". reconcile".to_owned(),
        Step::Conclude { word, code, args } => {
            let code = code.as_deref().unwrap_or_default();
            format!("= {word} {code}{}", facts(args))
        }
        Step::Shelf(name, value) => format!(". shelf {name} {value}"),
    }
}
