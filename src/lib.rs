//! The device command worker.

pub mod cli;
pub mod clock;
pub mod config;
pub mod journal;
pub mod life;
pub mod mews;
pub mod sandbox;
pub mod telemetry;
