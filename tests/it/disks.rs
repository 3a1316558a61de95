//! A disk that is full, read-only, failing or slow, before, in and after the work: no device is
//! touched without an intent that is on the disk, the worker says what is the matter, and it goes
//! on by itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driver_sdk::clock::now;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nightporter::admin::Status;
use nightporter::journal::{Disk, Durability, Reader};
use nightporter::life::{OutcomeKind, Stage};
use nightporter::sandbox::{CommandState, DeviceKind, Fault, FaultKind, SandboxOptions};
use rusqlite::ffi;
use tokio::time::sleep;
use uuid::Uuid;

use crate::house::House;
use crate::plant::say;
use crate::puppet::{Mode, Puppet};

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ill {
    Full,
    ReadOnly,
    Failing,
    /// Only what is synced fails.
    FailingToSync,
    /// Only what is not synced fails.
    FailingToNote,
    /// A sync takes so long.
    Slow(Duration),
}

#[derive(Debug, Default)]
struct State {
    ill: Option<Ill>,
    refused: usize,
    synced: bool,
}

#[derive(Debug, Default)]
struct SickDisk(Mutex<State>);

impl SickDisk {
    fn edit<T>(&self, edit: impl FnOnce(&mut State) -> T) -> T {
        edit(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is(&self, ill: Option<Ill>) {
        self.edit(|state| state.ill = ill);
    }
}

/// The worker's end of it.
struct Platter(Arc<SickDisk>);

impl Disk for Platter {
    fn asked(&self) -> BoxFuture<'static, ()> {
        std::future::ready(()).boxed()
    }

    fn writes(&self, durability: Durability) -> Result<(), rusqlite::Error> {
        let synced = durability == Durability::Synced;
        self.0.edit(|state| {
            let code = match state.ill {
                Some(Ill::Full) => ffi::SQLITE_FULL,
                Some(Ill::ReadOnly) => ffi::SQLITE_READONLY,
                Some(Ill::Failing) => ffi::SQLITE_IOERR,
                Some(Ill::FailingToSync) if synced => ffi::SQLITE_IOERR_FSYNC,
                Some(Ill::FailingToNote) if !synced => ffi::SQLITE_IOERR_WRITE,
                Some(Ill::FailingToSync | Ill::FailingToNote | Ill::Slow(_)) | None => {
                    state.synced |= synced;
                    return Ok(());
                }
            };
            state.refused += 1;
            Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
        })
    }

    fn answers(&self) -> BoxFuture<'static, ()> {
        let wait = self.0.edit(|state| match state.ill {
            Some(Ill::Slow(wait)) if std::mem::take(&mut state.synced) => wait,
            Some(_) | None => {
                state.synced = false;
                Duration::ZERO
            }
        });
        async move {
            if !wait.is_zero() {
                sleep(wait).await;
            }
        }
        .boxed()
    }
}

struct Desk {
    house: House,
    puppet: Puppet,
    device: Uuid,
    disk: Arc<SickDisk>,
}

/// A device whose every beginning is witnessed: the row says committed in the file, and the disk
/// had its time for the sync.
async fn desk(kind: &str, more: &str, sync: Duration) -> Desk {
    let puppet = Puppet::new();
    let section = puppet.section(kind, "Bar", more);
    let mut house = House::hurried(&section, SandboxOptions::default()).await;
    let class = if kind == "printer" {
        DeviceKind::Printer
    } else {
        DeviceKind::KeyCutter
    };
    let device = house.cloud.add_device(class, "Bar");
    let disk = Arc::new(SickDisk::default());
    house.disk = Some(Arc::new(Platter(disk.clone())));
    let journal = house.journal();
    let (cloud_then, then) = (house.cloud.now(), now());
    puppet.is_watched_by(Arc::new(move |id| {
        let reader = Reader::open(&journal).expect("it is there");
        let row = reader.find(&id.to_string()).expect("it can be read").pop();
        let Some(row) = row.filter(|row| matches!(row.entry.stage, Stage::Committed { .. })) else {
            return false;
        };
        // The worker knows Mews' time to the second.
        let slack = Duration::from_secs(1);
        let at = row.committed_at.expect("it is committed");
        cloud_then + (now() - then) + slack >= at + sync
    }));
    house.start_and_wait().await;
    house.is_swept().await;
    Desk {
        house,
        puppet,
        device,
        disk,
    }
}

impl Desk {
    fn order(&self, count: usize) -> Vec<Uuid> {
        let add = |_| {
            self.house
                .cloud
                .add_print(self.device, "text/plain", b"a bill", 1)
        };
        (0..count).map(add).collect()
    }

    async fn status(&self) -> Status {
        Status::look(self.house.worker(), &self.house.journal()).await
    }

    /// `status` says it: not ready, why, and that no device is touched.
    async fn says_so(&self) {
        let status = self.status().await;
        let why = status.readiness.why_not.join("; ");
        assert!(!status.readiness.ready, "it calls itself ready");
        assert!(why.contains("no device is touched"), "{why}");
        let fault = status.journal.fault.unwrap_or_default();
        assert!(!fault.is_empty() && status.journal.since.is_some());
    }

    /// It goes on by itself: all are done, each once, within 15 s.
    async fn goes_on(&self, what: &str, ids: &[Uuid]) -> Duration {
        let begun = now();
        let ended = self.house.cloud.wait_all_final(ids);
        let bar = Duration::from_secs(15);
        let ended = tokio::time::timeout(bar, ended).await;
        assert!(ended.is_ok(), "{what}: not all ended within {bar:?}");
        let took = now() - begun;
        for id in ids {
            let note = self.house.cloud.notes(*id);
            let state = self.house.cloud.state(*id);
            assert_eq!(state, Some(CommandState::Processed), "{what}: {note:?}");
            assert_eq!(self.puppet.made(*id), 1, "{what}");
        }
        self.nothing_unwitnessed();
        assert!(self.status().await.readiness.ready, "{what}");
        took
    }

    fn nothing_unwitnessed(&self) {
        let bare = self.puppet.sees().unwitnessed;
        assert!(
            bare.is_empty(),
            "begun without an intent on the disk: {bare:?}"
        );
    }

    fn refused(&self) -> usize {
        self.disk.edit(|state| state.refused)
    }
}

const AT_ONCE: Duration = Duration::ZERO;
const ALL: [Ill; 3] = [Ill::Full, Ill::ReadOnly, Ill::Failing];

#[tokio::test(start_paused = true)]
async fn a_disk_that_takes_nothing_when_commands_come_means_that_nothing_is_touched() {
    for ill in ALL {
        let mut desk = desk("printer", "", AT_ONCE).await;
        desk.disk.is(Some(ill));
        let ids = desk.order(10);
        sleep(Duration::from_secs(303)).await;
        assert!(desk.puppet.sees().given.is_empty(), "{ill:?}: touched");
        let pending = |id: &Uuid| desk.house.cloud.state(*id) == Some(CommandState::Pending);
        assert!(ids.iter().all(pending), "{ill:?}: something was told");
        desk.says_so().await;
        assert!(desk.refused() >= 10, "{ill:?}: it was not even tried");
        desk.disk.is(None);
        let took = desk.goes_on(&format!("{ill:?} at accept"), &ids).await;
        say(format_args!(
            "disk: {ill:?} for 303 s when 10 commands came: nothing touched, said so; all done \
             {took:.1?} after it was well"
        ));
        desk.house.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_takes_no_commit_means_that_nothing_is_begun() {
    for ill in [Ill::Full, Ill::ReadOnly, Ill::Failing, Ill::FailingToSync] {
        let mut desk = desk("printer", "", AT_ONCE).await;
        desk.puppet.is(Mode::HoldBefore);
        let ids = desk.order(5);
        let queued = |_: &_| ids.iter().all(|id| desk.house.row(*id).is_some());
        desk.house.until("the queue", queued).await;
        desk.disk.is(Some(ill));
        desk.puppet.is(Mode::Good);
        sleep(Duration::from_millis(20_700)).await;
        assert!(desk.puppet.sees().begun.is_empty(), "{ill:?}: begun");
        assert!(!desk.puppet.sees().given.is_empty());
        desk.says_so().await;
        desk.disk.is(None);
        let took = desk.goes_on(&format!("{ill:?} at commit"), &ids).await;
        say(format_args!(
            "disk: {ill:?} for 20 s at commit: nothing begun, said so; all done {took:.1?} after \
             it was well"
        ));
        desk.house.stop().await;
    }
}

/// It was heard, and it holds, though Mews cannot be asked again either.
#[tokio::test(start_paused = true)]
async fn a_cancel_that_the_disk_could_not_note_holds() {
    let mut desk = desk("printer", "", AT_ONCE).await;
    desk.puppet.is(Mode::HoldBefore);
    let ids = desk.order(2);
    let queued = |_: &_| ids.iter().all(|id| desk.house.row(*id).is_some());
    desk.house.until("the queue", queued).await;
    let mut followed = desk.house.worker().outside("main").expect("its property");
    desk.disk.is(Some(Ill::Failing));
    assert!(desk.house.cloud.cancel(ids[1]));
    followed.recv().await.expect("the cancel is heard");
    for operation in ["commands/getAllActive", "commands/getAllByIds"] {
        let ill = Fault::new(FaultKind::Status(503));
        desk.house.cloud.switch_on(ill.on(operation));
    }
    let row = desk.house.row(ids[1]).expect("known");
    assert!(!row.entry.cancel_requested, "the disk took it");
    desk.disk.is(None);
    desk.puppet.is(Mode::Good);
    let ended = |_: &_| {
        desk.house
            .row(ids[1])
            .is_some_and(|row| row.outcome.is_some())
    };
    desk.house.until("the cancelled one has ended", ended).await;
    assert_eq!(desk.puppet.sees().given, [ids[0]]);
    let outcome = desk.house.row(ids[1]).and_then(|row| row.outcome);
    assert_eq!(outcome.expect("ended").kind, OutcomeKind::Cancelled);
    desk.house.stop().await;
}

/// Longer than a command may wait for its device: it ends, and the clerk reads why.
#[tokio::test(start_paused = true)]
async fn a_disk_that_stays_ill_ends_what_waits_and_says_that_nothing_happened() {
    let mut desk = desk("printer", "operator_wait_s = 60", AT_ONCE).await;
    desk.puppet.is(Mode::HoldBefore);
    let ids = desk.order(3);
    let queued = |_: &_| ids.iter().all(|id| desk.house.row(*id).is_some());
    desk.house.until("the queue", queued).await;
    desk.disk.is(Some(Ill::FailingToSync));
    desk.puppet.is(Mode::Good);
    sleep(Duration::from_secs(600)).await;
    assert!(desk.puppet.sees().begun.is_empty());
    desk.disk.is(None);
    for id in &ids {
        let (state, note) = desk.house.end(*id).await;
        assert_eq!(
            (state, desk.puppet.made(*id)),
            (CommandState::Error, 0),
            "{note}"
        );
        assert!(note.contains("othing"), "{note}");
    }
    let next = desk.order(1);
    desk.goes_on("the next", &next).await;
    desk.house.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_cannot_be_written_is_kept_and_told_later() {
    for kind in ["printer", "key"] {
        for ill in ALL {
            let mut desk = desk(kind, "", AT_ONCE).await;
            desk.puppet.is(Mode::HoldAfter);
            let id = if kind == "printer" {
                desk.order(1)[0]
            } else {
                let key = nightporter::sandbox::KeyRequest::new("204", desk.house.cloud.now());
                desk.house.cloud.add_key(desk.device, &key)
            };
            desk.puppet.until(|sight| sight.begun == [id]).await;
            desk.disk.is(Some(ill));
            desk.puppet.is(Mode::Good);
            sleep(Duration::from_secs(1_200)).await;
            assert_eq!(desk.puppet.made(id), 1);
            let open = desk
                .house
                .cloud
                .state(id)
                .is_some_and(|state| !state.is_final());
            assert!(open, "{ill:?}: told before it was written");
            desk.says_so().await;
            desk.disk.is(None);
            desk.goes_on(&format!("{ill:?} at settle of a {kind}"), &[id])
                .await;
            desk.house.stop().await;
        }
    }
    say(format_args!(
        "disk: full, read-only, failing for 20 min at settle: the outcome was kept and told after"
    ));
}

/// The outcome is on the disk, and that it is about to be told cannot be noted.
#[tokio::test(start_paused = true)]
async fn a_report_that_cannot_be_noted_waits_for_the_disk() {
    let mut desk = desk("printer", "", AT_ONCE).await;
    desk.puppet.is(Mode::HoldAfter);
    let ids = desk.order(1);
    desk.puppet.until(|sight| sight.begun == ids).await;
    desk.disk.is(Some(Ill::FailingToNote));
    desk.puppet.is(Mode::Good);
    sleep(Duration::from_millis(30_700)).await;
    let row = desk.house.row(ids[0]).expect("known");
    assert!(
        matches!(row.entry.stage, Stage::Settled(_)),
        "{:?}",
        row.entry.stage
    );
    assert!(
        !desk
            .house
            .cloud
            .state(ids[0])
            .is_some_and(CommandState::is_final)
    );
    desk.disk.is(None);
    let begun = now();
    let bar = Duration::from_secs(60);
    let told = tokio::time::timeout(bar, desk.house.cloud.wait_final(ids[0])).await;
    assert_eq!(told.expect("told"), CommandState::Processed);
    say(format_args!(
        "disk: a report that could not be noted was told {:.1?} after the disk was well",
        now() - begun
    ));
    desk.house.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_sync_is_waited_for_before_anything_is_begun() {
    let slow = Duration::from_secs(5);
    let mut desk = desk("printer", "", slow).await;
    desk.disk.is(Some(Ill::Slow(slow)));
    let begun = now();
    let ids = desk.order(10);
    desk.puppet.until(|sight| !sight.begun.is_empty()).await;
    let first = now() - begun;
    assert!(first >= slow, "begun after {first:?}");
    let bar = Duration::from_secs(180);
    let all = tokio::time::timeout(bar, desk.house.cloud.wait_all_final(&ids)).await;
    assert!(all.is_ok(), "not all ended within {bar:?}");
    assert!(ids.iter().all(|id| desk.puppet.made(*id) == 1));
    desk.nothing_unwitnessed();
    say(format_args!(
        "disk: 5 s a sync: 10 commands, the first begun after {first:.1?}, all done after {:.1?}",
        now() - begun
    ));
    desk.house.stop().await;
}

/// The disk comes and goes at random while commands come: each is done once, or an error that is
/// true.
#[tokio::test(start_paused = true)]
async fn a_disk_that_comes_and_goes_loses_and_repeats_nothing() {
    let mut desk = desk("printer", "", AT_ONCE).await;
    let mut random = fastrand::Rng::with_seed(17);
    let mut ids = Vec::new();
    for _ in 0..150 {
        let ill = match random.u8(0..7) {
            0 => Some(Ill::Full),
            1 => Some(Ill::ReadOnly),
            2 => Some(Ill::FailingToSync),
            3 => Some(Ill::FailingToNote),
            4 => Some(Ill::Slow(Duration::from_millis(700))),
            _ => None,
        };
        desk.disk.is(ill);
        ids.extend(desk.order(random.usize(0..3)));
        sleep(Duration::from_millis(random.u64(0..1_500))).await;
    }
    desk.disk.is(None);
    let bar = Duration::from_secs(120);
    let all = tokio::time::timeout(bar, desk.house.cloud.wait_all_final(&ids)).await;
    assert!(all.is_ok(), "not all ended within {bar:?}");
    let mut done = 0;
    for id in &ids {
        let is_done = desk.house.cloud.state(*id) == Some(CommandState::Processed);
        done += usize::from(is_done);
        let note = desk.house.cloud.notes(*id);
        assert_eq!(desk.puppet.made(*id), usize::from(is_done), "{note:?}");
    }
    desk.nothing_unwitnessed();
    assert!(desk.refused() > 20 && done * 10 > ids.len() * 9);
    say(format_args!(
        "disk: coming and going 150 times, {} writes refused: {done} of {} commands done once, \
         the others truly not",
        desk.refused(),
        ids.len()
    ));
    desk.house.stop().await;
}

/// The real binary on a real file system that fails: the system lets it write no file any more.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_may_write_no_file_touches_no_device_and_goes_on_by_itself() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    let mut plant = crate::plant::Plant::new(&["escpos"], 1).await;
    let config = plant.folder.path().join("nightporter.toml");
    let tokens = [
        plant.cloud.client_token().to_owned(),
        plant.cloud.access_token(),
    ];
    let run = |words: &[&str]| {
        // A write beyond the limit is an error only for who does not die of its signal.
        let mut command = tokio::process::Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" --config \"$@\""])
            .arg(env!("CARGO_BIN_EXE_nightporter"))
            .arg(&config)
            .args(words)
            .env("CLIENT", &tokens[0])
            .env("ACCESS", &tokens[1])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true);
        command
    };
    let mut worker = run(&["run"]).spawn().expect("a shell");
    let process = worker.id().and_then(|id| i32::try_from(id).ok());
    let process = process.and_then(Pid::from_raw).expect("it runs");
    let first = plant.order_of(0);
    crate::house::within("the first", plant.cloud.wait_final(first)).await;
    let files = |most: Option<u64>| {
        let limit = Rlimit {
            current: most,
            maximum: None,
        };
        prlimit(Some(process), Resource::Fsize, limit).expect("it is ours");
    };
    let status = |command: tokio::process::Command| async move {
        let mut command = command;
        let told = crate::house::within("status", command.output()).await;
        String::from_utf8_lossy(&told.expect("it ends").stdout).into_owned()
    };
    files(Some(0));
    let second = plant.order_of(0);
    let says = async {
        while !status(run(&["status"]))
            .await
            .contains("no device is touched")
        {
            sleep(Duration::from_millis(100)).await;
        }
    };
    crate::house::within("status says so", says).await;
    sleep(Duration::from_secs(2)).await;
    let made = plant.stations[0].device.effects().len();
    assert_eq!(
        made, plant.stations[0].orders[0].count,
        "a device was touched"
    );
    assert_eq!(plant.cloud.state(second), Some(CommandState::Pending));
    files(None);
    let begun = now();
    crate::house::within("the second", plant.cloud.wait_final(second)).await;
    let took = now() - begun;
    let counts = plant.judge(0).expect("each exists once");
    assert_eq!(counts.processed, 2);
    let told = status(run(&["status"])).await;
    assert!(!told.contains("no device is touched"), "{told}");
    say(format_args!(
        "disk: the real worker without the right to write: nothing touched, status said so; done \
         {took:.1?} after it could write again"
    ));
    worker.kill().await.expect("ours");
}

/// The twin: a device that begins before its commit is found out by the witness.
#[tokio::test(start_paused = true)]
async fn a_device_that_begins_before_its_commit_is_found_out() {
    let mut desk = desk("printer", "", AT_ONCE).await;
    desk.puppet.is(Mode::Hasty);
    let ids = desk.order(1);
    desk.house.end(ids[0]).await;
    assert_eq!(desk.puppet.sees().unwitnessed, ids);
    desk.house.stop().await;
}
