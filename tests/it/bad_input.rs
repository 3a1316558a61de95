//! Bad input, kind by kind: each ends as an error with a sentence for the clerk, nothing of it
//! reaches the device, and the next command is done as if it had never been there.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use driver_sdk::{Effect, VirtualDevice};
use nightporter::sandbox::{CommandState, DeviceKind, KeyRequest, SandboxOptions};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::{House, within};
use crate::plant::say;
use crate::puppet::{Mode, Puppet};

/// A sentence for the clerk: the device first, what did not happen, one line, not too long.
fn is_clear(note: &str, device: &str) -> bool {
    let rest = note.strip_prefix(&format!("{device}: "));
    rest.is_some_and(|rest| {
        rest.len() > 25
            && note.chars().count() <= 500
            && note.ends_with('.')
            && !note.contains(char::is_control)
            && ["Nothing", "nothing", "No key", "No card", "not "]
                .iter()
                .any(|word| rest.contains(word))
    })
}

/// The bad ones, each followed by a good one: how all of them ended.
async fn bad_then_good(
    house: &House,
    name: &str,
    bad: Vec<(String, Uuid)>,
    good: impl Fn() -> Uuid,
) {
    for (what, id) in bad {
        let next = good();
        let (state, note) = house.end(id).await;
        assert_eq!(state, CommandState::Error, "{what}: {note}");
        assert!(is_clear(&note, name), "{what}: {note}");
        let (state, note) = house.end(next).await;
        assert_eq!(state, CommandState::Processed, "after {what}: {note}");
    }
}

fn kinds(effects: &[Effect], kind: &str) -> usize {
    effects.iter().filter(|effect| effect.kind == kind).count()
}

const PRINTER: &str = "[device.bar]\nmews = \"Bar\"\ndriver = \"escpos\"\nlink = \"mem:bar\"\n\
    [device.bar.settings]\nwatch_s = 0\n";

async fn printer() -> (House, Arc<dyn VirtualDevice>, Uuid) {
    let mut house = House::new(PRINTER).await;
    let printer = house.simulate("escpos", "mem:bar", &[]);
    let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
    house.start_and_wait().await;
    (house, printer, device)
}

fn print_data() -> Value {
    json!({
        "CopyCount": 1, "FileType": "text/plain", "FileData": "QSBiaWxsCg==",
        "PrinterName": "Bar", "PrinterDriverName": "", "PrinterPortName": "",
    })
}

fn spoiled(mut data: Value, member: &str, value: Value) -> (String, Value) {
    let what = format!("{member} = {value:.60}");
    data[member] = value;
    (what, data)
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_print_data_prints_nothing() {
    let (mut house, printer, device) = printer().await;
    let data = print_data;
    let mut bad = vec![
        ("null".to_owned(), json!(null)),
        ("an empty object".to_owned(), json!({})),
        ("a list".to_owned(), json!([1, 2])),
        ("a text".to_owned(), json!("text")),
    ];
    bad.extend([
        spoiled(data(), "FileData", json!("%%% no base64 %%%")),
        spoiled(data(), "FileData", json!("QSBiaWxs=Cg")),
        spoiled(data(), "FileData", json!("A")),
        spoiled(data(), "FileData", json!(null)),
        spoiled(data(), "FileData", json!(12)),
        spoiled(data(), "FileData", json!("")),
        spoiled(data(), "FileData", json!("  \r\n ")),
        spoiled(data(), "FileType", json!("video/mp4")),
        spoiled(data(), "FileType", json!("application/x-msdownload")),
        spoiled(data(), "FileType", json!("")),
        spoiled(data(), "FileType", json!(null)),
        spoiled(data(), "CopyCount", json!(0)),
        spoiled(data(), "CopyCount", json!(-1)),
        spoiled(data(), "CopyCount", json!(1_000_000)),
        spoiled(data(), "CopyCount", json!(i64::MIN)),
        spoiled(data(), "CopyCount", json!(1.5)),
        spoiled(data(), "CopyCount", json!("many")),
        spoiled(data(), "CopyCount", json!(null)),
    ]);
    let count = bad.len();
    let added = |(what, data): (String, Value)| (what, house.cloud.add_raw(device, data));
    let bad = bad.into_iter().map(added).collect();
    let good = || house.cloud.add_print(device, "text/plain", b"GOODONE", 1);
    bad_then_good(&house, "Bar", bad, good).await;
    let effects = printer.effects();
    assert_eq!(kinds(&effects, "receipt"), count, "{effects:?}");
    assert!(effects.iter().all(|effect| effect.kind == "receipt"));
    assert!(
        effects
            .iter()
            .all(|effect| effect.content.contains("GOODONE"))
    );
    house.stop().await;
}

/// Text is text: what looks like a command to the printer is drawn, refused or replaced, and never
/// obeyed.
#[tokio::test(flavor = "multi_thread")]
async fn control_bytes_in_a_text_are_never_obeyed() {
    let mut house = House::new(PRINTER).await;
    let printer = house.simulate("escpos", "mem:bar", &[]);
    let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
    house.start_and_wait().await;
    // Reset, drawer, cut, real-time power off and drawer, a picture that never ends, bare controls.
    let texts: [&[u8]; 7] = [
        b"one \x1b@ two",
        b"one \x1bp\x00\x19\x19 two",
        b"one \x1dV\x00 two",
        b"one \x10\x14\x02\x01\x08 \x10\x14\x01\x00\x01 two",
        b"one \x1dv0\x00\xff\x00\xff\x00 two",
        b"\x00\x01\x02\x03\x7f\x80\xff",
        b"one \x1b=\x00 two",
    ];
    for text in texts {
        let bad = house.cloud.add_print(device, "text/plain", text, 1);
        let (state, note) = house.end(bad).await;
        let printed = state == CommandState::Processed;
        assert!(printed || is_clear(&note, "Bar"), "{text:?}: {note}");
        let before = printer.effects();
        let next = house.cloud.add_print(device, "text/plain", b"GOODONE", 1);
        let (state, note) = house.end(next).await;
        assert_eq!(state, CommandState::Processed, "{text:?}: {note}");
        let after = printer.effects();
        assert_eq!(after.len(), before.len() + 1, "{text:?}");
        let last = after.last().expect("a receipt");
        assert!(last.content.contains("GOODONE"), "{text:?}: {last:?}");
    }
    let effects = printer.effects();
    let others: Vec<_> = effects.iter().filter(|on| on.kind != "receipt").collect();
    assert!(others.is_empty(), "the printer obeyed a text: {others:?}");
    // A cut in the middle would leave two halves.
    assert!(effects.len() <= 2 * texts.len(), "{effects:?}");
    house.stop().await;
}

/// The twin: the same bytes as raw data are obeyed, so the check above sees a drawer.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_as_raw_data_open_the_drawer() {
    let (mut house, printer, device) = printer().await;
    let raw: &[u8] = b"one \x1bp\x00\x19\x19 two\n\x1dV\x00";
    let id = house
        .cloud
        .add_print(device, "application/vnd.escpos", raw, 1);
    house.end(id).await;
    let effects = printer.effects();
    assert!(effects.iter().any(|on| on.kind != "receipt"), "{effects:?}");
    house.stop().await;
}

const ENCODER: &str = "[device.encoder]\nmews = \"Encoder\"\n\
    driver = \"pms-industry-standard\"\nlink = \"mem:lock\"\n\
    [device.encoder.settings]\nprofile = \"salto\"\nencoder = \"Online Encoder\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn bad_key_data_cuts_nothing() {
    let mut house = House::new(ENCODER).await;
    let lock = house.simulate("pms-industry-standard", "mem:lock", &[("copies", "any")]);
    let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
    house.start_and_wait().await;
    let now = house.cloud.now();
    let request = |room: &str| KeyRequest {
        encoder: None,
        data_json: None,
        ..KeyRequest::new(room, now)
    };
    let data = || request("101").data();
    let mut bad = vec![
        ("null".to_owned(), json!(null)),
        ("an empty object".to_owned(), json!({})),
        ("a printer's data".to_owned(), print_data()),
    ];
    bad.extend([
        spoiled(data(), "KeyCount", json!(0)),
        spoiled(data(), "KeyCount", json!(-1)),
        spoiled(data(), "KeyCount", json!(1_000_000)),
        spoiled(data(), "KeyCount", json!(null)),
        spoiled(data(), "KeyCount", json!("two")),
        spoiled(data(), "LockIds", json!(null)),
        spoiled(data(), "LockIds", json!([])),
        spoiled(data(), "LockIds", json!([null])),
        spoiled(data(), "LockIds", json!(["1|01\u{1}\u{2}\u{3}"])),
        spoiled(data(), "LockIds", json!(["1".repeat(5_000)])),
        spoiled(data(), "StartUtc", json!("yesterday")),
        spoiled(data(), "EndUtc", json!(null)),
        spoiled(data(), "EndUtc", json!("2001-02-03T04:05:06Z")),
        spoiled(data(), "LastName", json!(null)),
    ]);
    let count = bad.len();
    let added = |(what, data): (String, Value)| (what, house.cloud.add_raw(device, data));
    let bad = bad.into_iter().map(added).collect();
    let good = || house.cloud.add_key(device, &request("204"));
    bad_then_good(&house, "Encoder", bad, good).await;
    let effects = lock.effects();
    assert_eq!(kinds(&effects, "card"), count, "{effects:?}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bills_and_data_of_another_kind_never_reach_a_fiscal_device() {
    let puppet = Puppet::new();
    let mut house = House::new(&puppet.section("fiscal", "Till", "")).await;
    let device = house.cloud.add_device(DeviceKind::FiscalMachine, "Till");
    house.start_and_wait().await;
    let bill = |member: &str, value: Value| {
        let (what, bill) = spoiled(crate::waiting::bill(&house), member, value);
        let data = json!({ "FiscalMachineId": null, "ApiUrl": null, "Bill": bill });
        (format!("Bill.{what}"), data)
    };
    let amount = |gross: Value| {
        let mut bill = crate::waiting::bill(&house);
        bill["Revenue"][0]["Amount"]["GrossValue"] = gross.clone();
        let data = json!({ "FiscalMachineId": null, "ApiUrl": null, "Bill": bill });
        (format!("a gross value of {gross}"), data)
    };
    let bad = vec![
        ("null".to_owned(), json!(null)),
        ("no bill".to_owned(), json!({ "Bill": null })),
        ("an empty bill".to_owned(), json!({ "Bill": {} })),
        ("a printer's data".to_owned(), print_data()),
        bill("Id", json!(null)),
        bill("Revenue", json!("none")),
        bill("Revenue", json!([null])),
        bill("Payments", json!([{ "Amount": "12" }])),
        amount(json!("12,50")),
        amount(json!(null)),
    ];
    let count = bad.len();
    let added = |(what, data): (String, Value)| (what, house.cloud.add_raw(device, data));
    let bad: Vec<_> = bad.into_iter().map(added).collect();
    let ids: Vec<_> = bad.iter().map(|(_, id)| *id).collect();
    let good = || house.cloud.add_fiscal(device, crate::waiting::bill(&house));
    bad_then_good(&house, "Till", bad, good).await;
    let sight = puppet.sees();
    assert_eq!(sight.made.len(), count);
    assert!(ids.iter().all(|id| !sight.given.contains(id)));
    house.stop().await;
}

/// A device whose kind in Mews is not the driver's.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_for_a_device_of_another_class_is_refused() {
    let mut house = House::new(&PRINTER.replace("Bar", "Front")).await;
    let printer = house.simulate("escpos", "mem:bar", &[]);
    for kind in [
        DeviceKind::KeyCutter,
        DeviceKind::FiscalMachine,
        DeviceKind::PaymentTerminal,
        DeviceKind::PassportScanner,
        DeviceKind::Other("CoffeeMachine".to_owned()),
    ] {
        let device = house.cloud.add_device(kind.clone(), "Front");
        house.start_and_wait().await;
        let id = match kind {
            DeviceKind::KeyCutter => {
                let key = KeyRequest::new("101", house.cloud.now());
                house.cloud.add_key(device, &key)
            }
            DeviceKind::FiscalMachine => {
                house.cloud.add_fiscal(device, crate::waiting::bill(&house))
            }
            DeviceKind::PaymentTerminal => {
                let amount = nightporter::sandbox::Amount::new("42.50", "EUR");
                house.cloud.add_payment(device, &amount)
            }
            DeviceKind::PassportScanner => house.cloud.add_scan(device, None, None),
            DeviceKind::Printer | DeviceKind::Other(_) => {
                house.cloud.add_raw(device, json!({ "Cups": 2 }))
            }
        };
        let (state, note) = house.end(id).await;
        assert_eq!(state, CommandState::Error, "{kind:?}: {note}");
        assert!(is_clear(&note, "Front"), "{kind:?}: {note}");
        house.stop().await;
        house.cloud.remove_device(device);
    }
    assert!(printer.effects().is_empty());
}

/// One command of a list is spoiled on the way; its neighbours are done, it is not begun.
#[tokio::test(start_paused = true)]
async fn a_spoiled_command_in_a_list_never_loses_its_neighbours() {
    let spoils: [(&str, &str, &str, Option<&str>); 9] = [
        ("\"Id\":\"ID\"", "\"Id\":null", "a null id", None),
        (
            "\"Id\":\"ID\"",
            "\"Id\":\"not an id\"",
            "an id that is none",
            None,
        ),
        ("\"Id\":\"ID\"", "\"Id\":[1]", "a list for an id", None),
        (
            "\"State\":\"Pending\"",
            "\"State\":\"Dreaming\"",
            "an unknown state",
            None,
        ),
        ("\"State\":\"Pending\"", "\"State\":null", "no state", None),
        (
            "\"State\":\"Pending\"",
            "\"State\":{\"a\":1}",
            "an object for a state",
            None,
        ),
        (
            "\"Type\":\"Printer\"",
            "\"Type\":null",
            "no device type",
            Some("Nothing happened"),
        ),
        (
            "\"Type\":\"Printer\"",
            "\"Type\":\"Kiosk\"",
            "an unknown device type",
            Some("Kiosk"),
        ),
        (
            "\"CreatedUtc\":\"",
            "\"CreatedUtc\":\"x",
            "a time that is none",
            Some("time of creation"),
        ),
    ];
    for (from, to, what, told) in spoils {
        let puppet = Puppet::new();
        let section = puppet.section("printer", "Bar", "");
        let mut house = House::hurried(&section, SandboxOptions::default()).await;
        let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
        let target = Arc::new(OnceLock::<Uuid>::new());
        let aim = Arc::clone(&target);
        let (from, to) = (from.to_owned(), to.to_owned());
        house.edit = Some(Arc::new(move |operation, body| {
            let Some(id) = aim.get().filter(|_| operation.contains("getA")) else {
                return body;
            };
            let from = from.replace("ID", &id.to_string());
            let parts = body.split_inclusive("},{").map(|part| {
                if part.contains(&id.to_string()) {
                    part.replacen(&from, &to, 1)
                } else {
                    part.to_owned()
                }
            });
            parts.collect()
        }));
        puppet.is(Mode::HoldBefore);
        house.start_and_wait().await;
        house.is_swept().await;
        let add = |_| {
            let new = house.cloud.print(device, "text/plain", b"a bill", 1);
            house.cloud.add(new.quiet())
        };
        let ids: Vec<Uuid> = (0..7).map(add).collect();
        target.set(ids[3]).expect("once");
        puppet.is(Mode::Good);
        house.worker().sweep();
        for id in ids.iter().filter(|id| **id != ids[3]) {
            let (state, note) = house.end(*id).await;
            assert_eq!(state, CommandState::Processed, "beside {what}: {note}");
            assert_eq!(puppet.made(*id), 1);
        }
        if let Some(told) = told {
            let (state, note) = house.end(ids[3]).await;
            assert_eq!(state, CommandState::Error, "{what}");
            assert!(
                note.contains(told) && is_clear(&note, "Bar"),
                "{what}: {note}"
            );
        } else {
            // What it is nobody can say: it is left alone, and looked at again every minute.
            tokio::time::sleep(Duration::from_secs(150)).await;
            assert_eq!(
                house.cloud.state(ids[3]),
                Some(CommandState::Pending),
                "{what}"
            );
        }
        assert!(!puppet.sees().given.contains(&ids[3]), "{what} was begun");
        // And once Mews writes it well, it is done, unless it has ended.
        house.edit = None;
        house.stop().await;
    }
}

/// The answer as a whole is none.
#[tokio::test(start_paused = true)]
async fn answers_that_are_no_json_are_asked_for_again() {
    for spoil in [
        "",
        "null",
        "[]",
        "{\"Commands\":",
        "{\"Commands\":[}]",
        "<html>",
        "\u{feff}{}",
    ] {
        let puppet = Puppet::new();
        let section = puppet.section("printer", "Bar", "");
        let mut house = House::hurried(&section, SandboxOptions::default()).await;
        let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
        let left = std::sync::atomic::AtomicUsize::new(3);
        house.edit = Some(Arc::new(move |operation, body| {
            use std::sync::atomic::Ordering::Relaxed;
            let counted = |left: usize| left.checked_sub(1);
            let now = operation.starts_with("commands/")
                && left.fetch_update(Relaxed, Relaxed, counted).is_ok();
            if now { spoil.to_owned() } else { body }
        }));
        house.start_and_wait().await;
        let id = house.cloud.add_print(device, "text/plain", b"a bill", 1);
        let ended = tokio::time::timeout(Duration::from_secs(300), house.cloud.wait_final(id));
        let state = ended
            .await
            .unwrap_or_else(|_| panic!("{spoil:?}: still open"));
        assert_eq!(
            (state, puppet.made(id)),
            (CommandState::Processed, 1),
            "{spoil:?}"
        );
        house.stop().await;
    }
}

#[cfg(unix)]
mod documents {
    use super::*;
    use crate::plant::Plant;

    /// A PDF of these objects, numbered from 1; the first one is the catalogue.
    fn pdf(objects: &[String]) -> Vec<u8> {
        let mut text = String::from("%PDF-1.4\n");
        let mut places = Vec::new();
        for (at, object) in objects.iter().enumerate() {
            places.push(text.len());
            text += &format!("{} 0 obj\n{object}\nendobj\n", at + 1);
        }
        let table = text.len();
        text += &format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
        for place in places {
            text += &format!("{place:010} 00000 n \n");
        }
        let size = objects.len() + 1;
        text += &format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
        text.into_bytes()
    }

    /// Pages of this size, each with a black box.
    fn pages(count: usize, width: u32, height: u32) -> Vec<u8> {
        let draw = format!("0 0 {width} {height} re f");
        let kids: Vec<_> = (0..count).map(|at| format!("{} 0 R", 4 + at)).collect();
        let mut objects = vec![
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            format!(
                "<< /Type /Pages /Kids [{}] /Count {count} >>",
                kids.join(" ")
            ),
            format!("<< /Length {} >>\nstream\n{draw}\nendstream", draw.len()),
        ];
        objects.extend((0..count).map(|_| {
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] \
                 /Resources << >> /Contents 3 0 R >>"
            )
        }));
        pdf(&objects)
    }

    /// A page tree that contains itself, and a form that draws itself twice.
    fn loops() -> [Vec<u8>; 2] {
        let catalogue = "<< /Type /Catalog /Pages 2 0 R >>".to_owned();
        let tree = pdf(&[
            catalogue.clone(),
            "<< /Type /Pages /Kids [2 0 R] /Count 1 >>".to_owned(),
        ]);
        let form = "<< /Type /XObject /Subtype /Form /BBox [0 0 200 200] /Resources << /XObject \
                    << /X 5 0 R >> >> /Length 11 >>\nstream\n/X Do /X Do\nendstream";
        let draws = pdf(&[
            catalogue,
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Resources << /XObject << /X \
             5 0 R >> >> /Contents 4 0 R >>"
                .to_owned(),
            "<< /Length 5 >>\nstream\n/X Do\nendstream".to_owned(),
            form.to_owned(),
        ]);
        [tree, draws]
    }

    fn peak_kib(process: u32) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let digits = line.and_then(|line| line.split_whitespace().next());
        digits
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }

    /// The real binary, since rendering is a child process of it.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_hostile_pdf_prints_nothing_and_the_next_one_does() {
        let [tree, draws] = loops();
        let whole = pages(2, 400, 400);
        let bad: Vec<(&str, Vec<u8>)> = vec![
            ("an empty document", Vec::new()),
            ("no PDF", b"<html>Sign in</html>".to_vec()),
            ("a head alone", b"%PDF-1.7\n% nothing more".to_vec()),
            ("a quarter of a PDF", whole[..whole.len() / 4].to_vec()),
            ("no page", pages(0, 200, 200)),
            ("an empty page", pages(1, 0, 0)),
            ("a page 100 m wide", pages(1, 283_465, 842)),
            ("a page 100 m long", pages(1, 200, 283_465)),
            ("10,000 pages", pages(10_000, 200, 200)),
            ("pages in a circle", tree),
            ("a form in itself", draws),
            (
                "a picture of a gigabyte",
                include_bytes!("../../drivers/escpos/tests/documents/gigabyte-image.pdf").to_vec(),
            ),
            (
                "one with a password",
                include_bytes!("../../drivers/escpos/tests/documents/user-password-r4.pdf")
                    .to_vec(),
            ),
            (
                "one with a new password",
                include_bytes!("../../drivers/escpos/tests/documents/user-password-r6.pdf")
                    .to_vec(),
            ),
        ];
        let mut plant = Plant::new(&["escpos"], 1).await;
        let device = plant.cloud.devices()[0].id;
        let mut child = plant.worker(None);
        let process = child.id().expect("it runs");
        let mut after = Vec::new();
        for (what, document) in &bad {
            let id = plant
                .cloud
                .add_print(device, "application/pdf", document, 1);
            let next = plant.order_of(0);
            within(what, plant.cloud.wait_final(id)).await;
            let note = plant.cloud.notes(id).unwrap_or_default();
            assert_eq!(
                plant.cloud.state(id),
                Some(CommandState::Error),
                "{what}: {note}"
            );
            assert!(is_clear(&note, "escpos-1"), "{what}: {note}");
            within("the next", plant.cloud.wait_final(next)).await;
            assert_eq!(
                plant.cloud.state(next),
                Some(CommandState::Processed),
                "after {what}"
            );
            after.push(format!("{what}: {note}"));
        }
        let counts = plant.judge(0).expect("only the good ones exist");
        assert_eq!(counts.processed, bad.len());
        let peak = peak_kib(process);
        assert!(peak > 0 && peak < 160 * 1024, "the worker took {peak} KiB");
        say(format_args!(
            "bad input: {} PDFs, each refused and the next command printed; the worker's memory at \
             most {} MiB\n  {}",
            bad.len(),
            peak / 1024,
            after.join("\n  ")
        ));
        child.kill().await.expect("ours");
    }

    /// What was cut off is never claimed: it is refused, or all of it could be read.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_truncated_pdf_is_refused_or_whole() {
        let plant = Plant::new(&["escpos"], 1).await;
        let device = plant.cloud.devices()[0].id;
        let mut child = plant.worker(None);
        let whole = pages(3, 400, 400);
        let rows = |at: usize| {
            let effects = plant.stations[0].device.effects();
            effects
                .get(at)
                .map(|effect| effect.facts.get("rows").cloned())
        };
        let mut printed = 0;
        for keep in (1..=10).map(|tenth| whole.len() * tenth / 10) {
            let cut = &whole[..keep];
            let id = plant.cloud.add_print(device, "application/pdf", cut, 1);
            within("the end", plant.cloud.wait_final(id)).await;
            let note = plant.cloud.notes(id).unwrap_or_default();
            if plant.cloud.state(id) == Some(CommandState::Processed) {
                printed += 1;
            } else {
                assert!(is_clear(&note, "escpos-1"), "{keep} bytes: {note}");
            }
        }
        assert!(printed >= 1, "not even the whole one");
        let wanted = rows(printed - 1).expect("the whole one");
        assert!(wanted.is_some());
        for at in 0..printed {
            assert_eq!(
                rows(at),
                Some(wanted.clone()),
                "a part was printed as a whole"
            );
        }
        child.kill().await.expect("ours");
    }
}
