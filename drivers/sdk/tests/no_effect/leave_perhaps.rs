//! An attempt that may not have committed.

use driver_sdk::{Fault, Link, Run};

async fn prints(link: &mut Link, run: &Run) -> Result<usize, Fault> {
    link.act(run.committed(), b"bytes").await
}

fn main() {
    let _ = prints;
}
