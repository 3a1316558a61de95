//! "No effect without a commit" is not a rule for authors to remember: it does not compile.
//!
//! Each file in `no_effect/` tries one way round it; the `.stderr` beside it says how the compiler
//! answers. `TRYBUILD=overwrite cargo test -p driver-sdk --test no_effect_without_a_commit` writes
//! them anew when a new compiler words them otherwise: read the difference before you keep it.

use bytes::BytesMut;
use driver_sdk::{Exchange, Fault, Link, Requests, Run};

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

/// The twin of all that does not compile: with a commit it does.
async fn prints(link: &mut Link, requests: &Requests, run: &Run) -> Result<(), Fault> {
    let leave = run.commit(&"what to ask later").await?;
    link.act(leave, b"bytes").await?;
    link.effect(leave, Print).await?;
    requests.effect(leave, Print).await
}

/// A reconcile may finish what its own attempt has begun: that attempt has committed.
async fn finishes(link: &mut Link, run: &Run) -> Result<(), Fault> {
    match run.committed() {
        Some(leave) => link.effect(leave, Print).await,
        None => Ok(()),
    }
}

#[test]
fn no_effect_compiles_without_a_commit() {
    let _ = (prints, finishes);
    trybuild::TestCases::new().compile_fail("tests/no_effect/*.rs");
}
