//! What watches a device has no attempt, and nothing to commit.

use driver_sdk::{Fault, Link, Watch};

async fn idle(link: &mut Link, watch: &Watch) -> Result<usize, Fault> {
    let leave = watch.commit(&()).await?;
    link.act(leave, b"bytes").await
}

fn main() {
    let _ = idle;
}
