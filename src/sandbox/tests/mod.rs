//! The sandbox seen by a client that knows nothing of it but the wire: reqwest and tungstenite.

mod commands;
mod controls;
mod faults;
mod fiscal;
mod guests;
mod limits;
mod lists;
mod raw_client;
mod requests;
mod sockets;
