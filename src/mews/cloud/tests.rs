//! The status table of the contract, and lists that misbehave.

use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;
use driver_sdk::clock::now;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::{Value, json};

use super::*;
use crate::mews::budget::Forget;
use crate::mews::post::{Answer, NoAnswer};

type Replied = Result<Answer, NoAnswer>;
/// A row of the status table.
type Row = (fn() -> Replied, Result<(), CallError>);
type Act = Box<dyn FnMut(&str, &Value) -> Replied + Send>;

/// A cloud that answers by a function, and remembers what it was asked.
struct World {
    act: Mutex<Act>,
    asked: Mutex<Vec<(String, Value)>>,
}

impl Post for World {
    fn post(&self, operation: &'static str, body: Vec<u8>) -> BoxFuture<'_, Replied> {
        let body: Value = serde_json::from_slice(&body).expect("a request is JSON");
        let answer = (self.act.lock().expect("one thread"))(operation, &body);
        self.asked
            .lock()
            .expect("one thread")
            .push((operation.to_owned(), body));
        async move {
            match &answer {
                Err(NoAnswer(cause)) if cause == "hang" => std::future::pending().await,
                Err(NoAnswer(cause)) if cause == "20 s" => {
                    tokio::time::sleep(Duration::from_secs(20)).await;
                    text(200, "{}")
                }
                _ => answer,
            }
        }
        .boxed()
    }
}

fn answer(status: u16, pieces: Vec<Result<Bytes, NoAnswer>>) -> Replied {
    Ok(Answer {
        status,
        retry_after: None,
        date: Some("Mon, 10 Aug 2026 09:15:02 GMT".to_owned()),
        request_id: None,
        body: stream::iter(pieces).boxed(),
    })
}

fn text(status: u16, body: impl Into<String>) -> Replied {
    answer(status, vec![Ok(Bytes::from(body.into()))])
}

fn cloud(act: impl FnMut(&str, &Value) -> Replied + Send + 'static) -> (Cloud, Arc<World>) {
    let world = Arc::new(World {
        act: Mutex::new(Box::new(act)),
        asked: Mutex::default(),
    });
    let pc = || {
        "2026-08-10T10:15:02Z"
            .parse::<Timestamp>()
            .expect("an instant")
    };
    let begin = now();
    let clock = CloudClock::new(Arc::new(move || now() - begin), Arc::new(pc));
    let budget = Budget::new(Box::new(Forget), Arc::new(pc), 7);
    let tokens = Tokens {
        client: "0A1B-77F0".into(),
        access: "9C8D-11E2".into(),
    };
    (
        Cloud::new(Arc::clone(&world) as Arc<dyn Post>, tokens, budget, clock),
        world,
    )
}

/// Answers one after the other; the last one again and again.
fn script(answers: Vec<fn() -> Replied>) -> impl FnMut(&str, &Value) -> Replied + Send {
    let mut answers: VecDeque<_> = answers.into();
    move |_, _| {
        if answers.len() > 1 {
            return answers.pop_front().expect("more than one")();
        }
        answers[0]()
    }
}

fn id(n: u128) -> CommandId {
    CommandId(Uuid::from_u128(n))
}

fn command(id: CommandId) -> Value {
    json!({ "Id": id, "State": "Pending", "CreatedUtc": "2026-08-10T09:15:02Z",
        "Device": { "Id": Uuid::from_u128(1), "Type": "Printer", "Name": "Bar" }, "Data": {} })
}

async fn fetch(cloud: &Cloud, ids: &[CommandId]) -> (Result<Fetched, CallError>, Vec<CommandId>) {
    let got = Mutex::new(Vec::new());
    let fetched = cloud
        .get_all_by_ids(ids, |commands, _| {
            let ids = commands.iter().map(|command| command.id);
            got.lock().expect("one thread").extend(ids);
            std::future::ready(())
        })
        .await;
    (fetched, got.into_inner().expect("one thread"))
}

async fn update(cloud: &Cloud) -> Result<(), CallError> {
    cloud
        .update(id(1), &Update::Received, Priority::Intermediate.into())
        .await
}

fn asked(world: &World) -> usize {
    world.asked.lock().expect("one thread").len()
}

#[tokio::test(start_paused = true)]
async fn each_status_is_one_thing_to_do() {
    let refused = |status, message: Option<&str>| CallError::Refused {
        status,
        message: message.map(str::to_owned),
    };
    let table: Vec<Row> = vec![
        (|| text(200, "{}"), Ok(())),
        (|| answer(204, vec![]), Ok(())),
        (|| text(200, ""), Ok(())),
        (
            || text(400, r#"{"Message":"Invalid\nCommandId. 9C8D-11E2"}"#),
            Err(refused(400, Some("Invalid CommandId. <token>"))),
        ),
        (|| text(403, "<html>"), Err(refused(403, None))),
        (|| text(409, r#"{"Message":null}"#), Err(refused(409, None))),
        (|| text(401, ""), Err(CallError::Unauthorized)),
        (|| text(404, ""), Err(CallError::NotFound)),
        (|| text(408, ""), Err(CallError::TooMuch(408))),
        (|| text(413, ""), Err(CallError::TooMuch(413))),
    ];
    for (act, wanted) in table {
        let (cloud, world) = cloud(script(vec![act]));
        assert_eq!(update(&cloud).await, wanted);
        assert_eq!(asked(&world), 1, "a definite answer is not asked for again");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_goes_on_until_mews_itself_has_answered() {
    let (cloud, world) = cloud(script(vec![
        || text(500, "<html>"),
        || Err(NoAnswer("reset".to_owned())),
        || Err(NoAnswer("hang".to_owned())),
        || text(302, ""),
        || text(200, "<html>a hotel's login page</html>"),
        || {
            answer(
                200,
                vec![Ok(Bytes::from("{")), Err(NoAnswer("cut".to_owned()))],
            )
        },
        || text(200, "{"),
        || text(503, ""),
        || text(200, "{}"),
    ]));
    assert_eq!(update(&cloud).await, Ok(()));
    assert_eq!(asked(&world), 9);
    let bodies = world.asked.lock().expect("one thread");
    assert!(
        bodies.iter().all(|asked| *asked == bodies[0]),
        "the same bytes every time"
    );
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_read_in_both_forms() {
    for (header, seconds) in [
        ("7", 7),
        ("Mon, 10 Aug 2026 09:15:11 GMT", 9),
        ("99999999999999999999", 600),
    ] {
        let mut first = true;
        let (cloud, _) = cloud(move |_, _| {
            let limited = std::mem::take(&mut first);
            let mut answer = text(if limited { 429 } else { 200 }, "{}")?;
            answer.retry_after = limited.then(|| header.to_owned());
            Ok(answer)
        });
        let begin = now();
        assert_eq!(update(&cloud).await, Ok(()));
        assert_eq!((now() - begin).as_secs(), seconds, "{header}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_mews_does_not_return_is_missing_and_odd_ones_are_skipped() {
    let (cloud, world) = cloud(|_, body| {
        assert_eq!(body["CommandIds"].as_array().map(Vec::len), Some(4));
        let odd = json!({ "Id": id(3), "Device": null });
        text(
            200,
            json!({ "Commands": [command(id(2)), odd, command(id(1))] }).to_string(),
        )
    });
    let (fetched, got) = fetch(&cloud, &[id(1), id(2), id(3), id(4), id(1)]).await;
    let fetched = fetched.expect("an answer");
    assert_eq!((got, fetched.missing), (vec![id(2), id(1)], vec![id(4)]));
    assert_eq!(
        fetched
            .skipped
            .iter()
            .map(|skip| skip.id)
            .collect::<Vec<_>>(),
        [Some(id(3))]
    );
    assert_eq!(asked(&world), 1);
}

fn by_ids(body: &Value, bad: impl Fn(&[CommandId]) -> Option<Replied>) -> Replied {
    let ids: Vec<CommandId> = serde_json::from_value(body["CommandIds"].clone()).expect("ids");
    bad(&ids).unwrap_or_else(|| {
        let commands: Vec<_> = ids.into_iter().map(command).collect();
        text(200, json!({ "Commands": commands }).to_string())
    })
}

#[tokio::test(start_paused = true)]
async fn a_bad_id_is_named_and_costs_its_neighbours_nothing() {
    let (cloud, world) = cloud(|_, body| {
        by_ids(body, |ids| {
            ids.contains(&id(42))
                .then(|| text(400, r#"{"Message":"Invalid id."}"#))
        })
    });
    let ids: Vec<_> = (1..=100).map(id).collect();
    let (fetched, got) = fetch(&cloud, &ids).await;
    let fetched = fetched.expect("an answer");
    assert_eq!(fetched.refused, [(id(42), "Invalid id.".to_owned())]);
    assert_eq!((got.len(), fetched.missing.len()), (99, 0));
    assert!(asked(&world) <= 15, "{}", asked(&world));
}

#[tokio::test(start_paused = true)]
async fn a_mews_that_refuses_everything_is_not_asked_for_ever() {
    let (cloud, world) = cloud(script(vec![|| text(400, "<html>")]));
    let ids: Vec<_> = (1..=1000).map(id).collect();
    let (fetched, _) = fetch(&cloud, &ids).await;
    assert_eq!(
        fetched,
        Err(CallError::Refused {
            status: 400,
            message: None
        })
    );
    assert!(asked(&world) <= REFUSALS_MAX + 1, "{}", asked(&world));
}

#[tokio::test(start_paused = true)]
async fn a_slow_mews_is_given_more_time() {
    let mut times = 0;
    let (cloud, world) = cloud(move |_, _| {
        times += 1;
        Err(NoAnswer(if times < 4 { "hang" } else { "20 s" }.to_owned()))
    });
    assert_eq!(update(&cloud).await, Ok(()));
    assert_eq!(asked(&world), 4);
}

#[tokio::test(start_paused = true)]
async fn too_much_is_halved_and_a_command_that_is_too_large_is_named() {
    let (cloud, _) = cloud(|_, body| {
        by_ids(body, |ids| {
            (ids.len() > 3 || ids.contains(&id(5))).then(|| text(408, ""))
        })
    });
    let ids: Vec<_> = (1..=20).map(id).collect();
    let (fetched, got) = fetch(&cloud, &ids).await;
    assert_eq!(fetched.expect("an answer").refused.len(), 1);
    assert_eq!(got.len(), 19);
}

#[tokio::test(start_paused = true)]
async fn of_a_list_that_breaks_off_only_the_rest_is_asked_for_again() {
    let mut first = true;
    let (cloud, world) = cloud(move |_, body| {
        if std::mem::take(&mut first) {
            let begin = format!("{{\"Commands\":[{},{{\"Id\"", command(id(1)));
            return answer(
                200,
                vec![Ok(begin.into()), Err(NoAnswer("reset".to_owned()))],
            );
        }
        assert_eq!(body["CommandIds"], json!([id(2), id(3)]));
        by_ids(body, |_| None)
    });
    let (fetched, got) = fetch(&cloud, &[id(1), id(2), id(3)]).await;
    assert_eq!(fetched, Ok(Fetched::default()));
    assert_eq!((got, asked(&world)), (vec![id(1), id(2), id(3)], 2));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_tells_whether_it_was_whole() {
    async fn sweep(answers: Vec<fn() -> Replied>) -> (Result<u32, CallError>, usize) {
        let (cloud, _) = cloud(script(answers));
        let got = Mutex::new(0);
        let swept = cloud.get_all_active(|commands, _| {
            *got.lock().expect("one thread") += commands.len();
            std::future::ready(())
        });
        let swept = swept.await.map(|swept| swept.listed);
        let got = *got.lock().expect("one thread");
        (swept, got)
    }
    assert_eq!(
        sweep(vec![|| text(200, r#"{"Commands":[],"Cursor":null}"#)]).await,
        (Ok(0), 0)
    );
    assert_eq!(sweep(vec![|| answer(204, vec![])]).await, (Ok(0), 0));
    let whole = || {
        text(
            200,
            json!({ "Commands": [command(id(1)), command(id(2))] }).to_string(),
        )
    };
    assert_eq!(sweep(vec![|| text(502, ""), whole]).await, (Ok(2), 2));
    let cut = || text(200, format!("{{\"Commands\":[{},", command(id(1))));
    assert_eq!(sweep(vec![cut]).await, (Err(CallError::NoAnswer), 1));
    assert_eq!(
        sweep(vec![|| text(200, "<html>")]).await,
        (Err(CallError::NoAnswer), 0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_piece_is_read_only_when_the_one_before_is_done() {
    let document = "A".repeat(100_000);
    let (cloud, _) = cloud(move |_, _| {
        let element = |n: u128| {
            let mut command = command(id(n));
            command["Data"] = json!({ "FileData": document });
            command.to_string()
        };
        // One piece is made only when the one before has been read.
        let pieces = (0..200).map(move |n| Ok(Bytes::from(element(n) + ",")));
        let head = stream::iter([Ok(Bytes::from("{\"Commands\":["))]);
        let tail = stream::iter([Ok(Bytes::from("]}"))]);
        let mut answer = text(200, "")?;
        answer.body = head
            .chain(stream::iter(pieces.collect::<Vec<_>>()))
            .chain(tail)
            .boxed();
        Ok(answer)
    });
    let (held, most) = (Mutex::new(0_u32), Mutex::new(0_u32));
    let swept = cloud
        .get_all_active(|commands, _| {
            assert_eq!(commands.len(), 1);
            *held.lock().expect("one thread") += 1;
            let now = *held.lock().expect("one thread");
            let mut most = most.lock().expect("one thread");
            *most = now.max(*most);
            let held = &held;
            async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                drop(commands);
                *held.lock().expect("one thread") -= 1;
            }
        })
        .await
        .expect("a whole list");
    assert_eq!((swept.listed, *most.lock().expect("one thread")), (200, 1));
}

#[tokio::test(start_paused = true)]
async fn a_look_within_3_s_ends_within_3_s() {
    let (cloud, _) = cloud(script(vec![|| Err(NoAnswer("refused".to_owned()))]));
    let begin = now();
    let within = Duration::from_secs(3);
    assert_eq!(
        cloud.read_now(id(1), within).await.err(),
        Some(CallError::NoAnswer)
    );
    let late = cloud
        .update_within(id(1), &Update::Received, Priority::Error.into(), within)
        .await;
    assert_eq!(
        (late, now() - begin),
        (Err(CallError::NoAnswer), 2 * within)
    );
    let (cloud, _) = super::tests::cloud(|_, body| by_ids(body, |_| None));
    let read = cloud.read_now(id(1), within).await.expect("an answer");
    assert_eq!(read.map(|command| command.id), Some(id(1)));
}

#[tokio::test(start_paused = true)]
async fn the_hotel_tells_the_time_and_devices_are_read_one_by_one() {
    let (cloud, world) = cloud(|operation, _| match operation {
        "configuration/get" => text(
            200,
            json!({ "NowUtc": "2026-08-10T09:15:02Z", "Enterprise":
            { "Id": Uuid::from_u128(9), "TimeZoneIdentifier": "Europe/Prague" } })
            .to_string(),
        ),
        "devices/getAll" => text(
            200,
            json!({ "Devices": [null, { "Id": 3 },
            { "Id": Uuid::from_u128(1), "Type": "Printer", "Name": "Bar" }] })
            .to_string(),
        ),
        _ => text(401, ""),
    });
    assert!(!cloud.clock().known());
    let hotel = cloud
        .configuration()
        .await
        .expect("a configuration")
        .enterprise;
    assert_eq!(hotel.time_zone_identifier, "Europe/Prague");
    let skew = cloud.clock().skew().expect("a known time").as_secs();
    assert!((3598..=3600).contains(&skew), "{skew}");
    let (devices, skipped) = cloud.devices().await.expect("a list");
    assert_eq!(
        (devices.len(), devices[0].name.as_str(), skipped.len()),
        (1, "Bar", 2)
    );
    let month = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let states = [State::Processing];
    let fiscal = cloud
        .fiscal_commands(&[Uuid::from_u128(1)], &states, month)
        .await;
    assert!(matches!(fiscal, Ok(None)), "not granted is no error");
    let last = world
        .asked
        .lock()
        .expect("one thread")
        .pop()
        .expect("a request")
        .1;
    assert_eq!(last["States"], json!(["Processing"]));
    assert_eq!(last["Limitation"], json!({ "Count": 1000, "Cursor": null }));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_shape_is_told_and_not_asked_for_for_ever() {
    let (cloud, world) = cloud(script(vec![|| text(200, r#"{"NowUtc":"Nováková"}"#)]));
    let Err(CallError::Unreadable(why)) = cloud.configuration().await else {
        panic!("unreadable")
    };
    assert!(!why.contains("Nov") && asked(&world) == 1, "{why}");
}

/// Whatever a test's own thread logs, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one thread").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_answer_that_is_damaged_no_guest_is_logged() {
    let log = Log::default();
    let (for_log, levels) = (log.clone(), tracing::level_filters::LevelFilter::TRACE);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(levels)
        .with_writer(move || for_log.clone())
        .finish();
    let _heard = tracing::subscriber::set_default(subscriber);
    let damaged = || text(200, r#"{"Commands":[{"Id":{"LastName":"Novakova"}}}]}"#);
    let cut = || text(200, r#"{"OrderItems":[{"BillingName":"Novakova"#);
    let (cloud, _) = cloud(script(vec![damaged, || text(200, "{}")]));
    let (fetched, _) = fetch(&cloud, &[id(1)]).await;
    assert!(fetched.is_ok(), "{fetched:?}");
    let (cloud, _) = self::cloud(script(vec![cut, || text(200, "{}")]));
    let items = cloud.order_items(Uuid::from_u128(1)).await;
    assert_eq!(items.map(|items| items.len()), Ok(0));
    let box_on_the_way = || text(200, "<html>Please log in</html>");
    let (cloud, _) = self::cloud(script(vec![box_on_the_way, || text(200, "{}")]));
    update(&cloud).await.expect("the second answer is Mews'");
    let log = String::from_utf8(log.0.lock().expect("one thread").clone()).expect("text");
    assert!(log.contains("Please log in"), "{log}");
    assert!(!log.contains("Novakova"), "{log}");
}
