use super::*;

struct Echo;
impl Session for Echo {
    type Ask = u32;
    type Answer = u32;
    async fn hold(&self, _: &mut Link, calls: &mut Calls<Self>, _: &Watch) -> Result<(), Fault> {
        calls.ready();
        while let Some(call) = calls.next().await {
            match *call.ask() {
                0 => return Err(Fault::transient("LINK-LOST")),
                n => call.answer(n),
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn nothing_is_queued_while_the_conversation_is_down() {
    let (shared, _calls) = Shared::pair(Echo);
    let fault = shared.ask(1).await.expect_err("nobody holds it");
    assert_eq!(fault.code(), "SESSION-DOWN");
    assert!(fault.has_no_effect());
}

#[tokio::test]
async fn a_call_that_was_never_sent_proves_nothing_of_an_earlier_one() {
    let (shared, mut calls) = Shared::pair(Echo);
    let effects = AtomicU32::new(0);
    let leave = Committed::lend(&effects);
    shared.effect(leave, 1).await.expect_err("it is down");
    assert_eq!(effects.load(Ordering::SeqCst), 0, "never sent");
    calls.ready();
    let (first, ()) = tokio::join!(shared.effect(leave, 2), async {
        calls.next().await.expect("asked").answer(2);
    });
    assert_eq!(first.expect("answered"), 2);
    calls.down();
    let fault = shared.effect(leave, 3).await.expect_err("it is down");
    assert!(fault.has_no_effect(), "of this call");
    assert_eq!(effects.load(Ordering::SeqCst), 1, "the first one counts");
    let judged = fault.of_an_attempt(true).judged(true);
    assert_eq!(judged.kind(), crate::fault::FaultKind::InDoubt);
}

#[tokio::test]
async fn a_call_dropped_unanswered_is_lost_and_no_proof() {
    let (shared, mut calls) = Shared::pair(Echo);
    calls.ready();
    let asking = tokio::spawn({
        let shared = shared.clone();
        async move { shared.ask(5).await }
    });
    let call = calls.next().await.expect("asked");
    assert!(call.committed().is_none());
    drop(call);
    let fault = asking.await.expect("no panic").expect_err("dropped");
    assert_eq!(fault.code(), "SESSION-LOST");
    assert!(!fault.has_no_effect());
}

#[tokio::test]
async fn an_abandoned_call_is_never_handed_out() {
    let (shared, mut calls) = Shared::pair(Echo);
    calls.ready();
    let abandoned = tokio::spawn({
        let shared = shared.clone();
        async move { shared.ask(1).await }
    });
    tokio::task::yield_now().await;
    abandoned.abort();
    let _ = abandoned.await;
    let second = tokio::spawn(async move { shared.ask(2).await });
    let call = calls.next().await.expect("the second");
    assert_eq!(*call.ask(), 2);
    call.answer(2);
    assert_eq!(second.await.expect("no panic").expect("answered"), 2);
}

#[tokio::test]
async fn calls_end_when_the_worker_stops() {
    let (_shared, mut calls) = Shared::pair(Echo);
    let stop = CancellationToken::new();
    calls.stop_at(&stop);
    stop.cancel();
    assert!(calls.next().await.is_none());
}
