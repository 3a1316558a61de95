//! Scenarios: the sandbox as the cloud, virtual devices, the real worker.

mod house;

mod keys;
mod mews;
