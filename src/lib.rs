//! The device command worker.
