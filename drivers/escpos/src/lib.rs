//! ESC/POS receipt printers.

pub mod sim;
