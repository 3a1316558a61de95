//! Datecs fiscal printers (Bulgaria) over a serial line, USB-serial or TCP, in both dialects: X
//! (FP-700X, DP-150X, WP-500X, FMP-350X and their like) and the older one (FP-800, FP-2000,
//! DP-25, …).
//!
//! [`frame`] and [`codes`] are bytes; [`sale`] and [`reading`] are what the bytes say in either
//! dialect; [`driver`] decides; [`sim`] is a printer of its own, with its own parser.

pub mod codes;
pub mod driver;
pub mod frame;
mod kind;
mod old;
pub mod reading;
pub mod sale;
mod settings;
pub mod sim;
pub mod status;
mod talk;
pub mod text;
mod unp;
mod x;

pub use kind::Datecs;
