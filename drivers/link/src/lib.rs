//! Serial, TCP and listener links behind the contract's Link.

pub mod host;
