//! A cloud that misbehaves: every command ends all the same, once, at a pace Mews can bear.

use std::time::Duration;

use nightporter::sandbox::{
    CommandState, DeviceKind, Fault, FaultKind, RequestSeen, RetryAfter, SandboxOptions,
};
use uuid::Uuid;

use crate::house::House;
use crate::plant::{load, say};
use crate::puppet::Puppet;

const DEVICES: usize = 8;

struct Town {
    house: House,
    puppets: Vec<Puppet>,
    devices: Vec<Uuid>,
}

async fn town(options: SandboxOptions) -> Town {
    let puppets: Vec<_> = (0..DEVICES).map(|_| Puppet::new()).collect();
    let name = |at: usize| format!("P{at}");
    let section = |(at, puppet): (usize, &Puppet)| puppet.section("printer", &name(at), "");
    let sections: String = puppets.iter().enumerate().map(section).collect();
    let mut house = House::with(&sections, options).await;
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

    /// All end within the bar after the faults' end, each made once, and never above the limit.
    async fn all_end(&self, what: &str, ids: &[Uuid]) {
        let open = |id: &&Uuid| {
            !self
                .house
                .cloud
                .state(**id)
                .is_some_and(CommandState::is_final)
        };
        let left = ids.iter().filter(open).count();
        let bar = Duration::from_secs(60 + 30 * (left as u64 / 170));
        let begun = driver_sdk::clock::now();
        let ended = tokio::time::timeout(bar, self.house.cloud.wait_all_final(ids)).await;
        let still = ids.iter().filter(open).count();
        assert!(
            ended.is_ok(),
            "{what}: {still} of {left} open {bar:?} after the faults ended"
        );
        let took = driver_sdk::clock::now() - begun;
        for id in ids {
            let note = self.house.cloud.notes(*id);
            assert_eq!(
                self.house.cloud.state(*id),
                Some(CommandState::Processed),
                "{note:?}"
            );
            assert_eq!(self.made(*id), 1, "{what}: {id}");
        }
        let most = self.house.cloud.max_in_window();
        assert!(most <= 200, "{what}: {most} requests in 30 s");
        say(format_args!(
            "cloud faults: {what}: {} commands, {left} open at the end of the faults, all ended \
             {took:.1?} later (bar {bar:?}), at most {most} requests in 30 s",
            ids.len()
        ));
    }
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

/// One fault on every n-th request while the commands come, then an end of it.
async fn sometimes(what: &str, kind: FaultKind, every: u32) {
    let town = town(SandboxOptions::default()).await;
    town.house.cloud.switch_on(Fault::new(kind).every(every));
    let ids = town.order(16);
    let met = || {
        town.house
            .cloud
            .faults()
            .iter()
            .map(|fault| fault.2)
            .sum::<u64>()
    };
    town.house.until("the fault is met", |_| met() >= 2).await;
    town.house.cloud.clear_faults();
    town.all_end(what, &ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_answers_lose_nothing() {
    sometimes("delay", FaultKind::Delay(Duration::from_millis(700)), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resets_lose_nothing() {
    sometimes("reset", FaultKind::Reset, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_body_loses_nothing() {
    sometimes("half a body", FaultKind::HalfBody, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_are_settled_by_reading_back_and_nothing_is_done_twice() {
    sometimes("lost answers", FaultKind::LostAnswer, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_errors_lose_nothing() {
    sometimes("503", FaultKind::Status(503), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_out_of_the_server_loses_nothing() {
    sometimes("408", FaultKind::Status(408), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_lose_nothing() {
    sometimes("409", FaultKind::Status(409), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn web_pages_of_a_proxy_lose_nothing() {
    sometimes("HTML", FaultKind::Html(502), 2).await;
    sometimes("HTML with 200", FaultKind::Html(200), 3).await;
}

/// One 429: nobody asks again before its time.
async fn too_many(what: &str, retry_after: RetryAfter, pause: Duration) {
    let town = town(SandboxOptions::default()).await;
    let fault = Fault::new(FaultKind::TooMany(retry_after)).times(1);
    town.house.cloud.switch_on(fault.on("commands/getAllByIds"));
    let ids = town.order(16);
    let refused = |hotel: &nightporter::sandbox::Hotel| {
        hotel.requests().iter().any(|seen| seen.status == Some(429))
    };
    crate::house::within("the 429", town.house.cloud.wait_until(refused)).await;
    town.all_end(what, &ids).await;
    let requests = town.house.cloud.requests();
    let at = requests
        .iter()
        .position(|seen| seen.status == Some(429))
        .expect("seen");
    // Those that were under way when it came may still arrive.
    let later = requests[at + 1..]
        .iter()
        .map(|seen| seen.at - requests[at].at);
    let early: Vec<_> = later
        .filter(|after| {
            *after > Duration::from_millis(100) && *after + Duration::from_millis(200) < pause
        })
        .collect();
    assert!(early.is_empty(), "{what}: asked again after {early:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_stops_everybody_for_the_time_it_says() {
    let seconds = RetryAfter::Seconds(Some(3));
    too_many("429, 3 s", seconds, Duration::from_secs(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_with_a_date_stops_everybody_until_then() {
    // A date has whole seconds: up to one less remains.
    let date = RetryAfter::Date(Some(4));
    too_many("429, a date in 4 s", date, Duration::from_secs(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_without_a_time_stops_everybody_for_a_while() {
    // Ours begins with half a second to a second.
    too_many(
        "429, no time",
        RetryAfter::Absent,
        Duration::from_millis(400),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_seven_seconds_costs_at_most_thirty_requests() {
    for kind in [
        FaultKind::Status(503),
        FaultKind::Reset,
        FaultKind::Html(502),
    ] {
        let town = town(SandboxOptions::default()).await;
        let before = town.house.cloud.requests().len();
        let fault = Fault::new(kind).lasting(Duration::from_secs(7));
        town.house.cloud.switch_on(fault);
        let ids = town.order(40);
        town.house
            .until("its end", |_| town.house.cloud.faults().is_empty())
            .await;
        let during = &town.house.cloud.requests()[before..];
        let worst = worst_seven(during);
        assert!(worst > 0, "it did not even try");
        assert!(worst <= 30, "{kind:?}: {worst} requests in 7 s");
        say(format_args!(
            "cloud faults: outage by {kind:?}: {worst} requests in 7 s"
        ));
        town.all_end("an outage", &ids).await;
    }
}

/// Everything at once, many commands: a thousand under `NIGHTPORTER_LONG=1`.
#[tokio::test(flavor = "multi_thread")]
async fn a_rush_under_every_fault_ends_once_and_within_its_time() {
    let commands = if load("NIGHTPORTER_LONG", 0) == 1 {
        1_000
    } else {
        120
    };
    let town = town(SandboxOptions::default()).await;
    let faults = [
        (FaultKind::Delay(Duration::from_millis(300)), 7),
        (FaultKind::Reset, 11),
        (FaultKind::HalfBody, 13),
        (FaultKind::Status(500), 17),
        (FaultKind::Status(408), 19),
        (FaultKind::Status(409), 23),
        (FaultKind::TooMany(RetryAfter::Seconds(Some(2))), 61),
        (FaultKind::Html(502), 29),
        (FaultKind::LostAnswer, 9),
    ];
    for (kind, every) in faults {
        town.house.cloud.switch_on(Fault::new(kind).every(every));
    }
    let ids = town.order(commands);
    let half = || {
        let ended = |id: &&Uuid| {
            town.house
                .cloud
                .state(**id)
                .is_some_and(CommandState::is_final)
        };
        ids.iter().filter(ended).count() >= 20
    };
    let some = async {
        while !half() {
            tokio::task::yield_now().await;
            town.house.cloud.wait_until(|_| half()).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(45), some).await;
    let met = town
        .house
        .cloud
        .faults()
        .iter()
        .filter(|fault| fault.2 > 0)
        .count();
    assert!(met >= 5, "only {met} kinds of faults were met");
    town.house.cloud.clear_faults();
    town.all_end("every fault at once", &ids).await;
}

/// The twin: a cloud whose limit is lower than the worker's is seen to be overrun.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_overrun_is_found_out() {
    let options = SandboxOptions {
        rate_limit: 10,
        rate_span: Duration::from_secs(2),
        ..SandboxOptions::default()
    };
    let town = town(options).await;
    let ids = town.order(30);
    crate::house::within("all ends", town.house.cloud.wait_all_final(&ids)).await;
    let most = town.house.cloud.max_in_window();
    assert!(most > 10, "{most}: the count sees nothing");
    assert!(
        town.house
            .cloud
            .requests()
            .iter()
            .any(|seen| seen.status == Some(429))
    );
}
