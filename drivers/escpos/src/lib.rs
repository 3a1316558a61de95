//! ESC/POS receipt printers.

pub mod codec;
pub mod raster;
pub mod render;
pub mod sim;
pub mod text;
