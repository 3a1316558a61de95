//! Scenarios: the sandbox as the cloud, virtual devices, the real worker.

mod admin;
mod air;
mod audit;
mod choir;
mod demo;
mod desk;
mod fiscal;
mod house;
mod puppet;

mod retention;

mod bad_input;
mod bills;
#[cfg(unix)]
mod cloud_faults;
mod disks;
mod doubt;
mod handshake;
mod held;
mod intake;
mod lanes;
mod memory;
mod removed;
mod serial_line;
#[cfg(unix)]
mod sockets;
mod tidy;
mod verbs;
mod waiting;

#[cfg(unix)]
mod checker;
mod command_line;
mod conversation;
mod key_bad_input;
mod key_faults;
mod key_rules;
mod key_times;
mod key_wires;
mod keys;
#[cfg(unix)]
mod kill;
mod mews;
mod model;
#[cfg(unix)]
mod one_bill;
#[cfg(unix)]
mod plant;
#[cfg(unix)]
mod power;
mod printing;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod silence;
mod simulation;
#[cfg(unix)]
mod stop;
