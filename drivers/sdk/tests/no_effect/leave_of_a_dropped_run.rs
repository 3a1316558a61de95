//! The leave of an attempt that is over.

use driver_sdk::{Fault, Link, Run};

async fn prints(link: &mut Link, run: Run) -> Result<usize, Fault> {
    let leave = run.commit(&()).await?;
    drop(run);
    link.act(leave, b"bytes").await
}

fn main() {
    let _ = prints;
}
