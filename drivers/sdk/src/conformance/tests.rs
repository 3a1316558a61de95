//! Toy drivers: whole, they keep every promise; with one guard removed, the suite finds it.

mod lamps;
mod stamper;
mod twins;
