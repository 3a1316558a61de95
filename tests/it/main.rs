//! Scenarios: the sandbox as the cloud, virtual devices, the real worker.

mod demo;
mod house;

mod command_line;
mod keys;
mod mews;
mod printing;
#[cfg(unix)]
mod secrets;
