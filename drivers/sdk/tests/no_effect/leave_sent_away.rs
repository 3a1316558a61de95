//! The leave of an attempt, in a task that outlives it.

use driver_sdk::{Fault, Link, Run};

async fn prints(mut link: Link, run: &Run) -> Result<(), Fault> {
    let leave = run.commit(&()).await?;
    tokio::spawn(async move { link.act(leave, b"bytes").await });
    Ok(())
}

fn main() {
    let _ = prints;
}
