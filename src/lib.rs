//! The device command worker.

pub mod cli;
pub mod config;
pub mod mews;
pub mod sandbox;
pub mod telemetry;
