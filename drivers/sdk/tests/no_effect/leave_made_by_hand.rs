//! A leave that no commit gave.

use std::sync::atomic::AtomicU32;

use driver_sdk::{Committed, Fault, Link};

async fn prints(link: &mut Link) -> Result<usize, Fault> {
    link.act(Committed(&AtomicU32::new(0)), b"bytes").await
}

fn main() {
    let _ = prints;
}
