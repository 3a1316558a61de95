//! The driver against the virtual printer, fault by fault. What was printed is read off the
//! virtual paper, never out of what the driver says.

mod cable;
mod crash;
mod desk;
mod document;
mod faults;
mod silence;

use desk::{Desk, End, Kind, job, lines, raw, test_page};
