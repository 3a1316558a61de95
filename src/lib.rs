#![doc = include_str!("ARCHITECTURE.md")]

pub mod admin;
pub mod alone;
pub mod assemble;
pub mod board;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crash;
pub mod demo;
pub mod disk;
pub mod hotel;
pub mod intake;
pub mod journal;
pub mod lane;
pub mod life;
pub mod mews;
pub mod orders;
pub mod report;
pub mod sandbox;
pub mod supervise;
pub mod telemetry;
mod unattended;
