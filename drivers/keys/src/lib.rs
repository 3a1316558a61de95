//! What all key encoder drivers share: reading an order, checking it before any byte is sent,
//! local times, names an encoder can take, and the decision "new key or copy".
//!
//! Read in this order: [`plan`] (from an order to a plan), [`issue`] (from a plan to cards),
//! [`ledger`] (new key or copy). The wire belongs to the driver of each protocol.

pub mod burst;
pub mod dialect;
pub mod faults;
pub mod issue;
pub mod ledger;
pub mod local_time;
pub mod lock_system;
pub mod names;
pub mod order;
pub mod peer_address;
pub mod plan;

#[cfg(any(test, feature = "rehearsal"))]
pub mod rehearsal;
