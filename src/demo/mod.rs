//! A whole hotel on this PC: the cloud sandbox, virtual devices on real wires, the real worker.
//!
//! Each part appears only where this build has its driver. Every order says beforehand how it must
//! end; a demo that ends otherwise has failed, and says so.

mod hotel;
mod orders;
mod paper;
mod show;

pub use hotel::{DemoError, DemoHotel};
pub use show::{Verdict, show};
