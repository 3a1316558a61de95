//! The only code that knows Mews: its wire, its addresses, its pace, its socket.
//!
//! - [`wire`]: what is said, as types. Tolerant in what it reads, exact in what it sends.
//! - [`scan`]: takes the elements of a JSON array out of a byte stream, one at a time.
//! - [`post`] and [`socket`]: the two seams to the world. A simulation plugs its own in there.
//! - [`connector`]: TLS, proxy and addresses, in one place for both.
//! - [`budget`]: how many requests may be sent, in which order, and how long to wait.
//! - [`cloud`]: one property's operations, with the status table of the contract.
//! - [`clock`]: the cloud's time, learned from its answers.
//! - [`translate`]: a command's `Data` as work in the drivers' words.
//!
//! What is absent on purpose: no journal, no decision about a command's life, no device. Whether
//! and when something is read or reported is decided elsewhere; here it is only done.

pub mod budget;
pub mod clock;
pub mod cloud;
pub mod connector;
pub mod post;
pub mod scan;
pub mod socket;
pub mod translate;
pub mod wire;
