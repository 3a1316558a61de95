//! The printer in the PC's own time: a paused clock hides what only moves with a real one.

use std::sync::Arc;

use driver_sdk::VirtualDevice;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::{Options, VirtualPrinter};

#[tokio::test]
async fn an_idle_printer_answers_while_time_goes_on() {
    let printer: Arc<dyn VirtualDevice> = Arc::new(VirtualPrinter::new(Options::default()));
    let (mut host, port) = tokio::io::duplex(64);
    tokio::spawn(printer.serve(Box::new(port)));
    host.write_all(&[0x10, 0x04, 1]).await.expect("open");
    let mut answer = [0];
    let read = host.read_exact(&mut answer);
    let within = std::time::Duration::from_secs(10);
    tokio::time::timeout(within, read)
        .await
        .expect("it answers")
        .expect("open");
    assert_eq!(answer, [0x12]);
}
