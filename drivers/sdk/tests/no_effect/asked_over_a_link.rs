//! An effect disguised as a question.

use bytes::BytesMut;
use driver_sdk::{Exchange, Fault, Link};

/// It changes the world, and nobody signed that it does not.
struct Print;

impl Exchange for Print {
    type Answer = ();
    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"print");
    }
    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<()>, Fault> {
        Ok(Some(()))
    }
}

async fn prints(link: &mut Link) -> Result<(), Fault> {
    link.ask(Print).await
}

fn main() {
    let _ = prints;
}
