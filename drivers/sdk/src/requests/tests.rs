use std::sync::atomic::AtomicU32;

use super::*;
use crate::fault::FaultKind;
use crate::run::Committed;

/// A device that nobody reaches.
struct Gone;

impl Poster for Gone {
    fn post(&self, _: Bytes, _: Duration) -> BoxFuture<'_, Result<Bytes, Fault>> {
        Box::pin(async { Err(Fault::transient("LINK-UNREACHABLE").without_effect()) })
    }
    fn address(&self) -> &'static str {
        "http://192.168.7.31/"
    }
}

struct Number;

impl Exchange for Number {
    type Answer = ();
    fn encode(&self, _: &mut BytesMut) {}
    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<()>, Fault> {
        Ok(Some(()))
    }
}
impl Harmless for Number {}

#[tokio::test]
async fn only_an_effect_that_was_never_sent_proves_that_nothing_happened() {
    let requests = Requests::new(Arc::new(Gone));
    let effects = AtomicU32::new(0);
    let never_sent = requests.effect(Committed::lend(&effects), Number).await;
    let fault = never_sent.expect_err("unreachable");
    assert_eq!(
        fault.of_an_attempt(false).judged(true).kind(),
        FaultKind::Transient
    );
    assert_eq!(effects.into_inner(), 0, "it was none");
    let fault = requests.ask(Number).await.expect_err("unreachable");
    assert_eq!(fault.judged(true).kind(), FaultKind::InDoubt);
}
