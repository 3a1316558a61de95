//! No leave at all.

use driver_sdk::{Fault, Link};

async fn prints(link: &mut Link) -> Result<usize, Fault> {
    link.act(b"bytes").await
}

fn main() {
    let _ = prints;
}
