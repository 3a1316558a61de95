//! Links: what stands between the contract's [`driver_sdk::Link`] and a wire.
//!
//! [`Dialers`] turns the link addresses of the config file into things that can be opened. Nothing
//! here knows a protocol, and nothing is touched before the first dial: `check` works with every
//! device switched off.
//!
//! | address | module |
//! | --- | --- |
//! | `serial:/dev/ttyUSB0?baud=38400&flow=rts-cts`, `serial:COM3` | serial ports, reopened after an unplug |
//! | `tcp:192.168.7.30:9100` | a connection to the device |
//! | `listen:0.0.0.0:5010?allow=192.168.7.20` | the device connects to us; the newest connection wins |
//! | `http://…`, `https://…` | one POST per question, no redirects |
//!
//! A device behind `https:` must show a certificate that the PC trusts: where it has one of its
//! own making, that certificate is added to the system's store, or the worker gives
//! [`Dialers::with_tls`] a configuration that knows it. The query of an HTTP address belongs to
//! the device, so no option of ours can stand there.
//!
//! [`host`] puts a virtual device on a wire. [`Memory`] and [`replay`] are the same seam without
//! any wire: virtual devices in memory, and recorded conversations.

mod factory;
pub mod host;
mod http;
mod listen;
mod memory;
pub mod replay;
mod serial;
mod severable;
mod target;
mod tcp;

pub use factory::Dialers;
pub use memory::Memory;
