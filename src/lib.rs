#![doc = include_str!("ARCHITECTURE.md")]

pub mod assemble;
pub mod board;
pub mod cli;
pub mod clock;
pub mod config;
pub mod hotel;
pub mod intake;
pub mod journal;
pub mod lane;
pub mod life;
pub mod mews;
pub mod report;
pub mod sandbox;
pub mod supervise;
pub mod telemetry;
