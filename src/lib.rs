//! The device command worker.

pub mod config;
