//! Wires: several connections, one printer.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

use super::{CUT, ID, ROW, hex, shared};
use crate::sim::{Options, Second, VirtualPrinter};
use driver_sdk::{Simulator, VirtualDevice};

type Served = JoinHandle<std::io::Result<()>>;

fn connect(printer: &Arc<VirtualPrinter>) -> (DuplexStream, Served) {
    let (host, device) = tokio::io::duplex(64);
    (
        host,
        tokio::spawn(Arc::clone(printer).serve(Box::new(device))),
    )
}

async fn hear<const N: usize>(host: &mut DuplexStream) -> [u8; N] {
    let mut bytes = [0; N];
    host.read_exact(&mut bytes).await.expect("an answer");
    bytes
}

#[tokio::test(start_paused = true)]
async fn the_printer_outlives_its_connections() {
    let printer = shared(Options {
        speed: 50,
        ..Options::default()
    });
    let (mut host, served) = connect(&printer);
    host.write_all(&hex(&format!("{} {CUT}", ROW.repeat(50))))
        .await
        .expect("taken");
    drop(host);
    served.await.expect("no panic").expect("a clean end");
    assert!(printer.receipts().is_empty(), "still printing");
    printer.at_rest().await;
    assert_eq!(printer.receipts().len(), 1);
    let (mut host, _served) = connect(&printer);
    host.write_all(&hex("10 04 01")).await.expect("taken");
    assert_eq!(hear(&mut host).await, [0x12]);
}

#[tokio::test(start_paused = true)]
async fn old_answers_are_dropped_or_kept() {
    for (keep_replies, first) in [(false, 0x16), (true, 0x37)] {
        let printer = shared(Options {
            keep_replies,
            speed: 10,
            ..Options::default()
        });
        let (mut host, served) = connect(&printer);
        host.write_all(&hex(&format!("{} {ID}", ROW.repeat(20))))
            .await
            .expect("taken");
        drop(host);
        served.await.expect("no panic").expect("a clean end");
        printer.at_rest().await;
        printer.switch("cover", "open").expect("a switch");
        let (mut host, _served) = connect(&printer);
        host.write_all(&hex("10 04 02")).await.expect("taken");
        assert_eq!(hear(&mut host).await, [first]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_printer_stalls_the_writer_until_paper_comes() {
    let printer = shared(Options {
        buffer: 256,
        ..Options::default()
    });
    printer.switch("paper", "out").expect("a switch");
    let (mut host, _served) = connect(&printer);
    let job = hex(&format!("{} {CUT} {ID}", ROW.repeat(200)));
    let stalled = tokio::time::timeout(Duration::from_secs(60), host.write_all(&job)).await;
    assert!(stalled.is_err(), "the writer waits");
    assert_eq!(printer.waiting_bytes(), 256);
    drop(host);
    let (mut host, _served) = connect(&printer);
    printer.switch("paper", "loaded").expect("a switch");
    host.write_all(&hex("10 04 01")).await.expect("taken");
    assert_eq!(hear(&mut host).await, [0x12]);
}

#[tokio::test(start_paused = true)]
async fn a_line_has_a_rate() {
    let printer = shared(Options {
        baud: 9_600,
        ..Options::default()
    });
    let (mut host, _served) = connect(&printer);
    let begin = super::clock();
    host.write_all(&[0; 957]).await.expect("taken");
    host.write_all(&hex("10 04 01")).await.expect("taken");
    hear::<1>(&mut host).await;
    let took = super::clock() - begin;
    assert!((1_000..1_100).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_can_be_dropped_after_the_print() {
    let printer = shared(Options::default());
    printer.switch("drop", "after-print").expect("a switch");
    let (mut host, served) = connect(&printer);
    host.write_all(&hex(&format!("{ROW} {CUT} {ID}")))
        .await
        .expect("taken");
    served.await.expect("no panic").expect("a clean end");
    assert_eq!(
        host.read(&mut [0; 16]).await.expect("an end"),
        0,
        "nothing was said"
    );
    assert_eq!(printer.receipts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_connection_waits_is_refused_or_takes_over() {
    let ask = hex("10 04 01");
    let printer = shared(Options::default());
    let (first, _served) = connect(&printer);
    let (mut second, _served) = connect(&printer);
    second.write_all(&ask).await.expect("accepted");
    let early = tokio::time::timeout(Duration::from_secs(60), second.read_u8()).await;
    assert!(early.is_err(), "its bytes do not pass yet");
    drop(first);
    assert_eq!(hear(&mut second).await, [0x12]);

    let printer = shared(Options {
        second: Second::Refused,
        ..Options::default()
    });
    let (mut first, _served) = connect(&printer);
    first.write_all(&ask).await.expect("accepted");
    assert_eq!(hear(&mut first).await, [0x12]);
    let (_second, served) = connect(&printer);
    served.await.expect("no panic").expect("closed at once");

    let printer = shared(Options {
        second: Second::Replaces,
        ..Options::default()
    });
    let (mut first, served) = connect(&printer);
    first.write_all(&ask).await.expect("accepted");
    assert_eq!(hear(&mut first).await, [0x12]);
    let (mut second, _served) = connect(&printer);
    served.await.expect("no panic").expect("replaced");
    second.write_all(&ask).await.expect("accepted");
    assert_eq!(hear(&mut second).await, [0x12]);
}

#[tokio::test(start_paused = true)]
async fn it_tells_its_story_and_counts_what_exists() {
    let folder = tempfile::tempdir().expect("a folder");
    let printer = shared(Options {
        folder: Some(folder.path().to_owned()),
        ..Options::default()
    });
    let mut story = printer.story();
    let (mut host, _served) = connect(&printer);
    let job = format!("41 0A {CUT} 1B 70 01 32 FA 42 0A 10 04 01");
    host.write_all(&hex(&job)).await.expect("taken");
    hear::<1>(&mut host).await;
    printer.at_rest().await;
    let kinds: Vec<_> = printer
        .effects()
        .into_iter()
        .map(|e| (e.kind, e.content))
        .collect();
    let expected = [("receipt", "A"), ("drawer", ""), ("uncut", "B")];
    assert_eq!(
        kinds,
        expected.map(|(kind, text)| (kind.to_owned(), text.to_owned()))
    );
    let line = story.recv().await.expect("a line");
    assert!(
        line.starts_with("receipt 1 printed and cut: 30 rows, "),
        "{line}"
    );
    assert_eq!(
        story.recv().await.expect("a line"),
        "drawer 2 opened (100 ms)"
    );
}

#[test]
fn the_catalogue_entry_builds_printers_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let set = |pairs: &[(&str, &str)]| {
        let owned = pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        crate::sim::ReceiptPrinters.build(folder.path().to_owned(), &owned.collect::<Vec<_>>())
    };
    let printer = set(&[("profile", "clone"), ("paper", "out")]).expect("a printer");
    assert!(printer.switch("width", "576").is_err(), "not while it runs");
    let error = set(&[("colour", "red")]).err().expect("no such switch");
    assert!(error.contains("no switch `colour`"), "{error}");
}
