//! ESC/POS receipt printers.
//!
//! [`codec`] holds bytes, [`text`], [`raster`] and [`render`] make dots and characters,
//! `sheet` and `plan` put a job together, [`driver`] prints it and says what is proved, [`sim`] is
//! a virtual printer with a parser of its own.

pub mod codec;
pub mod driver;
mod kind;
mod marks;
mod plan;
mod printer;
pub mod raster;
pub mod render;
pub mod settings;
mod sheet;
pub mod sim;
pub mod text;
mod trouble;

pub use kind::EscPos;
