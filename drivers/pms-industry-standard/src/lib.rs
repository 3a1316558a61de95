//! Key encoders over PMS Industry Standard: SALTO, Onity and the TESA family.
//!
//! Bytes are the business of [`frame`], what is asked of [`command`], what comes back of
//! [`answer`], the order of both of [`dialogue`]. All four are pure.
//! [`conversation`] puts them on a line, [`driver`] makes keys of it, [`sim`] is the other side.
//!
//! Source of the protocol facts, unless a comment says otherwise: the PMS Industry Standard as
//! published clients of SALTO and Onity lock servers speak it.

pub mod answer;
pub mod command;
pub mod conversation;
pub mod dialogue;
pub mod driver;
pub mod frame;
pub mod kind;
pub mod settings;
pub mod sim;

pub use kind::PmsIndustryStandard;
