//! UTF-8 to what a receipt printer shows: code tables, lines, and dots where no table helps.
//!
//! Nothing is ever dropped silently: a character that no configured table has is drawn as dots
//! with the embedded font, or shown as a white question mark on black, by setting.

mod encode;
mod font;
mod layout;
mod tables;

pub use encode::{Encoder, Unmappable};
pub use font::{CELL_HEIGHT, CELL_WIDTH, LINE_HEIGHT, draw_line};
pub use layout::{TextError, lines};
pub use tables::{CodeTable, UnknownTable};

#[cfg(test)]
mod tests;
