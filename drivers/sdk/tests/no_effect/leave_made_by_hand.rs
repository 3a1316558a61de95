//! A leave that no commit gave.

use std::marker::PhantomData;

use driver_sdk::{Committed, Fault, Link};

async fn prints(link: &mut Link) -> Result<usize, Fault> {
    link.act(Committed(PhantomData), b"bytes").await
}

fn main() {
    let _ = prints;
}
