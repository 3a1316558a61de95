//! The driver contract of Nightporter: what a device driver promises and what it may do.
//!
//! A driver author reads this crate in this order: [`Driver`] (three functions and an idle one),
//! [`Run`] (what one attempt may do), [`Fault`] and [`Verdict`] (what it may conclude), [`Link`]
//! or [`Session`] (how it talks), [`DriverKind`] (how it is registered).
//!
//! [`conformance`] is the suite that tries all this on a driver: run it in the driver's own crate.
//! Leave to act is a type, [`Committed`]: what would act without it does not compile.
//!
//! The crate knows no device and no hotel system; it depends on no other crate of ours.

/// A page of a crate's own `faults` folder, by its code.
#[macro_export]
macro_rules! page {
    ($code:literal) => {
        $crate::FaultPage {
            code: $code,
            text: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/faults/",
                $code,
                ".md"
            )),
        }
    };
}

mod bill;
mod clock_source;
pub mod conformance;
mod driver;
mod fault;
mod hub;
mod job;
mod kind;
mod link;
mod personal;
mod requests;
mod run;
mod session;
mod settings;
mod sim;
mod staged;
mod vocabulary;
mod watch;

pub use bill::*;
pub use driver::{Abilities, Attempt, Device, Driver, PreparedPlan};
pub use fault::{Catalogue, Fault, FaultKind, FaultPage, Proof, Say, Verdict};
pub use hub::{DialFactory, Hub, LinkError, Links, Membership, Opened, SessionRunner};
pub use job::{Document, Job, KeyWork, LocalWork, PrintWork, Work};
pub use kind::{DriverKind, HelperVerb};
pub use link::{Dialer, Exchange, Harmless, Link, Port, Resync};
pub use personal::Personal;
pub use requests::{Poster, Requests};
pub use run::{Committed, Host, Run};
pub use session::{Call, Calls, Session, Shared};
pub use settings::{Complaints, Settings, SettingsError};
pub use sim::{Effect, Simulator, Switch, VirtualDevice};
pub use staged::{ShelfRead, ShelfWrite, Staged};
pub use vocabulary::{Class, CommandId, DeviceName, Grade};
pub use watch::{Health, Watch, WatchEvent, WatchEvents};

/// The one clock of a driver.
pub mod clock {
    pub use crate::clock_source::{now, wall};
}
