//! `nightporter doctor`: everything a worker needs, tried one by one, with what to do.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use super::context::Context;
use super::exit::Exit;
use super::runtime::block_on;
use crate::admin::WRONG_CLOCK;
use crate::assemble::real_world;
use crate::clock::Clock;
use crate::config::{Config, Loaded, MewsDevice, Property};
use crate::disk;
use crate::journal::{Reader, worker_runs};
use crate::mews::budget::{Budget, Forget};
use crate::mews::clock::CloudClock;
use crate::mews::cloud::{CallError, Cloud};
use crate::mews::wire::Tokens;
use crate::supervise::World;

/// Tries everything a worker needs: names, hosts, tokens, clock, zone, ports, journal, disk
///
/// Exit 0: all good; 1: a warning; 2: something fails.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Ok,
    Warn,
    Fail,
}

struct Finding {
    grade: Grade,
    what: String,
    told: String,
}

/// The longest one look at Mews or a device takes.
const LOOK: Duration = Duration::from_secs(15);

impl Doctor {
    pub(super) fn run(self, context: &Context) -> Exit {
        let config = match context.load() {
            Ok(Loaded { config, .. }) => config,
            Err(_) => return Exit::Helper(2),
        };
        block_on(context, async {
            let mut findings = Vec::new();
            look(context, &config, &mut findings).await;
            self.tell(context, &findings);
            match findings.iter().map(|finding| finding.grade).max() {
                Some(Grade::Fail) => Exit::Helper(2),
                Some(Grade::Warn) => Exit::Failed,
                Some(Grade::Ok) | None => Exit::Done,
            }
        })
    }

    fn tell(&self, context: &Context, findings: &[Finding]) {
        for Finding { grade, what, told } in findings {
            let word = match grade {
                Grade::Ok => "ok",
                Grade::Warn => "warn",
                Grade::Fail => "fail",
            };
            if self.json {
                context
                    .out
                    .line(json!({ "check": what, "result": word, "told": told }));
            } else {
                context.out.line(format_args!("{word:6}{what}: {told}"));
            }
        }
    }
}

async fn look(context: &Context, config: &Config, findings: &mut Vec<Finding>) {
    let mut say = |grade, what: &str, told: String| {
        findings.push(Finding {
            grade,
            what: what.to_owned(),
            told,
        });
    };
    let runs = worker_runs(&config.journal.path);
    let (grade, told) = journal(&config.journal.path, runs);
    say(grade, "journal", told);
    let (grade, told) = disk_of(&config.journal.path);
    say(grade, "disk", told);
    if !runs {
        let (grade, told) = admin(config.admin.listen).await;
        say(grade, "admin", told);
    }
    if config.mews.proxy.is_none() {
        let mut hosts = vec![&config.mews.platform, &config.mews.websocket];
        hosts.dedup_by_key(|url| place(url).0);
        for url in hosts {
            let (grade, told) = name(url).await;
            say(grade, "name", told);
        }
    }
    match real_world(config) {
        Err(error) => say(Grade::Fail, "network", error.to_string()),
        Ok(world) => {
            for property in &config.properties {
                for (grade, what, told) in mews(&world, config, property, runs).await {
                    say(grade, &format!("{} {what}", property.name), told);
                }
            }
        }
    }
    for device in &config.devices {
        let what = format!("device {}", device.name);
        if runs {
            let told = "the worker holds it; see `nightporter status`";
            say(Grade::Ok, &what, told.to_owned());
            continue;
        }
        let Ok(dialer) = context.build.dials.dialer(&device.link) else {
            let (grade, told) = behind_http(&device.link).await;
            say(grade, &what, told);
            continue;
        };
        let dialled = timeout(dialer.patience(), dialer.dial()).await;
        match dialled {
            Ok(Ok(_)) => say(Grade::Ok, &what, format!("{} opens", device.link)),
            Ok(Err(cause)) => {
                let told = format!("{} does not open: {cause}", device.link);
                say(Grade::Fail, &what, told);
            }
            Err(_) => {
                let told = format!("{} does not answer; is it switched on?", device.link);
                say(Grade::Fail, &what, told);
            }
        }
    }
}

fn journal(path: &Path, runs: bool) -> (Grade, String) {
    let place = path.display();
    if path.exists() {
        return match Reader::open(path).and_then(|journal| journal.made()) {
            Ok(_) if runs => (Grade::Ok, format!("{place}; a worker runs on it")),
            Ok(_) => (Grade::Warn, format!("{place}; no worker runs on it")),
            Err(error) => (Grade::Fail, format!("{place}: {error}")),
        };
    }
    let folder = disk::made_folder_of(path);
    let writable = std::fs::metadata(folder).is_ok_and(|found| !found.permissions().readonly());
    if writable {
        let told = format!("{place} is not there yet; `nightporter run` makes it");
        (Grade::Warn, told)
    } else {
        let told = format!(
            "{} is read-only, the journal cannot be made",
            folder.display()
        );
        (Grade::Fail, told)
    }
}

/// The journal's disk: is there room, does it write, and how long does a sync take.
fn disk_of(journal: &Path) -> (Grade, String) {
    let folder = disk::made_folder_of(journal);
    // Beside a journal that is there, or where it will be.
    let journal = &folder.join(journal.file_name().unwrap_or_default());
    let folder = folder.display();
    let took = match disk::try_beside(journal) {
        Ok(took) => took,
        Err(cause) => return (Grade::Fail, format!("{folder} cannot be written: {cause}")),
    };
    let free = disk::free_beside(journal);
    let room = free.map_or_else(
        || "free space not told by this system".to_owned(),
        |free| format!("{} free", disk::amount(free)),
    );
    let told = format!("{folder}: {room}, a sync takes {} ms", took.as_millis());
    match free {
        Some(free) if free < disk::TOO_LITTLE => (Grade::Fail, format!("{told}; make room")),
        Some(free) if free < disk::LITTLE => (Grade::Warn, format!("{told}; make room")),
        Some(_) | None if took > disk::SLOW_SYNC => {
            let why = "the disk is slow, and every command waits for it";
            (Grade::Warn, format!("{told}; {why}"))
        }
        Some(_) | None => (Grade::Ok, told),
    }
}

async fn admin(listen: SocketAddr) -> (Grade, String) {
    match TcpListener::bind(listen).await {
        Ok(_) => (Grade::Ok, format!("{listen} is free")),
        Err(cause) => {
            let told = format!("{listen} cannot be opened, a free port is used then: {cause}");
            (Grade::Warn, told)
        }
    }
}

/// A device behind HTTP is not asked anything: only whether somebody listens there.
async fn behind_http(link: &str) -> (Grade, String) {
    let Ok(url) = Url::parse(link) else {
        return (Grade::Fail, format!("{link} is no address"));
    };
    let (host, port) = place(&url);
    match timeout(LOOK, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => (Grade::Ok, format!("{host}:{port} can be reached")),
        Ok(Err(cause)) => {
            let told = format!("{host}:{port} cannot be reached: {cause}");
            (Grade::Fail, told)
        }
        Err(_) => {
            let told = format!("{host}:{port} does not answer; is it switched on?");
            (Grade::Fail, told)
        }
    }
}

/// Host and port as the system's resolver takes them.
fn place(url: &Url) -> (String, u16) {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_matches(['[', ']']).to_owned();
    (host, url.port_or_known_default().unwrap_or(443))
}

async fn name(url: &Url) -> (Grade, String) {
    let (host, port) = place(url);
    let found = timeout(LOOK, lookup_host((host.as_str(), port))).await;
    let known = found.is_ok_and(|found| found.is_ok_and(|mut list| list.next().is_some()));
    if known {
        (Grade::Ok, format!("{host} is known"))
    } else {
        let told = format!("{host} is not found; check the name server of this PC");
        (Grade::Fail, told)
    }
}

async fn mews(
    world: &impl World,
    config: &Config,
    property: &Property,
    runs: bool,
) -> Vec<(Grade, &'static str, String)> {
    let clock = Clock::system();
    let (monotonic, wall, pace) = (clock.clone(), clock.clone(), clock);
    let cloud_clock = CloudClock::new(
        Arc::new(move || monotonic.monotonic()),
        Arc::new(move || wall.pc_time()),
    );
    let budget = Budget::new(Box::new(Forget), Arc::new(move || pace.pc_time()), 0);
    let tokens = Tokens {
        client: property.client_token.clone(),
        access: property.access_token.clone(),
    };
    let cloud = Cloud::new(world.post(property), tokens, budget, cloud_clock);
    let mut told = Vec::new();
    match timeout(LOOK, cloud.configuration()).await {
        Ok(Ok(found)) => {
            let enterprise = found.enterprise;
            told.push((
                Grade::Ok,
                "tokens",
                format!("accepted for {}", enterprise.name),
            ));
            let zone = enterprise.time_zone_identifier;
            let known = jiff::tz::TimeZone::get(&zone).is_ok() || property.timezone.is_some();
            let grade = if known { Grade::Ok } else { Grade::Fail };
            told.push((grade, "zone", zone));
        }
        Ok(Err(CallError::Unauthorized)) => {
            let why = "Mews refuses the tokens; check both".to_owned();
            return vec![(Grade::Fail, "tokens", why)];
        }
        Ok(Err(error)) => return vec![(Grade::Fail, "platform", error.to_string())],
        Err(_) => {
            let why = format!("{} does not answer", config.mews.platform);
            return vec![(Grade::Fail, "platform", why)];
        }
    }
    if let Some(skew) = cloud.clock().skew() {
        let wrong = skew.abs() > WRONG_CLOCK;
        let grade = if wrong { Grade::Warn } else { Grade::Ok };
        let seconds = skew.as_secs();
        told.push((
            grade,
            "clock",
            format!("this PC is {seconds} s ahead of Mews"),
        ));
    }
    if let Ok(Ok((devices, _))) = timeout(LOOK, cloud.devices()).await {
        for device in config
            .devices
            .iter()
            .filter(|d| d.property == property.name)
        {
            let there = devices.iter().any(|found| match &device.mews {
                MewsDevice::Id(id) => found.id == *id,
                MewsDevice::Name(name) => found.name.trim() == name.trim(),
            });
            let (grade, word) = if there {
                (Grade::Ok, "is in Mews")
            } else {
                (
                    Grade::Fail,
                    "is not in Mews; link it there, or correct `mews`",
                )
            };
            told.push((grade, "device", format!("{} {word}", device.mews)));
        }
    }
    // Mews gives one socket to a token: the worker's is not disturbed.
    if !runs {
        let dial = world.dial(property);
        told.push(match timeout(LOOK, dial.dial()).await {
            Ok(Ok(mut socket)) => {
                socket.close().await;
                (Grade::Ok, "socket", "opens".to_owned())
            }
            Ok(Err(error)) => (Grade::Fail, "socket", error.to_string()),
            Err(_) => (Grade::Fail, "socket", "does not answer".to_owned()),
        });
    }
    told
}
