//! Fiscal devices, from a bill in the cloud to the fiscal memory and back. What was issued is read
//! from the virtual printer's memory, never from what the worker says.

mod bad_bills;
mod bill;
mod desk;
mod doubt;
mod faults;
mod issue;
#[cfg(unix)]
mod load;
mod lost;
