//! Print commands, from the cloud to paper and back.

use driver_sdk::Effect;
use nightporter::sandbox::{CommandState, DeviceKind, Hotel, SandboxOptions};

use crate::house::{House, within};

const BAR: &str = "[device.bar]\nmews = \"Bar\"\ndriver = \"escpos\"\nlink = \"mem:bar\"\n\
    operator_wait_s = 20\n[device.bar.settings]\nwatch_s = 0\n";

fn receipts(effects: &[Effect], text: &str) -> usize {
    effects
        .iter()
        .filter(|effect| effect.kind == "receipt" && effect.content.contains(text))
        .count()
}

fn up(hotel: &Hotel) -> bool {
    hotel.sockets() == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_ordered_by_an_event_is_printed_as_often_as_asked_and_told_with_its_proof() {
    let mut house = House::new(BAR).await;
    let printer = house.simulate("escpos", "mem:bar", &[]);
    let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
    let before = house
        .cloud
        .add_print(device, "text/plain", b"waiting since before", 1);
    house.start();
    within("the socket", house.cloud.wait_until(up)).await;
    let id = house
        .cloud
        .add_print(device, "text/plain", b"ordered by event", 2);
    for id in [before, id] {
        let state = within("the end", house.cloud.wait_final(id)).await;
        let note = house.cloud.notes(id).unwrap_or_default();
        assert_eq!(state, CommandState::Processed, "{note}");
        assert!(note.starts_with("Bar: "), "{note}");
    }
    let effects = printer.effects();
    assert_eq!(receipts(&effects, "waiting since before"), 1, "{effects:?}");
    assert_eq!(receipts(&effects, "ordered by event"), 2, "{effects:?}");
    house.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_paper_nothing_is_printed_and_the_clerk_is_told() {
    let mut house = House::hurried(BAR, SandboxOptions::default()).await;
    let printer = house.simulate("escpos", "mem:bar", &[]);
    printer.switch("paper", "out").expect("a switch");
    let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
    house.start();
    let id = house.cloud.add_print(device, "text/plain", b"no paper", 1);
    let state = within("the end", house.cloud.wait_final(id)).await;
    let note = house.cloud.notes(id).unwrap_or_default();
    assert_eq!(state, CommandState::Error);
    assert!(note.contains("No paper. Nothing was printed."), "{note}");
    printer.switch("paper", "loaded").expect("a switch");
    let next = house
        .cloud
        .add_print(device, "text/plain", b"paper again", 1);
    let state = within("the end", house.cloud.wait_final(next)).await;
    assert_eq!(
        state,
        CommandState::Processed,
        "{:?}",
        house.cloud.notes(next)
    );
    let effects = printer.effects();
    assert_eq!(receipts(&effects, "no paper"), 0, "{effects:?}");
    assert_eq!(receipts(&effects, "paper again"), 1, "{effects:?}");
    house.stop().await;
}
