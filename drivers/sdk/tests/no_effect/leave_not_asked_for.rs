//! A commit that was asked for and not looked at: it may have refused.

use driver_sdk::{Fault, Link, Run};

async fn prints(link: &mut Link, run: &Run) -> Result<usize, Fault> {
    let leave = run.commit(&()).await;
    link.act(leave, b"bytes").await
}

fn main() {
    let _ = prints;
}
