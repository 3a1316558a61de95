//! The driver, and the one place where its typed plan is erased.

use std::any::Any;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fault::{Fault, Proof, Verdict};
use crate::job::Job;
use crate::run::Run;
use crate::vocabulary::CommandId;
use crate::watch::Watch;

/// What a driver can do beyond executing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    /// It can ask the device about an attempt whose end nobody saw.
    pub reconcile: bool,
    /// It can end a running attempt early when the command is cancelled.
    pub abort: bool,
    /// Doing it twice harms nobody (a passport scan before it is written).
    pub harmless_repeat: bool,
}

/// A device driver: three functions and an idle one.
pub trait Driver: Send + 'static {
    /// Everything decided, nothing left to validate. Built by `prepare`, consumed by `execute`.
    type Plan: Send + 'static;

    /// What it can do beyond executing.
    fn abilities(&self) -> Abilities;

    /// Validates the job and decides everything. Pure: no wire, no file, no clock but the job's.
    ///
    /// # Errors
    /// [`Fault::permanent`] for what this device can never do.
    fn prepare(&self, job: &Job) -> Result<Self::Plan, Fault>;

    /// Looks at the device, renders, commits, acts.
    ///
    /// # Errors
    /// Before the commit a fault means that nothing happened. After it, it is a doubt unless it
    /// holds proof ([`Fault::without_effect`], [`Fault::with_effect`]).
    fn execute(
        &mut self,
        plan: Self::Plan,
        run: &Run,
    ) -> impl Future<Output = Result<Proof, Fault>> + Send;

    /// Asks the device what became of an attempt. May act: the attempt is committed already.
    ///
    /// # Errors
    /// "Ask me again later." A verdict is final.
    fn reconcile(
        &mut self,
        attempt: &Attempt,
        run: &Run,
    ) -> impl Future<Output = Result<Verdict, Fault>> + Send;

    /// Runs whenever no attempt does: listens, watches, asks for status. Dropped at any `.await`
    /// when an attempt comes. `Ok` means that there is nothing to watch.
    ///
    /// # Errors
    /// The device is not well: shown, then called again with backoff.
    fn idle(&mut self, watch: &Watch) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = watch;
        async { Ok(()) }
    }
}

/// An attempt whose end nobody saw.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The command.
    pub id: CommandId,
    /// 1 for the first.
    pub number: u32,
    /// When it was committed, by the cloud's clock.
    pub committed_at: Option<Timestamp>,
    /// The job, while its payload is still on this PC.
    pub job: Option<Job>,
    /// What the driver noted at the commit or the last checkpoint.
    pub bookmark: Value,
}

impl Attempt {
    /// The bookmark as the driver wrote it.
    ///
    /// # Errors
    /// `BOOKMARK-UNREADABLE` if another version of the driver wrote it.
    pub fn bookmark<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        T::deserialize(&self.bookmark)
            .map_err(|cause| Fault::in_doubt("BOOKMARK-UNREADABLE").caused_by(cause))
    }
}

/// A plan whose type only its driver knows.
pub struct PreparedPlan(Box<dyn Any + Send>);

impl std::fmt::Debug for PreparedPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PreparedPlan")
    }
}

/// A driver of any kind, as the worker holds it.
pub struct Device(Box<dyn Erased>);

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Device")
    }
}

impl Device {
    /// Erases the driver's plan type, once.
    #[must_use]
    pub fn new(driver: impl Driver) -> Self {
        Self(Box::new(Typed(driver)))
    }

    /// What the driver can do beyond executing.
    #[must_use]
    pub fn abilities(&self) -> Abilities {
        self.0.abilities()
    }

    /// See [`Driver::prepare`].
    ///
    /// # Errors
    /// As the driver's own.
    pub fn prepare(&self, job: &Job) -> Result<PreparedPlan, Fault> {
        self.0.prepare(job).map(PreparedPlan)
    }

    /// See [`Driver::execute`].
    ///
    /// # Errors
    /// As the driver's own.
    pub async fn execute(&mut self, plan: PreparedPlan, run: &Run) -> Result<Proof, Fault> {
        self.0.execute(plan.0, run).await
    }

    /// See [`Driver::reconcile`].
    ///
    /// # Errors
    /// As the driver's own.
    pub async fn reconcile(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        self.0.reconcile(attempt, run).await
    }

    /// See [`Driver::idle`].
    ///
    /// # Errors
    /// As the driver's own.
    pub async fn idle(&mut self, watch: &Watch) -> Result<(), Fault> {
        self.0.idle(watch).await
    }
}

trait Erased: Send {
    fn abilities(&self) -> Abilities;
    fn prepare(&self, job: &Job) -> Result<Box<dyn Any + Send>, Fault>;
    fn execute<'a>(
        &'a mut self,
        plan: Box<dyn Any + Send>,
        run: &'a Run,
    ) -> BoxFuture<'a, Result<Proof, Fault>>;
    fn reconcile<'a>(
        &'a mut self,
        attempt: &'a Attempt,
        run: &'a Run,
    ) -> BoxFuture<'a, Result<Verdict, Fault>>;
    fn idle<'a>(&'a mut self, watch: &'a Watch) -> BoxFuture<'a, Result<(), Fault>>;
}

struct Typed<D>(D);

impl<D: Driver> Erased for Typed<D> {
    fn abilities(&self) -> Abilities {
        self.0.abilities()
    }

    fn prepare(&self, job: &Job) -> Result<Box<dyn Any + Send>, Fault> {
        self.0
            .prepare(job)
            .map(|plan| Box::new(plan) as Box<dyn Any + Send>)
    }

    fn execute<'a>(
        &'a mut self,
        plan: Box<dyn Any + Send>,
        run: &'a Run,
    ) -> BoxFuture<'a, Result<Proof, Fault>> {
        let plan = plan
            .downcast::<D::Plan>()
            .expect("a device executes only plans it prepared");
        Box::pin(self.0.execute(*plan, run))
    }

    fn reconcile<'a>(
        &'a mut self,
        attempt: &'a Attempt,
        run: &'a Run,
    ) -> BoxFuture<'a, Result<Verdict, Fault>> {
        Box::pin(self.0.reconcile(attempt, run))
    }

    fn idle<'a>(&'a mut self, watch: &'a Watch) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.0.idle(watch))
    }
}
