//! Key commands, from the cloud to a virtual lock PC and back.

use nightporter::sandbox::{CommandState, DeviceKind, KeyRequest};

use crate::house::{House, within};

const ENCODER: &str = "[device.encoder]\nmews = \"Encoder\"\n\
    driver = \"pms-industry-standard\"\nlink = \"mem:lock\"\n\
    [device.encoder.settings]\nprofile = \"salto\"\nencoder = \"Online Encoder\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ordered_by_an_event_is_cut_once_and_told() {
    let mut house = House::new(ENCODER).await;
    let lock = house.simulate("pms-industry-standard", "mem:lock", &[]);
    let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
    house.start();
    let up = |hotel: &nightporter::sandbox::Hotel| hotel.sockets() == 1;
    within("the socket", house.cloud.wait_until(up)).await;
    #[expect(
        clippy::disallowed_methods,
        reason = "the sandbox lives in the PC's time"
    )]
    let now = jiff::Timestamp::now();
    let key = KeyRequest {
        count: 2,
        encoder: None,
        data_json: None,
        ..KeyRequest::new("101", now)
    };
    let id = house.cloud.add_key(device, &key);
    let state = within("the end", house.cloud.wait_final(id)).await;
    let notes = house.cloud.notes(id).expect("a note");
    assert_eq!(state, CommandState::Processed, "{notes}");
    assert!(notes.starts_with("Encoder: "), "{notes}");
    let cards = lock
        .effects()
        .into_iter()
        .filter(|effect| effect.kind == "card")
        .count();
    assert_eq!(cards, 2, "{notes}");
    house.stop().await;
}
