//! The device command worker.

pub mod config;
pub mod mews;
