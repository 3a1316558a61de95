//! Key encoders over PMS Industry Standard: SALTO, Onity and the TESA family.
//!
//! Bytes are the business of [`frame`], what is asked of [`command`], what comes back of
//! [`answer`], the order of both of [`dialogue`]. All four are pure.
//!
//! Source of the protocol facts, unless a comment says otherwise: the PMS Industry Standard as
//! published clients of SALTO and Onity lock servers speak it.

pub mod answer;
pub mod command;
pub mod dialogue;
pub mod frame;
