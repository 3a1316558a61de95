//! The journal as tasks see it: its core on a thread of its own, or inline for a simulation.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::sync::oneshot;

use super::core::{Core, Disk, JournalError};
use super::payload::Payloads;

type Job = Box<dyn FnOnce(&mut Core) + Send>;

/// A handle; clones share one core. The journal closes when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Journal {
    place: Place,
    payloads: Payloads,
}

#[derive(Clone, Debug)]
enum Place {
    Thread(mpsc::Sender<Job>),
    Inline(Arc<Mutex<Core>>, Behind),
}

#[derive(Clone)]
struct Behind(Option<Arc<dyn Disk>>);

impl std::fmt::Debug for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Behind")
    }
}

impl Journal {
    /// Moves the core to a thread of its own.
    ///
    /// # Errors
    /// The operating system's, if it has no thread to give.
    pub fn on_a_thread(core: Core) -> std::io::Result<Self> {
        let payloads = core.payloads().clone();
        let (jobs, inbox) = mpsc::channel::<Job>();
        let mut core = core;
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                while let Ok(job) = inbox.recv() {
                    job(&mut core);
                }
            })?;
        Ok(Self {
            place: Place::Thread(jobs),
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
    /// caller is dropped.
    ///
    /// # Errors
    /// The work's own, or [`JournalError::Closed`].
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Core) -> Result<T, JournalError> + Send + 'static,
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
            Place::Thread(jobs) => {
                let (reply, answer) = oneshot::channel();
                let job: Job = Box::new(move |core| {
                    let _ = reply.send(whole(work, core));
                });
                jobs.send(job).map_err(|_| JournalError::Closed)?;
                answer.await.map_err(|_| JournalError::Closed)?
            }
        }
    }

    /// The same for callers that cannot await, such as a driver's look at its shelf. Short reads
    /// only.
    ///
    /// # Errors
    /// As [`Journal::with`].
    pub fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Core) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        match &self.place {
            Place::Inline(core, _) => {
                let mut core = core.lock().unwrap_or_else(PoisonError::into_inner);
                whole(work, &mut core)
            }
            Place::Thread(jobs) => {
                let (reply, answer) = mpsc::sync_channel(1);
                let job: Job = Box::new(move |core| {
                    let _ = reply.send(whole(work, core));
                });
                jobs.send(job).map_err(|_| JournalError::Closed)?;
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
