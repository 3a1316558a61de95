use std::collections::VecDeque;
use std::sync::Mutex as Lock;

use tokio::io::DuplexStream;

use super::*;
use crate::run::{Host, Run};
use crate::staged::{ShelfRead, Staged};
use tokio_util::sync::CancellationToken;

/// Hands out one end of a pipe per dial, in order; none left means unreachable.
struct Pipes(Lock<VecDeque<DuplexStream>>);

impl Dialer for Pipes {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        let next = self.0.lock().expect("no panic under this lock").pop_front();
        Box::pin(async move {
            next.map(|pipe| Box::new(pipe) as Box<dyn Port>)
                .ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
        })
    }
    fn address(&self) -> &'static str {
        "pipe"
    }
}

fn link(resync: Resync, pipes: usize) -> (Link, Vec<DuplexStream>) {
    let (ours, theirs): (Vec<_>, Vec<_>) = (0..pipes).map(|_| tokio::io::duplex(64)).unzip();
    (
        Link::new(Arc::new(Pipes(Lock::new(ours.into()))), resync),
        theirs,
    )
}

struct Ping(u8);

impl Exchange for Ping {
    type Answer = u8;
    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(&[self.0]);
    }
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<u8>, Fault> {
        Ok((!input.is_empty()).then(|| input.split_to(1)[0]))
    }
}
impl Harmless for Ping {}

struct Willing;
impl Host for Willing {
    fn commit(&self, _: serde_json::Value, _: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
    fn checkpoint(&self, _: serde_json::Value, _: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
    fn progress(&self, _: u8) {}
    fn waiting(&self, _: Fault) {}
    fn shelf(&self, _: &str) -> Option<ShelfRead> {
        None
    }
}

fn run() -> Run {
    let (a, b) = (CancellationToken::new(), CancellationToken::new());
    Run::new(
        Arc::new(Willing),
        Duration::from_secs(5),
        Duration::from_secs(5),
        a,
        b,
    )
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_never_taken_for_the_next_one() {
    let (mut link, mut peers) = link(Resync::Silence(Duration::from_millis(200)), 1);
    let silent = link.ask(Ping(1)).await.expect_err("nobody answers");
    assert_eq!(silent.code(), "LINK-SILENT");
    peers[0].write_all(&[1]).await.expect("the pipe is open");
    let mut peer = peers.remove(0);
    let answering = tokio::spawn(async move {
        let mut seen = [0; 2];
        peer.read_exact(&mut seen).await.expect("two questions");
        peer.write_all(&[seen[1]]).await.expect("the pipe is open");
        peer
    });
    assert_eq!(link.ask(Ping(2)).await.expect("the second is answered"), 2);
    answering.await.expect("the peer does not panic");
}

#[tokio::test(start_paused = true)]
async fn reopening_leaves_the_late_answer_on_the_old_line() {
    let (mut link, mut peers) = link(Resync::Reopen, 2);
    link.ask(Ping(1)).await.expect_err("nobody answers");
    let mut second = peers.pop().expect("two pipes");
    second.write_all(&[7]).await.expect("the pipe is open");
    assert_eq!(
        link.ask(Ping(2)).await.expect("answered on the new line"),
        7
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_question_is_remembered_as_unanswered() {
    let (mut link, mut peers) = link(Resync::Silence(Duration::from_millis(50)), 1);
    {
        let asking = link.ask(Ping(1));
        let _ = timeout(Duration::from_millis(10), asking).await;
    }
    peers[0].write_all(&[1]).await.expect("the pipe is open");
    link.open().await.expect("in step again");
    assert!(
        link.hear(Duration::from_millis(1))
            .await
            .expect("open")
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn unreachable_holds_the_proof_that_nothing_was_sent() {
    let (mut link, _) = link(Resync::Reopen, 0);
    let run = run();
    let leave = run.commit(&()).await.expect("the host is willing");
    let fault = link.act(leave, b"x").await.expect_err("no pipe");
    assert_eq!(fault.code(), "LINK-UNREACHABLE");
    assert!(fault.has_no_effect());
}

#[tokio::test(start_paused = true)]
async fn act_returns_early_when_the_device_speaks() {
    let (mut link, mut peers) = link(Resync::Reopen, 1);
    let run = run();
    let leave = run.commit(&()).await.expect("the host is willing");
    link.open().await.expect("a pipe");
    peers[0].write_all(b"!").await.expect("the pipe is open");
    let sent = link.act(leave, &[0; 500]).await.expect("open");
    assert_eq!(sent, 0);
    assert_eq!(&link.hear(Duration::ZERO).await.expect("open")[..], b"!");
    let sent = link.act(leave, &[0; 500]).await.expect("open");
    assert_eq!(sent, 64, "the pipe holds 64 bytes, then nothing moves");
}

#[tokio::test]
async fn a_question_that_was_never_sent_proves_nothing_of_an_earlier_effect() {
    let (mut link, _) = link(Resync::Reopen, 0);
    let fault = link.ask(Ping(1)).await.expect_err("unreachable");
    assert_eq!(fault.judged(true).kind(), crate::fault::FaultKind::InDoubt);
    let run = run();
    let leave = run.commit(&()).await.expect("the host is willing");
    let never_sent = link.effect(leave, Ping(1)).await.expect_err("unreachable");
    let fault = run.judged(never_sent);
    assert_eq!(fault.kind(), crate::fault::FaultKind::Transient);
}

/// The device at the other end answers the first byte and hangs up.
async fn answers_once(mut peer: DuplexStream) {
    let mut byte = [0];
    peer.read_exact(&mut byte).await.expect("a byte");
    peer.write_all(&byte).await.expect("the pipe is open");
}

#[tokio::test]
async fn an_effect_that_was_never_sent_proves_nothing_of_an_earlier_one() {
    use crate::fault::FaultKind;
    for through_act in [false, true] {
        let (mut link, mut peers) = link(Resync::Reopen, 1);
        let run = run();
        let leave = run.commit(&()).await.expect("the host is willing");
        let device = answers_once(peers.remove(0));
        let (first, ()) = tokio::join!(link.effect(leave, Ping(1)), device);
        first.expect("done");
        link.close().await;
        let second = if through_act {
            link.act(leave, b"x").await.map(drop)
        } else {
            link.effect(leave, Ping(2)).await.map(drop)
        };
        let fault = second.expect_err("no second pipe");
        assert!(fault.has_no_effect(), "the second one had none");
        assert_eq!(
            run.judged(fault).kind(),
            FaultKind::InDoubt,
            "the first had"
        );
    }
}

#[tokio::test]
async fn two_effects_that_were_never_sent_are_proof_and_one_dropped_in_between_is_none() {
    use crate::fault::FaultKind;
    let (mut link, _peers) = link(Resync::Reopen, 0);
    let run = run();
    let leave = run.commit(&()).await.expect("the host is willing");
    for _ in 0..2 {
        let fault = link.effect(leave, Ping(1)).await.expect_err("no pipe");
        assert_eq!(run.judged(fault).kind(), FaultKind::Transient);
    }
    let sent = leave.counted(std::future::pending::<Result<(), Fault>>());
    assert!(timeout(Duration::ZERO, sent).await.is_err(), "dropped");
    let fault = link.effect(leave, Ping(1)).await.expect_err("no pipe");
    assert_eq!(run.judged(fault).kind(), FaultKind::InDoubt);
}

#[tokio::test]
async fn in_a_reconcile_nothing_is_proved_by_an_effect_that_was_never_sent() {
    let (mut link, _peers) = link(Resync::Reopen, 0);
    let run = run().already_committed();
    let leave = run.committed().expect("a reconcile");
    let fault = link.effect(leave, Ping(1)).await.expect_err("no pipe");
    assert_eq!(
        run.judged(fault).kind(),
        crate::fault::FaultKind::InDoubt,
        "the attempt before it may have sent anything"
    );
}
