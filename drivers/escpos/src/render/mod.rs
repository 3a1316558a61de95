//! Documents of strangers to rows of dots, in a child process with limits.
//!
//! A PDF or a picture comes from outside and may be damaged or hostile: one file can ask for
//! gigabytes or for ever. So it is opened only in a child of our own binary
//! (`nightporter helper render`), which limits its own memory and processor time before it reads
//! the first byte; the parent limits the clock and the length of the answer ([`Renderer`]). The
//! whole document is rendered before anything is sent, so "cannot be rendered" always means that
//! nothing was printed.

mod child;
mod failure;
mod frames;
mod limits;
mod parent;
mod pdf;
mod picture;
mod request;

pub use child::helper;
pub use failure::Failure;
pub use parent::{Pages, Renderer};
pub use request::{Kind, Request};
