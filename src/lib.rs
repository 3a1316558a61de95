//! The device command worker.

pub mod config;
pub mod mews;
pub mod telemetry;
