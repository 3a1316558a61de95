//! Pictures for a thermal head: one bit a dot, in bands, free of real-time commands.

mod bands;
mod bitmap;
mod grey;
mod scrub;

pub use bands::{PictureCommand, encode_band};
pub use bitmap::Bitmap;
pub use grey::{Shade, to_dots};
pub use scrub::{holds_real_time, scrub};

#[cfg(test)]
mod tests;
