//! Key encoders over FIAS: several encoders on one conversation with a lock system.
//!
//! Bytes are the business of [`frame`], records of [`record`], what the peer asked for of
//! [`description`], key requests and their answers of [`request`]. All four are pure.
//!
//! Source of the protocol facts, unless a comment says otherwise: FIAS interface specification
//! 2.20.

pub mod description;
pub mod frame;
pub mod record;
pub mod request;
