//! The conformance suite: what every driver promises, tried against its simulator.
//!
//! A driver's crate gives it a fresh virtual device, a sample job and jobs it must reject, and
//! runs it as one test with a paused clock:
//!
//! ```ignore
//! #[tokio::test(start_paused = true)]
//! async fn the_driver_keeps_its_promises() {
//!     Suite::new(&EscPos, || World::of(Arc::new(Printer::new())), sample_job())
//!         .bad("no copies", job_with_copies(0))
//!         .asks(2)
//!         .scenario("out of paper after one", |device| device.switch("paper", "1"))
//!         .run()
//!         .await
//!         .assert();
//! }
//! ```
//!
//! The suite plays the worker: it commits, kills the driver at every await, opens it anew, asks it
//! to reconcile, and cuts, silences and delays the line at every byte. After each run it counts
//! what physically exists in the virtual device, and compares that with what the driver concluded.
//! A conclusion may be vague ("cannot tell"); it may never be wrong. Then the trouble is over, and
//! the same process must do the next command. A driver must end by itself: one that is silent
//! beyond its deadline would be dropped by the worker, which is a crash and no behaviour.
//!
//! What it does not show: troubles of two kinds at once, bytes that are changed on the way, and
//! whatever the virtual device does not know of the real one.
//!
//! [`TestHost`] and [`Faulty`] are the parts, for tests of a driver's own.

mod checker;
mod faulty;
mod host;
mod process;
mod promises;
mod seen;
mod suite;
mod truth;

pub use faulty::{Faulty, FaultyPoster, Trouble, Troubles};
pub use host::{Recorded, TestHost};
pub use suite::{Promise, Report, Suite, Violation, World};

#[cfg(test)]
mod tests;
