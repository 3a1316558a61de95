//! Key encoders over FIAS: several encoders on one conversation with a lock system.
//!
//! Bytes are the business of [`frame`], records of [`record`], what the peer asked for of
//! [`description`], key requests and their answers of [`request`]. All four are pure.
//! [`wire`] puts records on a line, [`session`] holds the conversation, [`driver`] makes keys of
//! it, [`sim`] is the other side.
//!
//! Source of the protocol facts, unless a comment says otherwise: FIAS interface specification
//! 2.20.

pub mod description;
pub mod driver;
pub mod frame;
pub mod kind;
pub mod numbers;
pub mod record;
pub mod request;
pub mod session;
pub mod settings;
pub mod sim;
pub mod wire;

pub use kind::Fias;
