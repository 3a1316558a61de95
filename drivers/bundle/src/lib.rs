//! The drivers this build ships.
