//! What is kept and for how long: payloads until Mews has confirmed, ids for `keep_days`, and the
//! bytes on the disk, counted over weeks of commands.

use std::path::Path;
use std::time::Duration;

use nightporter::sandbox::{CommandState, DeviceKind, SandboxOptions};
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use crate::house::House;
use crate::plant::say;
use crate::puppet::{Mode, Puppet};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// A bill of 20 kB.
static BILL: [u8; 20_000] = [b'x'; 20_000];

async fn house(keep_days: u32) -> (House, Puppet, Uuid) {
    let puppet = Puppet::new();
    let section = puppet.section("printer", "Bar", "");
    let mut house = House::hurried(&section, SandboxOptions::default()).await;
    house.keep_days = Some(keep_days);
    let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
    (house, puppet, device)
}

/// Bytes of the journal and its log, and the payload files with their bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Bytes {
    journal: u64,
    log: u64,
    payload_files: usize,
    payloads: u64,
}

fn size(path: &str) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

fn bytes(journal: &Path) -> Bytes {
    let journal = journal.display().to_string();
    let folder = std::fs::read_dir(format!("{journal}.payloads")).expect("it is there");
    let files: Vec<_> = folder.map(|entry| entry.expect("a file").path()).collect();
    Bytes {
        journal: size(&journal),
        log: size(&format!("{journal}-wal")),
        payload_files: files.len(),
        payloads: files
            .iter()
            .map(|path| size(&path.display().to_string()))
            .sum(),
    }
}

/// So many commands of 20 kB, and waits until Mews has all of them.
async fn work(house: &House, puppet: &Puppet, device: Uuid, count: usize) -> Vec<Uuid> {
    let add = |_| house.cloud.add_print(device, "text/plain", &BILL, 1);
    let ids: Vec<Uuid> = (0..count).map(add).collect();
    let bar = Duration::from_secs(300);
    let ended = tokio::time::timeout(bar, house.cloud.wait_all_final(&ids)).await;
    assert!(ended.is_ok(), "not all ended within {bar:?}");
    assert!(ids.iter().all(|id| puppet.made(*id) == 1));
    ids
}

/// Days of a hotel: a worker that is started in the morning and stopped after the day's work.
/// Gives the bytes at each evening and the ids of each day.
async fn days(keep_days: u32, days: usize, a_day: usize) -> (House, Vec<Bytes>, Vec<Vec<Uuid>>) {
    let (mut house, puppet, device) = house(keep_days).await;
    let (mut evenings, mut ids) = (Vec::new(), Vec::new());
    for _ in 0..days {
        house.start_and_wait().await;
        ids.push(work(&house, &puppet, device, a_day).await);
        // The last confirmations are written down.
        sleep(Duration::from_secs(5)).await;
        evenings.push(bytes(&house.journal()));
        house.stop().await;
        sleep(DAY).await;
    }
    (house, evenings, ids)
}

#[tokio::test(start_paused = true)]
async fn the_journal_does_not_grow_without_bound() {
    let (house, evenings, ids) = days(7, 30, 60).await;
    // Payloads go with the confirmation, every evening.
    assert!(evenings.iter().all(|evening| evening.payload_files == 0));
    // From the ninth day on as many go as come.
    let early = evenings[8..12]
        .iter()
        .map(|on| on.journal)
        .max()
        .expect("4");
    let late = evenings[12..]
        .iter()
        .map(|on| on.journal)
        .max()
        .expect("18");
    assert!(late <= early + early / 10, "{early} bytes, then {late}");
    let log = evenings.iter().map(|on| on.log).max().expect("30");
    assert!(log < 8 << 20, "the log has {log} bytes");
    // Ids are kept for their days, and no longer.
    let known = |day: &Vec<Uuid>| day.iter().filter(|id| house.row(**id).is_some()).count();
    let kept: Vec<_> = ids.iter().map(known).collect();
    assert!(kept[23..].iter().all(|count| *count == 60), "{kept:?}");
    assert!(kept[..21].iter().all(|count| *count == 0), "{kept:?}");
    say(format_args!(
        "retention: 30 days of 60 commands of 20 kB, kept 7 days: the journal at most {early} \
         bytes on days 9 to 12 and {late} on days 13 to 30, its log at most {log}; no payload \
         left on any evening"
    ));
}

/// The twin: without the purge the same count finds the growth.
#[tokio::test(start_paused = true)]
async fn a_journal_that_keeps_everything_is_seen_to_grow() {
    let (_, evenings, _) = days(3_650, 30, 60).await;
    let early = evenings[8..12]
        .iter()
        .map(|on| on.journal)
        .max()
        .expect("4");
    let late = evenings[12..]
        .iter()
        .map(|on| on.journal)
        .max()
        .expect("18");
    assert!(late > 2 * early, "{early} bytes, then {late}");
}

/// A worker that goes on running purges by itself, every hour.
#[tokio::test(start_paused = true)]
async fn a_running_worker_purges_every_hour() {
    let (mut house, puppet, device) = house(7).await;
    house.start_and_wait().await;
    let ids = work(&house, &puppet, device, 20).await;
    sleep(Duration::from_secs(5)).await;
    house.stop().await;
    let hours = |hours: u32| Duration::from_secs(3_600) * hours;
    sleep(7 * DAY - hours(6)).await;
    house.start_and_wait().await;
    sleep(hours(5)).await;
    assert!(ids.iter().all(|id| house.row(*id).is_some()), "too early");
    sleep(hours(3)).await;
    assert!(ids.iter().all(|id| house.row(*id).is_none()), "not purged");
    house.stop().await;
}

/// While a command is open, and while its report is owed, its payload stays; an id that is kept is
/// never done again, however often and late it is announced.
#[tokio::test(start_paused = true)]
async fn a_payload_stays_until_it_is_confirmed_and_an_id_longer() {
    let (mut house, puppet, device) = house(7).await;
    house.start_and_wait().await;
    house.is_swept().await;
    puppet.is(Mode::HoldAfter);
    let id = house.cloud.add_print(device, "text/plain", &BILL, 1);
    puppet.until(|sight| sight.begun == [id]).await;
    let open = bytes(&house.journal());
    assert!(
        open.payload_files > 0 && open.payloads >= 20_000,
        "{open:?}"
    );
    let ill = nightporter::sandbox::FaultKind::Status(503);
    let ill = nightporter::sandbox::Fault::new(ill).on("commands/update");
    house.cloud.switch_on(ill);
    puppet.is(Mode::Good);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(puppet.made(id), 1);
    assert_eq!(bytes(&house.journal()).payload_files, open.payload_files);
    house.cloud.clear_faults();
    let (state, _) = house.end(id).await;
    assert_eq!(state, CommandState::Processed);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(bytes(&house.journal()).payload_files, 0);
    for _ in 0..6 {
        sleep(DAY).await;
        let again = json!([{ "Type": "DeviceCommand", "Id": id, "State": "Pending" }]);
        house.cloud.push_events(again);
        sleep(Duration::from_secs(60)).await;
        assert!(house.row(id).is_some());
    }
    assert_eq!(puppet.sees().given, [id], "it was begun again");
    house.stop().await;
}

/// What is kept is counted by the cloud's clock alone: a PC that believes in a year to come forgets
/// nothing while Mews cannot tell it better.
#[tokio::test(start_paused = true)]
async fn a_clock_that_runs_ahead_ends_nothing_that_is_kept() {
    let (mut house, puppet, device) = house(7).await;
    house.start_and_wait().await;
    let ids = work(&house, &puppet, device, 1).await;
    house.stop().await;
    let ahead = house.cloud.now() + 365 * DAY;
    house.clock = Some(nightporter::clock::Clock::following_tokio(ahead));
    let ill = nightporter::sandbox::FaultKind::Status(503);
    house.cloud.switch_on(nightporter::sandbox::Fault::new(ill));
    house.start();
    sleep(Duration::from_secs(7_200)).await;
    assert!(house.row(ids[0]).is_some(), "it was forgotten");
    house.cloud.clear_faults();
    sleep(Duration::from_secs(7_200)).await;
    assert!(house.row(ids[0]).is_some(), "it is two hours old");
    house.stop().await;
}
