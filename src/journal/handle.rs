//! The journal as tasks see it: its core on a thread of its own, or inline for a simulation.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driver_sdk::CommandId;
use tokio::sync::oneshot;

use super::core::{Core, Disk, JournalError};
use super::payload::Payloads;
use super::rows::Row;

/// Tells whoever waits; with an error if the sync that was shared has failed.
type Answer = Box<dyn FnOnce(Result<(), JournalError>)>;
type Work = Box<dyn FnOnce(&mut Core) -> Answer + Send>;

enum Job {
    /// May share its sync with others.
    Step(Work),
    /// Needs the file for itself.
    Alone(Work),
}

/// The most steps that share a sync.
const SHARED_MAX: usize = 64;
/// Nobody has asked for so long: there is time to move a long log home.
const QUIET: Duration = Duration::from_millis(100);

/// A handle; clones share one core. The journal closes when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Journal {
    place: Place,
    payloads: Payloads,
}

#[derive(Clone, Debug)]
enum Place {
    Thread(mpsc::Sender<Job>, Option<Arc<Window>>),
    Inline(Arc<Mutex<Core>>, Behind),
}

#[derive(Clone)]
struct Behind(Option<Arc<dyn Disk>>);

impl std::fmt::Debug for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Behind")
    }
}

/// A second look into the file, which waits for no write. Shut by the journal's thread, so that
/// its core is the last to leave the file.
struct Window(Mutex<Option<Core>>);

impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Window")
    }
}

impl Window {
    fn look<T>(
        &self,
        look: impl FnOnce(&Core) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let mut core = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let core = core.as_mut().ok_or(JournalError::Closed)?;
        whole(|core| core.at_one_moment(look), core)
    }
}

/// Works off what is asked. Steps that wait while the disk is busy share the next sync.
fn work_off(core: &mut Core, inbox: &mpsc::Receiver<Job>) {
    while let Some(first) = next_job(core, inbox) {
        let mut next = Some(first);
        let mut held = Vec::new();
        while let Some(job) = next.take() {
            let after = inbox.try_recv().ok();
            match job {
                Job::Step(work) => {
                    if after.is_some() && !core.is_shared() {
                        core.share();
                    }
                    let answer = work(core);
                    if core.is_shared() {
                        held.push(answer);
                    } else {
                        answer(Ok(()));
                    }
                }
                Job::Alone(work) => {
                    release(core, &mut held);
                    work(core)(Ok(()));
                }
            }
            if held.len() >= SHARED_MAX {
                release(core, &mut held);
            }
            next = after;
        }
        release(core, &mut held);
    }
}

/// What is asked next; `None` if nobody is left to ask.
fn next_job(core: &mut Core, inbox: &mpsc::Receiver<Job>) -> Option<Job> {
    if core.log_is_long() {
        match inbox.recv_timeout(QUIET) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = core.tidy_log() {
                    tracing::debug!(error = %error, "The journal's log stays as it is");
                }
            }
        }
    }
    inbox.recv().ok()
}

fn release(core: &mut Core, held: &mut Vec<Answer>) {
    let synced = core.share_ends();
    for answer in held.drain(..) {
        answer(match &synced {
            Ok(()) => Ok(()),
            Err(error) => Err(error.for_another()),
        });
    }
}

fn boxed<T: Send + 'static>(
    work: impl FnOnce(&mut Core) -> Result<T, JournalError> + Send + 'static,
    reply: impl FnOnce(Result<T, JournalError>) + Send + 'static,
) -> Work {
    Box::new(move |core| {
        let done = whole(work, core);
        Box::new(move |synced| reply(synced.and(done)))
    })
}

impl Journal {
    /// Moves the core to a thread of its own.
    ///
    /// # Errors
    /// The operating system's, if it has no thread to give.
    pub fn on_a_thread(core: Core) -> std::io::Result<Self> {
        let payloads = core.payloads().clone();
        let window = match core.window() {
            Ok(core) => Some(Arc::new(Window(Mutex::new(Some(core))))),
            Err(error) => {
                tracing::warn!(error = %error, "No second look into the journal: looks wait for writes");
                None
            }
        };
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (mut core, shut) = (core, window.clone());
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                work_off(&mut core, &inbox);
                if let Some(window) = shut {
                    *window.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
            })?;
        Ok(Self {
            place: Place::Thread(jobs, window),
            payloads,
        })
    }

    /// Runs the core where it is asked: deterministic, for simulations. Whoever waits gets the
    /// answer when the core's disk, if it is behind one, lets it go.
    #[must_use]
    pub fn inline(core: Core) -> Self {
        let payloads = core.payloads().clone();
        let disk = Behind(core.disk.clone());
        Self {
            place: Place::Inline(Arc::new(Mutex::new(core)), disk),
            payloads,
        }
    }

    /// The payload files.
    #[must_use]
    pub fn payloads(&self) -> &Payloads {
        &self.payloads
    }

    /// Does something in the journal and waits for it. What was handed over is done even if the
    /// caller is dropped. What several ask for while the disk is busy shares one sync; each is
    /// answered when it is on the disk.
    ///
    /// # Errors
    /// The work's own, or [`JournalError::Closed`].
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Core) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.ask(work, Job::Step).await
    }

    /// The same for work that needs the file for itself, such as giving room back to the disk.
    ///
    /// # Errors
    /// As [`Journal::with`].
    pub async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Core) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.ask(work, Job::Alone).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Core) -> Result<T, JournalError> + Send + 'static,
        job: impl FnOnce(Work) -> Job,
    ) -> Result<T, JournalError> {
        match &self.place {
            Place::Inline(core, Behind(disk)) => {
                if let Some(disk) = disk {
                    disk.asked().await;
                }
                let done = {
                    let mut core = core.lock().unwrap_or_else(PoisonError::into_inner);
                    whole(work, &mut core)
                };
                if let Some(disk) = disk {
                    disk.answers().await;
                }
                done
            }
            Place::Thread(jobs, _) => {
                let (reply, answer) = oneshot::channel();
                let work = boxed(work, move |done| drop(reply.send(done)));
                jobs.send(job(work)).map_err(|_| JournalError::Closed)?;
                answer.await.map_err(|_| JournalError::Closed)?
            }
        }
    }

    /// Looks at what is written, all at one moment, without waiting for what is being written:
    /// what was handed over before and is not on the disk yet is not seen. For few rows: it is
    /// done where it is asked.
    ///
    /// # Errors
    /// As [`Journal::with`].
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Core) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        match &self.place {
            Place::Thread(_, Some(window)) => window.look(look),
            Place::Thread(_, None) | Place::Inline(..) => self.with(|core| look(core)).await,
        }
    }

    /// The row of a command, also if it is among what is just being written: only one that the look
    /// does not find is waited for.
    ///
    /// # Errors
    /// As [`Journal::with`].
    pub async fn row(&self, id: CommandId) -> Result<Option<Row>, JournalError> {
        match self.look(move |core| core.row(id)).await? {
            Some(row) => Ok(Some(row)),
            None => self.with(move |core| core.row(id)).await,
        }
    }

    /// A look for callers that cannot await, such as a driver's at its shelf.
    ///
    /// # Errors
    /// As [`Journal::with`].
    pub fn look_now<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Core) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        match &self.place {
            Place::Inline(core, _) => {
                let mut core = core.lock().unwrap_or_else(PoisonError::into_inner);
                whole(|core| look(core), &mut core)
            }
            Place::Thread(_, Some(window)) => window.look(look),
            Place::Thread(jobs, None) => {
                let (reply, answer) = mpsc::sync_channel(1);
                let work = boxed(|core| look(core), move |done| drop(reply.send(done)));
                jobs.send(Job::Step(work))
                    .map_err(|_| JournalError::Closed)?;
                answer.recv().map_err(|_| JournalError::Closed)?
            }
        }
    }
}

/// Does a step, or none of it: one that breaks an invariant of ours harms neither the journal nor
/// whoever comes after it. Its transaction was taken back on the way out.
fn whole<T>(
    work: impl FnOnce(&mut Core) -> Result<T, JournalError>,
    core: &mut Core,
) -> Result<T, JournalError> {
    catch_unwind(AssertUnwindSafe(|| work(core))).unwrap_or(Err(JournalError::BrokeOff))
}
