//! Bills that come without their items: fetched when their turn has come, before they are begun.

use std::time::Duration;

use nightporter::sandbox::{CommandState, DeviceKind, Fault, FaultKind, Hotel, SandboxOptions};
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::house::{House, within};
use crate::puppet::{Mode, Puppet};

fn amount(gross: i64) -> Value {
    json!({
        "Currency": "EUR", "NetValue": gross, "GrossValue": gross, "TaxValues": [],
        "Breakdown": { "Items": [{ "TaxRateCode": null, "NetValue": gross, "TaxValue": 0 }] },
    })
}

/// A house with a fiscal machine, and a bill whose two items and one payment are elsewhere.
async fn bare_bill() -> (House, Puppet, Uuid, Value) {
    let puppet = Puppet::new();
    let house = House::new(&puppet.section("fiscal", "Desk", "")).await;
    bare_bill_in(house, puppet).await
}

async fn bare_bill_in(mut house: House, puppet: Puppet) -> (House, Puppet, Uuid, Value) {
    let device = house.cloud.add_device(DeviceKind::FiscalMachine, "Desk");
    let mut bill = crate::waiting::bill(&house);
    let bare = bill.as_object_mut().expect("a bill");
    bare.remove("Revenue");
    bare.remove("Payments");
    for name in ["A night", "Breakfast"] {
        let item = json!({
            "Id": Uuid::new_v4(), "BillId": bill["Id"], "AccountId": Uuid::new_v4(),
            "Type": "CustomItem", "BillingName": name, "UnitCount": 1,
            "UnitAmount": amount(50), "Amount": amount(50), "AccountingState": "Closed",
            "CreatedUtc": "2026-01-02T03:04:05Z", "UpdatedUtc": "2026-01-02T03:04:05Z",
            "ConsumedUtc": "2026-01-02T03:04:05Z",
        });
        house.cloud.put("OrderItems", item);
    }
    let payment = json!({
        "Id": Uuid::new_v4(), "BillId": bill["Id"], "AccountId": Uuid::new_v4(),
        "Type": "CashPayment", "State": "Charged", "AccountingState": "Closed",
        "Amount": amount(-100), "CreatedUtc": "2026-01-02T03:04:05Z",
        "UpdatedUtc": "2026-01-02T03:04:05Z",
    });
    house.cloud.put("Payments", payment);
    house.start_and_wait().await;
    (house, puppet, device, bill)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_without_items_is_issued_with_those_that_mews_lists() {
    let (mut house, puppet, device, bill) = bare_bill().await;
    let id = house.cloud.add_fiscal(device, bill);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    let made = puppet.sees().made;
    assert_eq!((made.len(), made[0].items, made[0].payments), (1, 2, 1));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_whose_items_cannot_be_fetched_now_waits_for_them() {
    let (mut house, puppet, device, bill) = bare_bill().await;
    let half = Fault::new(FaultKind::Html(200)).on("orderItems/getAll");
    let fault = house.cloud.switch_on(half);
    let id = house.cloud.add_fiscal(device, bill);
    let asked = |hotel: &Hotel| hotel.request_count("orderItems/getAll") > 0;
    within("the items are asked for", house.cloud.wait_until(asked)).await;
    assert!(!house.cloud.state(id).is_some_and(CommandState::is_final));
    assert!(puppet.sees().given.is_empty());
    house.cloud.switch_off(fault);
    let done = async {
        while !house.cloud.state(id).is_some_and(CommandState::is_final) {
            house.worker().sweep();
            let asked = house.cloud.request_count("commands/getAllActive");
            let again = |hotel: &Hotel| {
                hotel.request_count("commands/getAllActive") > asked
                    || hotel.state(id).is_some_and(CommandState::is_final)
            };
            house.cloud.wait_until(again).await;
        }
    };
    within("the end", done).await;
    let made = puppet.sees().made;
    assert_eq!((made.len(), made[0].items, made[0].payments), (1, 2, 1));
    house.stop().await;
}

/// A payload that was lost is fetched again with its items, however long that takes: it is no reason
/// to end the command.
#[tokio::test(start_paused = true)]
async fn a_lost_bill_waits_until_its_items_can_be_fetched_again() {
    let puppet = Puppet::new();
    let section = puppet.section("fiscal", "Desk", "");
    let house = House::hurried(&section, SandboxOptions::default()).await;
    let (mut house, puppet, device, bill) = bare_bill_in(house, puppet).await;
    puppet.is(Mode::HoldBefore);
    let first = house.cloud.add_fiscal(device, crate::waiting::bill(&house));
    within("the first", puppet.until(|sight| sight.given == [first])).await;
    let id = house.cloud.add_fiscal(device, bill);
    house.queued(id).await;
    let folder = format!("{}.payloads", house.journal().display());
    for entry in std::fs::read_dir(folder).expect("it is there") {
        std::fs::remove_file(entry.expect("a file").path()).expect("ours");
    }
    let odd = Fault::new(FaultKind::Html(200)).on("orderItems/getAll");
    let fault = house.cloud.switch_on(odd);
    puppet.is(Mode::Good);
    // Longer than the items of one bill may take.
    sleep(Duration::from_secs(45)).await;
    let open = house.cloud.state(id).expect("it is known");
    assert!(!open.is_final(), "{open:?}");
    house.cloud.switch_off(fault);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    assert_eq!(puppet.made(id), 1);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_mews_refuses_are_told_and_nothing_is_issued() {
    let (mut house, puppet, device, bill) = bare_bill().await;
    house.cloud.set_options(|options| {
        options.denied.insert("orderItems/getAll".to_owned());
    });
    let id = house.cloud.add_fiscal(device, bill);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Error);
    assert!(note.contains("items and payments"), "{note}");
    assert!(puppet.sees().given.is_empty());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_with_its_items_costs_no_further_request() {
    let (mut house, _, device, _) = bare_bill().await;
    let bill = crate::waiting::bill(&house);
    let id = house.cloud.add_fiscal(device, bill);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    for operation in ["orderItems/getAll", "payments/getAll"] {
        assert_eq!(house.cloud.request_count(operation), 0);
    }
    house.stop().await;
}

/// Items that do not come are waited for by their own device alone, not by who was announced with it.
#[tokio::test(start_paused = true)]
async fn a_bill_that_waits_for_its_items_keeps_no_other_command_waiting() {
    let (till, bar) = (Puppet::new(), Puppet::new());
    let sections = [
        till.section("fiscal", "Desk", ""),
        bar.section("printer", "Bar", ""),
    ];
    let house = House::hurried(&sections.concat(), SandboxOptions::default()).await;
    let printer = house.cloud.add_device(DeviceKind::Printer, "Bar");
    let (mut house, till, device, bill) = bare_bill_in(house, till).await;
    house.is_swept().await;
    let slow = Fault::new(FaultKind::Delay(Duration::from_secs(120))).on("orderItems/getAll");
    let fault = house.cloud.switch_on(slow);
    let id = house.cloud.add_fiscal(device, bill);
    let paper = house.cloud.add_print(printer, "text/plain", b"a bill", 1);
    let bar = Duration::from_secs(2);
    let told = tokio::time::timeout(bar, house.cloud.wait_final(paper)).await;
    assert_eq!(told, Ok(CommandState::Processed));
    assert!(till.sees().given.is_empty());
    house.cloud.switch_off(fault);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    assert_eq!(till.sees().made[0].items, 2);
    house.stop().await;
}
