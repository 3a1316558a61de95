//! The whole worker in virtual time: cloud, socket, disk and devices misbehave from a seed, and a
//! judge that knows no code of the worker counts what physically happened.
//!
//! In reading order: [`scenario`] (what a seed means), [`world`] (time, chance, the point where the
//! worker dies), [`cloud`], [`socket`], [`disk`], [`machine`] (what is outside), [`drivers`] (of
//! those machines, by the public contract), [`shipped`] (a shipped one and its own device), [`judge`] (the promises), [`lives`] (one seed from its
//! first start to its end), [`run`] (many seeds), [`twins`] (each judge's rule finds its breach).

mod cloud;
mod disk;
mod drivers;
mod judge;
mod lives;
mod machine;
mod run;
mod scenario;
mod shipped;
mod socket;
mod twins;
mod world;
