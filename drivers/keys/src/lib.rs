//! What all key encoder drivers share: reading an order, checking it before any byte is sent,
//! local times, names an encoder can take, and the decision "new key or copy".
//!
//! Pure: the wire belongs to the driver of each protocol.

pub mod dialect;
pub mod ledger;
pub mod local_time;
pub mod names;
pub mod order;
pub mod peer_address;
