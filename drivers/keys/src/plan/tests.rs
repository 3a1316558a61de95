use super::*;
use crate::rehearsal;
use driver_sdk::Work;

fn site() -> Site {
    Site {
        limits: Limits {
            keys_max: 9,
            days_max: 366,
            rooms_max: 4,
            room_chars_max: 24,
            encoder_chars_max: 40,
            separators: &['³'],
            encoder: None,
            encoders: Vec::new(),
        },
        api_hosts: vec!["lock-pc".into()],
        mode: None,
        sharers: Sharers::New,
        start_from: StartFrom::Now,
        answer_timeout: Duration::from_secs(60),
    }
}

fn plan(change: impl FnOnce(&mut KeyWork)) -> Result<KeyPlan, Fault> {
    let job = rehearsal::key_job(change);
    let Work::Key(work) = &job.work else {
        panic!("a key job")
    };
    KeyPlan::new(&job, work, &site(), "FIAS", |protocol| {
        *protocol == Protocol::Fias
    })
}

fn code(change: impl FnOnce(&mut KeyWork)) -> String {
    let fault = plan(change).expect_err("this order must be refused");
    assert_eq!(fault.kind(), driver_sdk::FaultKind::Permanent);
    fault.code().to_owned()
}

#[test]
fn bad_orders_are_refused_with_their_page() {
    let data = |text: &str| Some(text.to_owned().into());
    assert_eq!(code(|work| work.locks.clear()), "KEY-NO-ROOM");
    assert_eq!(code(|work| work.locks = vec![" ".into()]), "KEY-NO-ROOM");
    assert_eq!(
        code(|work| work.locks = (1..=5).map(|n| n.to_string()).collect()),
        "KEY-TOO-MANY-ROOMS"
    );
    assert_eq!(
        code(|work| work.locks = vec!["1\u{3}".into()]),
        "KEY-BAD-NAME"
    );
    assert_eq!(code(|work| work.count = 0), "KEY-BAD-COUNT");
    assert_eq!(code(|work| work.count = -1), "KEY-BAD-COUNT");
    assert_eq!(code(|work| work.count = 1000), "KEY-BAD-COUNT");
    assert_eq!(code(|work| work.end = work.start), "KEY-STAY-INVALID");
    assert_eq!(
        code(|work| {
            work.start = rehearsal::at("2026-01-01T00:00:00Z");
            work.end = rehearsal::at("2026-01-02T00:00:00Z");
        }),
        "KEY-STAY-OVER"
    );
    assert_eq!(
        code(|work| work.end = rehearsal::at("2028-01-01T00:00:00Z")),
        "KEY-STAY-TOO-LONG"
    );
    assert_eq!(code(|work| work.encoder = None), "KEY-NO-ENCODER");
    assert_eq!(
        code(|work| work.data = data("{oops")),
        "KEY-DATA-UNREADABLE"
    );
    assert_eq!(
        code(|work| work.data = data(r#"{"MobileKeys":"x"}"#)),
        "KEY-DATA-WRONG"
    );
    assert_eq!(
        code(|work| work.data = data(r#"{"Type":"HotekKeyCutter"}"#)),
        "KEY-OTHER-PROTOCOL"
    );
    assert_eq!(
        code(|work| work.data = data(r#"{"MobileKeys":"true"}"#)),
        "KEY-MOBILE-ONLY"
    );
    assert_eq!(
        code(|work| work.api_url = Some("http://evil:80".into())),
        "KEY-ADDRESS-REFUSED"
    );
    assert_eq!(
        code(|work| work.api_url = Some("lock-pc".into())),
        "KEY-ADDRESS-UNREADABLE"
    );
}

#[test]
fn a_key_cut_now_works_from_now() {
    let plan = plan(|work| work.start = rehearsal::at("2026-03-29T14:00:00Z")).expect("good");
    assert_eq!(
        plan.validity(),
        ("28 Mar 2026 15:05".into(), "30 Mar 2026 12:00".into())
    );
}

#[test]
fn a_mode_of_the_data_counts_where_the_config_has_none() {
    let data = |work: &mut KeyWork| work.data = Some(r#"{"KeyMode":"New"}"#.to_owned().into());
    assert_eq!(plan(data).expect("good").mode, Mode::New);
}
