//! A cloud that misbehaves: every command ends all the same, once, at a pace Mews can bear. In
//! virtual time, but for a few over a real network.

use std::time::Duration;

use nightporter::sandbox::{
    CommandState, DeviceKind, Fault, FaultKind, Hotel, RequestSeen, RetryAfter, SandboxOptions,
};
use tokio::time::sleep;
use uuid::Uuid;

use crate::house::{House, within};
use crate::plant::{load, say};
use crate::puppet::{Mode, Puppet};

const DEVICES: usize = 8;

struct Town {
    house: House,
    puppets: Vec<Puppet>,
    devices: Vec<Uuid>,
}

/// Eight printers. With `air` there is no network between, and time may be virtual.
async fn town(air: bool, options: SandboxOptions) -> Town {
    seeded(air, options, 7).await
}

/// The same with other jitters.
async fn seeded(air: bool, options: SandboxOptions, seed: u64) -> Town {
    let puppets: Vec<_> = (0..DEVICES).map(|_| Puppet::new()).collect();
    let name = |at: usize| format!("P{at}");
    let section = |(at, puppet): (usize, &Puppet)| puppet.section("printer", &name(at), "");
    let sections: String = puppets.iter().enumerate().map(section).collect();
    let mut house = if air {
        House::hurried(&sections, options).await
    } else {
        House::with(&sections, options).await
    };
    house.seed = seed;
    let devices = (0..DEVICES)
        .map(|at| house.cloud.add_device(DeviceKind::Printer, &name(at)))
        .collect();
    house.start_and_wait().await;
    Town {
        house,
        puppets,
        devices,
    }
}

impl Town {
    fn order(&self, commands: usize) -> Vec<Uuid> {
        let add = |at: usize| {
            let device = self.devices[at % DEVICES];
            self.house
                .cloud
                .add_print(device, "text/plain", b"a bill", 1)
        };
        (0..commands).map(add).collect()
    }

    fn made(&self, id: Uuid) -> usize {
        self.puppets.iter().map(|puppet| puppet.made(id)).sum()
    }

    fn met(&self) -> u64 {
        self.house.cloud.faults().iter().map(|fault| fault.2).sum()
    }

    /// All end within the bar after the faults' end, each made once, and never above the limit.
    async fn all_end(&self, what: &str, ids: &[Uuid]) -> Result<(), String> {
        let cloud = &self.house.cloud;
        let open = |id: &&Uuid| !cloud.state(**id).is_some_and(CommandState::is_final);
        let left = ids.iter().filter(open).count();
        let bar = Duration::from_secs(60 + 30 * (left as u64 / 170));
        let begun = driver_sdk::clock::now();
        let ended = tokio::time::timeout(bar, cloud.wait_all_final(ids)).await;
        let still = ids.iter().filter(open).count();
        if ended.is_err() {
            return Err(format!("{still} of {left} open {bar:?} after the faults"));
        }
        let took = driver_sdk::clock::now() - begun;
        for id in ids {
            let (state, note) = (cloud.state(*id), cloud.notes(*id));
            if state != Some(CommandState::Processed) {
                return Err(format!("{id} ended as {state:?}: {note:?}"));
            }
            if self.made(*id) != 1 {
                return Err(format!("{id} was made {} times", self.made(*id)));
            }
        }
        let most = cloud.max_in_window();
        if most > 200 {
            return Err(format!("{most} requests in 30 s"));
        }
        say(format_args!(
            "cloud faults: {what}: {} commands, {left} open at the end of the faults, all ended \
             {took:.1?} later (bar {bar:?}), at most {most} requests in 30 s",
            ids.len()
        ));
        Ok(())
    }
}

/// Commands of one test: a thousand in CI.
fn commands() -> usize {
    load("NIGHTPORTER_COMMANDS", 200)
}

/// Requests in the worst 7 s.
fn worst_seven(requests: &[RequestSeen]) -> usize {
    let count = |first: &RequestSeen| {
        let within = |seen: &&RequestSeen| {
            seen.at >= first.at && seen.at - first.at < Duration::from_secs(7)
        };
        requests.iter().filter(within).count()
    };
    requests.iter().map(count).max().unwrap_or_default()
}

/// One fault on every n-th request for 20 s, while the commands come; then it is over.
async fn storm(what: &str, kind: FaultKind, every: u32) {
    let town = town(true, SandboxOptions::default()).await;
    town.house.cloud.switch_on(Fault::new(kind).every(every));
    let ids = town.order(commands());
    sleep(Duration::from_secs(20)).await;
    let met = town.met();
    assert!(met >= 2, "{what}: met {met} times");
    town.house.cloud.clear_faults();
    let what = format!("{what}, met {met} times");
    town.all_end(&what, &ids).await.expect("the bar");
}

#[tokio::test(start_paused = true)]
async fn late_answers_lose_nothing() {
    storm(
        "a delay of 4 s",
        FaultKind::Delay(Duration::from_secs(4)),
        1,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn resets_lose_nothing() {
    storm("reset", FaultKind::Reset, 2).await;
}

#[tokio::test(start_paused = true)]
async fn half_a_body_loses_nothing() {
    storm("half a body", FaultKind::HalfBody, 2).await;
}

#[tokio::test(start_paused = true)]
async fn lost_answers_are_settled_by_reading_back_and_nothing_is_done_twice() {
    storm("lost answers", FaultKind::LostAnswer, 2).await;
}

#[tokio::test(start_paused = true)]
async fn no_answer_at_all_loses_nothing() {
    storm("no answer", FaultKind::NoAnswer, 3).await;
}

#[tokio::test(start_paused = true)]
async fn server_errors_lose_nothing() {
    storm("503", FaultKind::Status(503), 2).await;
    storm("500, all of them", FaultKind::Status(500), 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_time_out_of_the_server_loses_nothing() {
    storm("408", FaultKind::Status(408), 3).await;
    storm("408, all of them", FaultKind::Status(408), 1).await;
}

#[tokio::test(start_paused = true)]
async fn conflicts_lose_nothing() {
    storm("409", FaultKind::Status(409), 3).await;
    storm("409, all of them", FaultKind::Status(409), 1).await;
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_proxy_lose_nothing() {
    storm("HTML with 502", FaultKind::Html(502), 2).await;
    storm("HTML with 200", FaultKind::Html(200), 3).await;
}

#[tokio::test(start_paused = true)]
async fn many_429_lose_nothing() {
    let says = [
        RetryAfter::Absent,
        RetryAfter::Seconds(Some(2)),
        RetryAfter::Date(Some(3)),
    ];
    for say in says {
        storm(&format!("429 {say:?}"), FaultKind::TooMany(say), 5).await;
    }
}

/// One 429: nobody asks again before its time.
async fn too_many(what: &str, retry_after: RetryAfter, pause: Duration) {
    let town = town(true, SandboxOptions::default()).await;
    let fault = Fault::new(FaultKind::TooMany(retry_after)).times(1);
    town.house.cloud.switch_on(fault.on("commands/getAllByIds"));
    let ids = town.order(16);
    let is_refused = |seen: &RequestSeen| seen.status == Some(429);
    let refused = |hotel: &Hotel| hotel.requests().iter().any(is_refused);
    within("the 429", town.house.cloud.wait_until(refused)).await;
    town.all_end(what, &ids).await.expect("the bar");
    let requests = town.house.cloud.requests();
    let at = requests.iter().position(is_refused).expect("seen");
    let gap = requests[at + 1].at - requests[at].at;
    assert!(gap >= pause, "{what}: asked again after {gap:?}");
    // Then one at a time, until 30 s have passed without another.
    let quiet = requests[at + 1..]
        .iter()
        .take_while(|seen| seen.at - requests[at].at < pause + Duration::from_secs(30));
    assert!(quiet.clone().count() > 3);
    assert!(quiet.into_iter().all(|seen| seen.in_flight == 1), "{what}");
}

#[tokio::test(start_paused = true)]
async fn a_429_stops_everybody_for_the_time_it_says() {
    let seconds = RetryAfter::Seconds(Some(7));
    too_many("429, 7 s", seconds, Duration::from_secs(7)).await;
}

#[tokio::test(start_paused = true)]
async fn a_429_with_a_date_stops_everybody_until_then() {
    // A date has whole seconds: up to one less remains.
    let date = RetryAfter::Date(Some(8));
    too_many("429, a date in 8 s", date, Duration::from_secs(7)).await;
}

#[tokio::test(start_paused = true)]
async fn a_429_without_a_time_stops_everybody_for_a_while() {
    // Ours begins with half a second to a second.
    let half = Duration::from_millis(500);
    too_many("429, no time", RetryAfter::Absent, half).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_seven_seconds_costs_at_most_thirty_requests() {
    for kind in [
        FaultKind::Status(503),
        FaultKind::Reset,
        FaultKind::Html(502),
        FaultKind::HalfBody,
        FaultKind::NoAnswer,
    ] {
        let town = town(true, SandboxOptions::default()).await;
        let before = town.house.cloud.requests().len();
        let fault = Fault::new(kind).lasting(Duration::from_secs(7));
        town.house.cloud.switch_on(fault);
        let ids = town.order(commands());
        sleep(Duration::from_secs(7)).await;
        let during = &town.house.cloud.requests()[before..];
        let worst = worst_seven(during);
        assert!(worst > 0, "it did not even try");
        assert!(worst <= 30, "{kind:?}: {worst} requests in 7 s");
        town.house.cloud.clear_faults();
        let what = format!("7 s of {kind:?}, {worst} requests in them");
        town.all_end(&what, &ids).await.expect("the bar");
    }
}

/// The same for many jitters: what is allowed is allowed for every one.
#[tokio::test(start_paused = true)]
async fn no_jitter_makes_an_outage_dear() {
    let (mut dearest, towns) = (0, 12);
    for seed in 0..towns {
        let town = seeded(true, SandboxOptions::default(), seed).await;
        let before = town.house.cloud.requests().len();
        let fault = Fault::new(FaultKind::Status(503)).lasting(Duration::from_secs(60));
        town.house.cloud.switch_on(fault);
        let ids = town.order(24);
        sleep(Duration::from_secs(60)).await;
        let worst = worst_seven(&town.house.cloud.requests()[before..]);
        assert!(
            (1..=30).contains(&worst),
            "seed {seed}: {worst} requests in 7 s"
        );
        dearest = dearest.max(worst);
        town.house.cloud.clear_faults();
        town.all_end("a minute of 503", &ids)
            .await
            .expect("the bar");
    }
    say(format_args!(
        "cloud faults: a minute of 503 with {towns} jitters: at most {dearest} requests in any 7 s"
    ));
}

/// The host is gone for two hours: nothing is lost, and nobody hammers.
#[tokio::test(start_paused = true)]
async fn an_outage_of_hours_loses_nothing() {
    let town = town(true, SandboxOptions::default()).await;
    let ids = town.order(commands());
    sleep(Duration::from_secs(2)).await;
    town.house.cloud.go_down();
    sleep(Duration::from_secs(2 * 3600)).await;
    town.house.cloud.come_back();
    let what = "two hours without the host";
    town.all_end(what, &ids).await.expect("the bar");
}

/// Everything at once.
#[tokio::test(start_paused = true)]
async fn a_rush_under_every_fault_ends_once_and_within_its_time() {
    let town = town(true, SandboxOptions::default()).await;
    let faults = [
        (FaultKind::Delay(Duration::from_millis(300)), 7),
        (FaultKind::Reset, 11),
        (FaultKind::HalfBody, 13),
        (FaultKind::Status(500), 17),
        (FaultKind::Status(408), 19),
        (FaultKind::Status(409), 23),
        (FaultKind::TooMany(RetryAfter::Seconds(Some(2))), 61),
        (FaultKind::TooMany(RetryAfter::Absent), 67),
        (FaultKind::Html(502), 29),
        (FaultKind::LostAnswer, 9),
        (FaultKind::NoAnswer, 37),
    ];
    for (kind, every) in faults {
        town.house.cloud.switch_on(Fault::new(kind).every(every));
    }
    let ids = town.order(commands());
    let is_final = |id: &&Uuid| {
        let state = town.house.cloud.state(**id);
        state.is_some_and(CommandState::is_final)
    };
    let half = |_: &Hotel| 2 * ids.iter().filter(is_final).count() > ids.len();
    let patience = Duration::from_secs(600);
    let waited = tokio::time::timeout(patience, town.house.cloud.wait_until(half));
    waited.await.expect("half of them end while it lasts");
    let faults = town.house.cloud.faults();
    let met = faults.iter().filter(|fault| fault.2 > 0).count();
    assert!(met >= 9, "only {met} kinds of faults were met");
    town.house.cloud.clear_faults();
    let what = format!("{met} kinds of faults at once");
    town.all_end(&what, &ids).await.expect("the bar");
}

/// Over a real network: the connection itself breaks.
#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_lose_nothing() {
    for kind in [FaultKind::Reset, FaultKind::HalfBody, FaultKind::LostAnswer] {
        let town = town(false, SandboxOptions::default()).await;
        town.house.cloud.switch_on(Fault::new(kind).every(2));
        let ids = town.order(16);
        town.house
            .until("the fault is met", |_| town.met() >= 2)
            .await;
        town.house.cloud.clear_faults();
        let what = format!("{kind:?} over TCP");
        town.all_end(&what, &ids).await.expect("the bar");
    }
}

/// The twin: a cloud that stays ill, and a device that made nothing, are seen.
#[tokio::test(start_paused = true)]
async fn a_command_that_does_not_end_or_was_not_made_is_found_out() {
    let first = town(true, SandboxOptions::default()).await;
    let fault = Fault::new(FaultKind::Status(503)).on("commands/update");
    first.house.cloud.switch_on(fault);
    let ids = first.order(16);
    let found = first.all_end("a cloud that stays ill", &ids).await;
    let found = found.expect_err("nothing can be reported");
    assert!(found.contains("16 of 16 open"), "{found}");
    let second = town(true, SandboxOptions::default()).await;
    second.puppets[3].is(Mode::Empty);
    let ids = second.order(16);
    sleep(Duration::from_secs(30)).await;
    let found = second.all_end("a printer without paper", &ids).await;
    let found = found.expect_err("two of them print nothing");
    assert!(found.contains("Error"), "{found}");
}

/// The twin: a cloud whose limit is lower than the worker's is seen to be overrun.
#[tokio::test(start_paused = true)]
async fn a_limit_that_is_overrun_is_found_out() {
    let options = SandboxOptions {
        rate_limit: 10,
        rate_span: Duration::from_secs(2),
        ..SandboxOptions::default()
    };
    let town = town(true, options).await;
    let ids = town.order(30);
    tokio::time::timeout(
        Duration::from_secs(600),
        town.house.cloud.wait_all_final(&ids),
    )
    .await
    .expect("all ends");
    let most = town.house.cloud.max_in_window();
    assert!(most > 10, "{most}: the count sees nothing");
    let requests = town.house.cloud.requests();
    assert!(requests.iter().any(|seen| seen.status == Some(429)));
}

/// The twin: somebody who tries again at once is counted above thirty.
#[tokio::test(start_paused = true)]
async fn a_client_that_hammers_is_found_out() {
    let town = town(true, SandboxOptions::default()).await;
    let before = town.house.cloud.requests().len();
    town.house
        .cloud
        .switch_on(Fault::new(FaultKind::Status(503)));
    let body = serde_json::json!({
        "ClientToken": town.house.cloud.client_token(),
        "AccessToken": town.house.cloud.access_token(), "Client": "Hammer 1",
    });
    for _ in 0..35 {
        let direct = town.house.cloud.direct();
        let asked = direct.post("commands/getAllActive", body.to_string().into_bytes());
        assert_eq!(asked.await.expect("an answer").status(), 503);
        sleep(Duration::from_millis(190)).await;
    }
    assert!(worst_seven(&town.house.cloud.requests()[before..]) > 30);
}
