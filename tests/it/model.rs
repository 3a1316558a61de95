//! The life of one command, exhaustively: every order of what worker, device, hotel system and
//! power switch can do, over the pure decisions of [`nightporter::life`].
//!
//! A state is what the disk holds, what the worker has in hand, what the device did and what Mews
//! shows. Every step that is possible is taken from every state that is reachable; promises are
//! checked on each. A rule can be taken away, and then a promise must break.

use std::collections::{BTreeMap, HashMap, VecDeque};

use driver_sdk::{Class, CommandId, Fault, Grade, Proof, Say, Verdict};
use jiff::Timestamp;
use nightporter::life::{
    Bookmark, Ended, Entry, FinalState, Next, Outcome, OutcomeKind, Rules, Said, Stage, Step,
    after, next,
};

const CLASSES: [Class; 5] = [
    Class::Printer,
    Class::KeyCutter,
    Class::FiscalMachine,
    Class::PaymentTerminal,
    Class::PassportScanner,
];
/// What is asked for: two copies, two cards; so a part of it is possible.
const ASKED: u8 = 2;
/// Crashes in one life, process and power together.
const CRASHES: u8 = 2;

/// A rule of the worker that can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    CommitBeforeEffect,
    DurableCommit,
    KnownIdIsNothingNew,
    AskBeforeRepeat,
    AskBeforeOtherWork,
    CancelBeforeCommit,
    AgeBeforeCommit,
    RowBeforeProcessing,
    ProcessingBeforeMoney,
    JournalBeforeReport,
    DoubtOfARepeat,
    RepeatOfReports,
    TruthfulDevice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Accepted { attempts: u8 },
    Committed { attempt: u8 },
    Settled(OutcomeKind),
    Reported(OutcomeKind, bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Row {
    at: At,
    said: Said,
    cancel: bool,
    repeat: bool,
    /// A final state was seen in Mews: nothing is sent.
    over: bool,
}

/// What the lane has in hand; gone with the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Hand {
    Idle,
    /// Prepared, its device looked at; the commit is next.
    Ready {
        attempt: u8,
    },
    /// Leave to act was given; the device may act or not.
    Begun {
        attempt: u8,
    },
    /// The device is through; its answer is on the way, or lost.
    Acted {
        attempt: u8,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mews {
    Pending,
    Received,
    Processing,
    Final(FinalState, OutcomeKind),
    /// A clerk cancelled it.
    Withdrawn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    row: Option<Row>,
    disk: Option<Row>,
    hand: Hand,
    mews: Mews,
    old: bool,
    /// Things that exist, and of them those of the last attempt.
    made: u8,
    marked: u8,
    last: u8,
    /// The device has done other work since: its evidence is of that.
    overwritten: bool,
    /// An attempt began after the hotel system had a final state of ours, or a cancel was known.
    started_late: bool,
    crashes: u8,
    /// A courtesy `Processing` is on its way.
    saying: bool,
}

struct Model {
    class: Class,
    rules: Rules,
    without: Without,
}

fn proof() -> Proof {
    Proof::new(Grade::Done, Say::new("DONE"))
}

fn outcome(kind: OutcomeKind) -> Outcome {
    match kind {
        OutcomeKind::Done => Outcome::done(proof()),
        OutcomeKind::Partly => Outcome::partly(proof()),
        OutcomeKind::Failed => Outcome::failed(Say::new("FAILED")),
        OutcomeKind::Unconfirmed => Outcome::unconfirmed(Say::new("CHECK")),
        OutcomeKind::Expired => Outcome::expired(Say::new("EXPIRED")),
        OutcomeKind::Cancelled => Outcome::cancelled(),
    }
}

fn stage(at: At) -> Stage {
    let bookmark = || Bookmark(serde_json::Value::Null);
    match at {
        At::Accepted { attempts } => Stage::Accepted {
            attempts: attempts.into(),
        },
        At::Committed { attempt } => Stage::Committed {
            attempt: attempt.into(),
            bookmark: bookmark(),
        },
        At::Settled(kind) => Stage::Settled(outcome(kind)),
        At::Reported(_, doubt) => Stage::Reported {
            doubt: doubt.then(bookmark),
        },
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_780_000_000).expect("in range")
}

impl State {
    fn new() -> Self {
        Self {
            row: None,
            disk: None,
            hand: Hand::Idle,
            mews: Mews::Pending,
            old: false,
            made: 0,
            marked: 0,
            last: 0,
            overwritten: false,
            started_late: false,
            crashes: 0,
            saying: false,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.mews, Mews::Pending | Mews::Received)
    }

    fn is_final(&self) -> bool {
        matches!(self.mews, Mews::Final(..) | Mews::Withdrawn)
    }
}

impl Model {
    fn new(class: Class, without: Without, repeat_in_doubt: bool) -> Self {
        let mut rules = Rules::of(class);
        rules.repeat_in_doubt = repeat_in_doubt;
        Self {
            class,
            rules,
            without,
        }
    }

    fn entry(&self, state: &State, row: &Row) -> Entry {
        let mut said = row.said;
        if self.without == Without::ProcessingBeforeMoney {
            said = Said::Processing;
        }
        let known = self.without != Without::AgeBeforeCommit;
        Entry {
            id: CommandId(uuid::Uuid::nil()),
            class: self.class,
            stage: stage(row.at),
            expires: (state.old && known).then(now),
            cancel_requested: row.cancel && self.without != Without::CancelBeforeCommit,
            said,
            local: false,
            has_the_device: state.hand == Hand::Idle,
        }
    }

    /// Writes the row; `synced` means on the disk. The one direction is checked here.
    fn write(&self, state: &State, row: Row, synced: bool) -> Result<State, String> {
        if let Some(old) = state.row
            && old.at != row.at
            && !stage(old.at).may_become(&stage(row.at))
        {
            return Err(format!("one direction: {:?} to {:?}", old.at, row.at));
        }
        let mut new = *state;
        new.row = Some(row);
        if synced {
            new.disk = new.row;
        }
        Ok(new)
    }

    /// Ends a command without an attempt.
    fn settle(&self, state: &State, row: Row, outcome: Outcome) -> Result<State, String> {
        let outcome = if row.repeat && self.without != Without::DoubtOfARepeat {
            outcome.of_a_repeat()
        } else {
            outcome
        };
        let settled = Row {
            at: At::Settled(outcome.kind),
            ..row
        };
        self.write(state, settled, true)
    }

    /// Everything that can happen next, and of it what does not need the worker.
    fn steps(&self, state: &State) -> Result<(Vec<State>, Vec<State>), String> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        self.world(state, &mut theirs);
        self.announced(state, &mut ours);
        self.hands(state, &mut ours)?;
        self.rows(state, &mut ours)?;
        Ok((ours, theirs))
    }

    /// The clerk, the clock, other work of the device, the power switch.
    fn world(&self, state: &State, out: &mut Vec<State>) {
        if !state.is_final() {
            out.push(State {
                mews: Mews::Withdrawn,
                ..*state
            });
        }
        if self.rules.expires.is_some() {
            out.push(State {
                old: true,
                ..*state
            });
        }
        let in_doubt = state.row.is_some_and(|row| match row.at {
            At::Committed { .. } => true,
            At::Reported(_, doubt) => doubt && self.class.is_money(),
            At::Settled(kind) => kind == OutcomeKind::Unconfirmed && self.class.is_money(),
            At::Accepted { .. } => false,
        });
        // A device reconciles before it runs anything else.
        let free = !in_doubt || self.without == Without::AskBeforeOtherWork;
        if state.hand == Hand::Idle && free {
            out.push(State {
                overwritten: true,
                ..*state
            });
        }
        if state.crashes < CRASHES {
            let mut killed = *state;
            killed.crashes += 1;
            killed.hand = Hand::Idle;
            killed.saying = false;
            if self.without == Without::CommitBeforeEffect {
                killed.row = state.disk;
            }
            out.push(killed);
            // A power cut also takes what was not on the disk yet.
            killed.row = state.disk;
            out.push(killed);
        }
    }

    /// Announcements and sweeps may repeat, at any time; what is read is the state of now.
    fn announced(&self, state: &State, out: &mut Vec<State>) {
        let said = if state.mews == Mews::Received {
            Said::Received
        } else {
            Said::Nothing
        };
        let fresh = Row {
            at: At::Accepted { attempts: 0 },
            said,
            cancel: false,
            repeat: false,
            over: false,
        };
        let known = state.row.is_some() && self.without != Without::KnownIdIsNothingNew;
        if state.is_open() && !known {
            let mut new = *state;
            new.row = Some(fresh);
            new.hand = Hand::Idle;
            out.push(new);
        }
        // A cancel of Mews is heard: before the commit it decides, after it it is a wish.
        if state.mews == Mews::Withdrawn
            && let Some(row) = state.row
            && matches!(row.at, At::Accepted { .. } | At::Committed { .. })
        {
            let mut new = *state;
            new.row = Some(Row {
                cancel: true,
                over: true,
                ..row
            });
            out.push(new);
        }
        // The courtesy: the row is on the disk before it is said.
        if let Some(row) = state.row
            && matches!(row.at, At::Accepted { .. } | At::Committed { .. })
            && row.said < Said::Processing
        {
            let mut new = *state;
            new.saying = true;
            if self.without != Without::RowBeforeProcessing {
                new.disk = new.row;
            }
            out.push(new);
        }
        if state.saying {
            // It arrives, arrives with the answer lost, or is lost.
            let mut new = *state;
            new.saying = false;
            out.push(new);
            if state.is_open() {
                new.mews = Mews::Processing;
                out.push(new);
                if let Some(row) = new.row {
                    new.row = Some(Row {
                        said: Said::Processing,
                        ..row
                    });
                    out.push(new);
                }
            }
        }
    }

    /// What the lane and the device do with an attempt.
    fn hands(&self, state: &State, out: &mut Vec<State>) -> Result<(), String> {
        let Some(row) = state.row else { return Ok(()) };
        match state.hand {
            Hand::Idle => {}
            Hand::Ready { attempt } => {
                // The last gate looks at the row again.
                let may = match next(
                    &Entry {
                        has_the_device: true,
                        ..self.entry(state, &row)
                    },
                    now(),
                ) {
                    Step::Run => true,
                    Step::Wait
                    | Step::SayProcessing
                    | Step::Settle(_)
                    | Step::Reconcile
                    | Step::Report(_)
                    | Step::AskAgain
                    | Step::Rest => false,
                };
                let rest = State {
                    hand: Hand::Idle,
                    ..*state
                };
                out.push(rest);
                if !may {
                    return Ok(());
                }
                let late = row.cancel || state.old || matches!(state.mews, Mews::Final(..));
                let begun = Row {
                    at: At::Committed { attempt },
                    ..row
                };
                let mut new = match self.without {
                    Without::CommitBeforeEffect => *state,
                    Without::DurableCommit => self.write(state, begun, false)?,
                    Without::Nothing
                    | Without::KnownIdIsNothingNew
                    | Without::AskBeforeRepeat
                    | Without::AskBeforeOtherWork
                    | Without::CancelBeforeCommit
                    | Without::AgeBeforeCommit
                    | Without::RowBeforeProcessing
                    | Without::ProcessingBeforeMoney
                    | Without::JournalBeforeReport
                    | Without::DoubtOfARepeat
                    | Without::RepeatOfReports
                    | Without::TruthfulDevice => self.write(state, begun, true)?,
                };
                new.hand = Hand::Begun { attempt };
                new.last = 0;
                new.overwritten = false;
                new.started_late |= late;
                out.push(new);
            }
            Hand::Begun { attempt } => {
                for made in 0..=ASKED {
                    let mut new = *state;
                    new.hand = Hand::Acted { attempt };
                    new.last = made;
                    if row.repeat {
                        new.marked = (new.marked + made).min(2 * ASKED + 1);
                    } else {
                        new.made = (new.made + made).min(2 * ASKED + 1);
                    }
                    out.push(new);
                }
            }
            Hand::Acted { attempt } => {
                let mut state = *state;
                state.hand = Hand::Idle;
                if self.without == Without::CommitBeforeEffect {
                    // Journaled only now that it is done.
                    let begun = Row {
                        at: At::Committed { attempt },
                        ..row
                    };
                    state = self.write(&state, begun, true)?;
                }
                let row = state.row.unwrap_or(row);
                // The device's answer, if it comes, is true; hang, panic and silence leave the row.
                out.push(state);
                let told = match state.last {
                    ASKED => Ok(proof()),
                    0 => Err(Fault::transient("NAK").without_effect()),
                    _ => Err(Fault::transient("JAM").with_effect(proof())),
                };
                let silent = Err(Fault::transient("SILENT"));
                for said in [told, silent] {
                    let said = said.map_err(|fault: Fault| fault.judged(true));
                    self.ended(&state, row, Ended::Executed(said), attempt, out)?;
                }
            }
        }
        Ok(())
    }

    fn ended(
        &self,
        state: &State,
        row: Row,
        ended: Ended,
        attempt: u8,
        out: &mut Vec<State>,
    ) -> Result<(), String> {
        let decided = after(ended, attempt.into(), row.repeat, &self.rules);
        let new = match decided {
            Next::Settle(outcome) => {
                let settled = Row {
                    at: At::Settled(outcome.kind),
                    ..row
                };
                if self.without == Without::JournalBeforeReport {
                    let mut new = *state;
                    if !new.is_final() {
                        new.mews = Mews::Final(outcome.final_state(), outcome.kind);
                    }
                    out.push(new);
                }
                self.write(state, settled, true)?
            }
            Next::Again => self.write(
                state,
                Row {
                    at: At::Accepted { attempts: attempt },
                    ..row
                },
                true,
            )?,
            Next::RepeatMarked => self.write(
                state,
                Row {
                    at: At::Accepted { attempts: attempt },
                    repeat: true,
                    ..row
                },
                true,
            )?,
            Next::Wait(_) | Next::Ask(_) => *state,
        };
        out.push(new);
        Ok(())
    }

    /// What the row says is next.
    fn rows(&self, state: &State, out: &mut Vec<State>) -> Result<(), String> {
        let Some(row) = state.row else { return Ok(()) };
        if state.hand != Hand::Idle {
            return Ok(());
        }
        match next(&self.entry(state, &row), now()) {
            Step::Wait | Step::Rest => {}
            Step::SayProcessing => {
                let mut new = *state;
                if self.without != Without::RowBeforeProcessing {
                    new.disk = new.row;
                }
                if state.is_final() {
                    // Refused, read back: nothing runs.
                    let kind = if state.mews == Mews::Withdrawn {
                        OutcomeKind::Cancelled
                    } else {
                        OutcomeKind::Failed
                    };
                    let over = Row { over: true, ..row };
                    out.push(self.settle(state, over, outcome(kind))?);
                } else {
                    new.mews = Mews::Processing;
                    out.push(new);
                    new.row = Some(Row {
                        said: Said::Processing,
                        ..row
                    });
                    out.push(new);
                }
            }
            Step::Run => {
                let At::Accepted { attempts } = row.at else {
                    return Err("only an accepted one runs".to_owned());
                };
                let attempt = attempts + 1;
                out.push(State {
                    hand: Hand::Ready { attempt },
                    ..*state
                });
                // A person does not come: it ends, nothing happened.
                let gave_up = Outcome::failed(Say::new("NO-PAPER"));
                out.push(self.settle(state, row, gave_up)?);
            }
            Step::Settle(outcome) => out.push(self.settle(state, row, outcome)?),
            Step::Reconcile => {
                let At::Committed { attempt } = row.at else {
                    return Err("only a committed one is asked about".to_owned());
                };
                let gave_up = Ended::GaveUp(Fault::transient("SILENT"));
                let mut verdicts = vec![
                    gave_up,
                    Ended::Judged(Verdict::CannotTell {
                        check: Say::new("CHECK"),
                    }),
                ];
                verdicts.extend(self.evidence(state).map(Ended::Judged));
                if self.without == Without::AskBeforeRepeat {
                    verdicts = vec![Ended::Judged(Verdict::DidNotHappen)];
                }
                for verdict in verdicts {
                    self.ended(state, row, verdict, attempt, out)?;
                }
            }
            Step::Report(told) => self.report(state, row, told, out)?,
            Step::AskAgain => {
                // Late evidence, or a person's word: the record tells it, nothing runs.
                let At::Reported(kind, true) = row.at else {
                    return Err("only a doubt is asked about again".to_owned());
                };
                let resolved = Row {
                    at: At::Reported(kind, false),
                    ..row
                };
                out.push(self.write(state, resolved, true)?);
            }
        }
        Ok(())
    }

    /// What the device's evidence says. One that worked on has only that to show.
    fn evidence(&self, state: &State) -> Option<Verdict> {
        if self.without == Without::TruthfulDevice || state.overwritten {
            return Some(Verdict::DidNotHappen);
        }
        Some(match state.last {
            0 => Verdict::DidNotHappen,
            ASKED => Verdict::Happened(proof()),
            _ => Verdict::Partly(proof()),
        })
    }

    fn report(
        &self,
        state: &State,
        row: Row,
        told: FinalState,
        out: &mut Vec<State>,
    ) -> Result<(), String> {
        let At::Settled(kind) = row.at else {
            return Err("only a settled one is reported".to_owned());
        };
        let confirmed = Row {
            at: At::Reported(kind, kind == OutcomeKind::Unconfirmed),
            ..row
        };
        if row.over || state.is_final() {
            // Known to be over, or refused and read back.
            out.push(self.write(state, confirmed, false)?);
            return Ok(());
        }
        let mut arrived = *state;
        arrived.mews = Mews::Final(told, kind);
        // Its answer is lost, or comes.
        out.push(arrived);
        out.push(self.write(&arrived, confirmed, false)?);
        if self.without == Without::RepeatOfReports {
            // Sent, no answer, taken as told.
            out.push(self.write(state, confirmed, false)?);
        }
        Ok(())
    }

    /// The promises, on one state.
    fn breach(&self, state: &State) -> Option<String> {
        let once = self.class != Class::Printer;
        if once && state.made > ASKED {
            return Some(format!("I2: {} made of {ASKED}", state.made));
        }
        if state.made > ASKED {
            return Some(format!("I3: {} printed of {ASKED}", state.made));
        }
        if state.marked > ASKED || state.marked > 0 && !self.rules.repeat_in_doubt {
            return Some(format!("I3: {} more, marked REPEAT", state.marked));
        }
        if state.started_late {
            return Some("I6: begun after its time, a cancel or its end".to_owned());
        }
        let exists = state.made + state.marked;
        if let Mews::Final(told, kind) = state.mews {
            if told == FinalState::Processed && exists < ASKED {
                return Some(format!("I4: told as done, {exists} of {ASKED} exist"));
            }
            let nothing = matches!(
                kind,
                OutcomeKind::Failed | OutcomeKind::Expired | OutcomeKind::Cancelled
            );
            if nothing && exists > 0 {
                return Some(format!("I5: told as not done, {exists} exist"));
            }
            if kind == OutcomeKind::Partly && exists == 0 {
                return Some("I5: told as partly, nothing exists".to_owned());
            }
            if self.class.is_money() && exists > 0 && state.row.is_none() {
                return Some("I1: done, and nobody remembers it".to_owned());
            }
        }
        if state.hand != Hand::Idle && !matches!(state.hand, Hand::Ready { .. }) {
            // So that a `Received` one is certain to be untouched.
            if self.class.is_money() && state.is_open() {
                return Some("I2: touched before Processing was confirmed".to_owned());
            }
        }
        if state.mews == Mews::Processing && state.row.is_none() {
            return Some("I1: Processing, and nobody remembers it".to_owned());
        }
        None
    }

    /// Ended in Mews and remembered as told, or never known and over.
    fn is_over(state: &State) -> bool {
        state.is_final()
            && state
                .row
                .is_none_or(|row| matches!(row.at, At::Reported(..)))
    }

    /// Walks everything. The number of states, or the broken promises, each with the shortest
    /// way's last step.
    fn explore(&self) -> Result<usize, Breaches> {
        let mut breaches = Breaches::new();
        let first = State::new();
        let mut found: HashMap<State, usize> = HashMap::from([(first, 0)]);
        let mut states = vec![first];
        let mut before: Vec<Vec<usize>> = vec![Vec::new()];
        let mut open = VecDeque::from([0]);
        while let Some(index) = open.pop_front() {
            let state = states[index];
            let (ours, theirs) = match self.steps(&state) {
                Ok(steps) => steps,
                Err(breach) => {
                    note(&mut breaches, breach, &state, &state);
                    continue;
                }
            };
            let ours = ours.into_iter().map(|new| (new, true));
            for (new, by_us) in ours.chain(theirs.into_iter().map(|new| (new, false))) {
                if let Some(breach) = self.breach(&new) {
                    note(&mut breaches, breach, &state, &new);
                }
                let at = *found.entry(new).or_insert_with(|| {
                    states.push(new);
                    before.push(Vec::new());
                    open.push_back(states.len() - 1);
                    states.len() - 1
                });
                if by_us {
                    before[at].push(index);
                }
            }
        }
        // I1: from everywhere the worker comes to the end, without a clerk's help.
        let mut ends = vec![false; states.len()];
        let mut open: Vec<usize> = (0..states.len())
            .filter(|index| Self::is_over(&states[*index]))
            .collect();
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut ends[index], true) {
                open.extend(&before[index]);
            }
        }
        if let Some(index) = ends.iter().position(|ends| !ends) {
            let stuck = states[index];
            note(
                &mut breaches,
                "I1: no way to its end".to_owned(),
                &stuck,
                &stuck,
            );
        }
        if breaches.is_empty() {
            Ok(states.len())
        } else {
            Err(breaches)
        }
    }
}

/// By promise: the first step that broke it.
type Breaches = BTreeMap<String, String>;

fn note(breaches: &mut Breaches, breach: String, from: &State, to: &State) {
    let promise = breach.split(':').next().unwrap_or_default().to_owned();
    breaches
        .entry(promise)
        .or_insert_with(|| format!("{breach}\n  from {from:?}\n  to   {to:?}"));
}

#[test]
fn no_order_of_events_breaks_a_promise() {
    let mut count = 0;
    for class in CLASSES {
        for repeat_in_doubt in [false, true] {
            match Model::new(class, Without::Nothing, repeat_in_doubt).explore() {
                Ok(states) => count += states,
                Err(breaches) => panic!("{class:?}: {breaches:#?}"),
            }
        }
    }
    assert!(
        count > 10_000,
        "only {count} states: the model is too small"
    );
}

/// Takes a rule away: a promise breaks, and it is this one.
fn breaks(class: Class, without: Without, promise: &str) {
    match Model::new(class, without, false).explore() {
        Ok(states) => panic!("{without:?}: {states} states and nothing found"),
        Err(found) => assert!(found.contains_key(promise), "{without:?}: {found:#?}"),
    }
}

#[test]
fn without_the_commit_before_the_effect_a_key_is_cut_twice() {
    breaks(Class::KeyCutter, Without::CommitBeforeEffect, "I2");
}

#[test]
fn with_a_commit_that_is_not_on_the_disk_a_key_is_cut_twice() {
    breaks(Class::KeyCutter, Without::DurableCommit, "I2");
}

#[test]
fn when_a_known_id_is_something_new_it_is_done_twice() {
    breaks(Class::Printer, Without::KnownIdIsNothingNew, "I3");
    breaks(Class::KeyCutter, Without::KnownIdIsNothingNew, "I2");
}

#[test]
fn a_doubt_that_is_repeated_and_not_asked_about_prints_twice() {
    breaks(Class::Printer, Without::AskBeforeRepeat, "I3");
    breaks(Class::FiscalMachine, Without::AskBeforeRepeat, "I2");
}

#[test]
fn other_work_before_the_question_makes_the_evidence_lie() {
    breaks(Class::KeyCutter, Without::AskBeforeOtherWork, "I5");
    breaks(Class::FiscalMachine, Without::AskBeforeOtherWork, "I2");
}

#[test]
fn a_cancel_or_an_age_that_does_not_win_before_the_commit_is_found() {
    for class in CLASSES {
        breaks(class, Without::CancelBeforeCommit, "I6");
    }
    breaks(Class::KeyCutter, Without::AgeBeforeCommit, "I6");
}

#[test]
fn processing_without_a_row_on_the_disk_loses_the_command() {
    for class in CLASSES {
        breaks(class, Without::RowBeforeProcessing, "I1");
    }
}

#[test]
fn money_that_is_touched_before_processing_was_confirmed_is_found() {
    breaks(Class::FiscalMachine, Without::ProcessingBeforeMoney, "I2");
    breaks(Class::PaymentTerminal, Without::ProcessingBeforeMoney, "I2");
}

#[test]
fn an_outcome_told_before_it_is_journaled_lets_work_start_after_its_end() {
    breaks(Class::Printer, Without::JournalBeforeReport, "I6");
}

#[test]
fn a_report_that_is_not_repeated_leaves_the_command_open_for_ever() {
    for class in CLASSES {
        breaks(class, Without::RepeatOfReports, "I1");
    }
}

#[test]
fn a_repeat_that_ends_without_paper_and_claims_that_nothing_was_printed_is_found() {
    let found = Model::new(Class::Printer, Without::DoubtOfARepeat, true).explore();
    let breaches = found.expect_err("the first print may have come out");
    assert!(breaches.contains_key("I5"), "{breaches:#?}");
}

#[test]
fn a_device_that_lies_is_found() {
    breaks(Class::KeyCutter, Without::TruthfulDevice, "I5");
    breaks(Class::Printer, Without::TruthfulDevice, "I3");
}
