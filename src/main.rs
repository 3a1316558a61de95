//! Nightporter.
fn main() {}
