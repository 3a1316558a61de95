//! Scenarios: the sandbox as the cloud, virtual devices, the real worker.

mod house;

mod command_line;
mod keys;
mod mews;
#[cfg(unix)]
mod secrets;
