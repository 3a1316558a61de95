//! A desk: a device, its journal, and the clerk's commands. What the lane of a worker does with a
//! driver, without the worker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{
    Attempt, CommandId, Device, Fault, FaultKind, FaultPage, Job, Proof, Staged, Verdict,
    VirtualDevice,
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{Dice, Journal};
use crate::pending::claims_nothing;

/// What became of a command.
#[derive(Debug)]
pub enum Ended {
    /// It was issued.
    Done(Proof),
    /// It was not; why.
    NothingHappened(String),
    /// Nobody can tell; what is to be looked at.
    Doubt(String),
}

/// The proof of what was issued.
///
/// # Panics
/// If nothing was, or nobody can tell.
#[track_caller]
pub fn done(ended: Ended) -> Proof {
    match ended {
        Ended::Done(proof) => proof,
        Ended::NothingHappened(code) | Ended::Doubt(code) => panic!("{code}"),
    }
}

/// What a driver's own tests have on theirs.
#[expect(async_fn_in_trait, reason = "tests run on one thread")]
pub trait Rehearsed {
    /// The driver's device.
    fn device(&mut self) -> &mut Device;
    /// What is on disk.
    fn journal(&self) -> &Arc<Journal>;
    /// The machine at the other end.
    fn machine(&self) -> &dyn VirtualDevice;
    /// The fault pages of the driver.
    fn pages(&self) -> &'static [FaultPage];

    /// How many documents are ours.
    fn count(&self) -> usize {
        self.ours().len()
    }

    /// The documents that no other till made.
    fn ours(&self) -> Vec<driver_sdk::Effect> {
        let effects = self.machine().effects().into_iter();
        effects
            .filter(|it| !it.content.contains("Other till"))
            .collect()
    }

    /// Sets a switch of the machine.
    ///
    /// # Panics
    /// If it has no such switch.
    fn set(&self, name: &str, value: &str) {
        self.machine().switch(name, value).expect("a switch");
    }

    /// One attempt. What is not in doubt is settled in the journal.
    ///
    /// # Errors
    /// The driver's, as the run judges it.
    ///
    /// # Panics
    /// If a doubt says that nothing was issued.
    async fn execute(&mut self, job: &Job) -> Result<Proof, Fault> {
        let plan = self.device().prepare(job)?;
        let run = self.journal().run();
        let ended = self.device().execute(plan, &run).await;
        let ended = ended.map_err(|fault| run.judged(fault));
        match &ended {
            Err(fault) if fault.kind() == FaultKind::InDoubt => {
                promises_nothing(fault.code(), self.pages());
            }
            Ok(_) | Err(_) => self.journal().settle(run.take_staged()),
        }
        ended
    }

    /// One question to the driver about the attempt in the journal. A verdict is settled there.
    ///
    /// # Errors
    /// The driver's: ask again.
    ///
    /// # Panics
    /// If no attempt is in doubt, or if what is told meanwhile says that nothing was issued.
    async fn reconcile(&mut self) -> Result<Verdict, Fault> {
        let attempt = Attempt {
            id: CommandId(Uuid::nil()),
            number: 1,
            committed_at: None,
            job: None,
            bookmark: self.journal().bookmark().expect("an attempt is in doubt"),
        };
        let run = self.journal().run().already_committed();
        let verdict = self.device().reconcile(&attempt, &run).await;
        let pages = self.pages();
        match &verdict {
            Ok(Verdict::CannotTell { check }) => promises_nothing(&check.code, pages),
            Err(fault) => promises_nothing(fault.code(), pages),
            Ok(Verdict::Happened(_) | Verdict::Partly(_) | Verdict::DidNotHappen) => {}
        }
        for code in self.journal().waiting() {
            promises_nothing(&code, pages);
        }
        if verdict.is_ok() {
            self.journal().settle(run.take_staged());
        }
        verdict
    }

    /// As the lane does it: asks until there is a verdict, runs once more after "did not happen".
    async fn finish(&mut self, job: &Job) -> Ended {
        for _ in 0..2 {
            let fault = match self.execute(job).await {
                Ok(proof) => return Ended::Done(proof),
                Err(fault) => fault,
            };
            if fault.kind() != FaultKind::InDoubt {
                return Ended::NothingHappened(fault.code().to_owned());
            }
            match self.verdict().await {
                Verdict::Happened(proof) | Verdict::Partly(proof) => return Ended::Done(proof),
                Verdict::DidNotHappen => {}
                Verdict::CannotTell { check } => return Ended::Doubt(check.code),
            }
        }
        Ended::NothingHappened("twice".to_owned())
    }

    /// Asks with the pauses of the worker until there is a verdict.
    ///
    /// # Panics
    /// If there is none after a quarter of an hour.
    async fn verdict(&mut self) -> Verdict {
        let mut last = None;
        for pause in [1, 2, 4, 8].into_iter().chain([15; 60]) {
            match self.reconcile().await {
                Ok(verdict) => return verdict,
                Err(fault) => last = Some(fault),
            }
            sleep(Duration::from_secs(pause)).await;
        }
        panic!("no verdict: {last:?}, {:?}", self.journal().bookmark());
    }
}

/// What is told of a doubt never says that nothing was issued.
#[track_caller]
fn promises_nothing(code: &str, pages: &[FaultPage]) {
    assert!(!claims_nothing(code, pages), "{code} in a doubt");
}

/// What was told of a command in a storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was issued.
    Issued,
    /// It was not.
    Nothing,
    /// Nobody can tell.
    Doubt,
}

/// A desk in a storm: commands with random faults and random deaths of the worker.
#[expect(async_fn_in_trait, reason = "tests run on one thread")]
pub trait Storm: Rehearsed {
    /// Something goes wrong with the next document.
    fn trouble(&mut self, dice: &mut Dice);
    /// Something else happens before anybody asks, such as a sale of another till.
    fn meanwhile(&mut self, first: bool, committed: bool, dice: &mut Dice);
    /// Everything is put right, as staff would.
    fn repair(&mut self);
    /// The worker starts anew: only the journal is left.
    fn restart(&mut self);
    /// A bill of a number.
    fn job_of_bill(&self, number: u128) -> Job;

    /// How many documents bear a bill's number, as the machine's memory has them.
    fn documents_of(&self, number: u128) -> usize {
        let mark = format!("Bill 2026-{number}\n");
        let effects = self.machine().effects().into_iter();
        effects.filter(|it| it.content.contains(&mark)).count()
    }

    /// One command with trouble, and a worker that may die at any moment.
    async fn suffer(&mut self, job: &Job, dice: &mut Dice) -> Told {
        for attempt in 0..2 {
            let first = attempt == 0;
            if first {
                self.trouble(dice);
            }
            let patience = match dice.roll(3) {
                0 => Duration::from_micros(dice.roll(400) * dice.roll(400)),
                _ => Duration::from_secs(300),
            };
            let ended = timeout(patience, self.execute(job)).await;
            let committed = self.journal().bookmark().is_some();
            self.meanwhile(first, committed, dice);
            sleep(Duration::from_secs(dice.roll(90))).await;
            self.repair();
            self.restart();
            match ended {
                Ok(Ok(_)) => return Told::Issued,
                Ok(Err(fault)) if fault.kind() == FaultKind::Permanent => return Told::Nothing,
                Ok(Err(fault)) if fault.kind() != FaultKind::InDoubt => continue,
                Ok(Err(_)) | Err(_) => {}
            }
            if self.journal().bookmark().is_none() {
                continue;
            }
            match self.verdict().await {
                Verdict::Happened(_) | Verdict::Partly(_) => return Told::Issued,
                Verdict::CannotTell { .. } => return Told::Doubt,
                Verdict::DidNotHappen => {}
            }
        }
        Told::Nothing
    }

    /// Five hundred bills: each is issued once or not at all, and told as it is. Returns how often
    /// what was told.
    ///
    /// # Panics
    /// If the machine's memory contradicts what was told.
    async fn five_hundred(&mut self, dice: &mut Dice) -> BTreeMap<String, usize> {
        let mut told = BTreeMap::new();
        let started = driver_sdk::clock::now();
        for number in 1000..1500 {
            let mut job = self.job_of_bill(number);
            job.now += driver_sdk::clock::now() - started;
            let said = self.suffer(&job, dice).await;
            let documents = self.documents_of(number);
            match said {
                Told::Issued => assert_eq!(documents, 1, "bill {number}"),
                Told::Nothing => assert_eq!(documents, 0, "bill {number}"),
                Told::Doubt => assert!(documents <= 1, "bill {number}"),
            }
            *told.entry(format!("{said:?}")).or_insert(0) += 1;
            // A person has looked; the record of the doubt is closed.
            self.journal().settle(Staged::default());
        }
        for number in 1000..1500 {
            let documents = self.documents_of(number);
            assert!(documents <= 1, "bill {number} came again later");
        }
        told
    }
}
