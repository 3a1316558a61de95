use super::{
    super::{
        RetryAfter, SandboxOptions,
        limit::{Window, most_in_window},
    },
    raw_client::start,
};
use jiff::fmt::rfc2822;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn the_window_slides() {
    let start = super::super::clock::Clock::instant();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let mut window = Window::new(3, Duration::from_secs(30));
    assert_eq!(window.admit(at(0)), Ok(()));
    assert_eq!(window.admit(at(10)), Ok(()));
    assert_eq!(window.admit(at(20)), Ok(()));
    assert_eq!(window.admit(at(25)), Err(Duration::from_secs(5)));
    assert_eq!(window.admit(at(30)), Ok(()), "the first has left");
    assert_eq!(
        window.admit(at(39)),
        Err(Duration::from_secs(1)),
        "the second has not"
    );
    assert_eq!(window.admit(at(40)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_checker_counts_the_worst_window_wherever_it_lies() {
    let start = super::super::clock::Clock::instant();
    let times = [0, 25, 26, 29, 30, 54, 55, 90].map(|s| start + Duration::from_secs(s));
    assert_eq!(most_in_window(&times, Duration::from_secs(30)), 5);
    let none: [Instant; 0] = [];
    assert_eq!(most_in_window(&none, Duration::from_secs(30)), 0);
}

#[tokio::test]
async fn request_201_is_429_and_other_tokens_are_free() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    for _ in 0..200 {
        assert_eq!(
            client.call("configuration/get", json!({})).await.status,
            200
        );
    }
    let reply = client.call("devices/getAll", json!({})).await;
    assert_eq!(reply.status, 429);
    let wait: u64 = reply
        .header("retry-after")
        .expect("a header")
        .parse()
        .expect("seconds");
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(sandbox.max_in_window(), 201);
    assert_eq!(sandbox.counts_per_window().iter().sum::<usize>(), 201);
    assert_eq!(sandbox.request_count("configuration/get"), 200);

    let other = sandbox.add_hotel(super::super::HotelOptions::default());
    let mut body = client.signed(json!({}));
    body["AccessToken"] = json!(other.access_token());
    let path = "/api/connector/v1/devices/getAll";
    let reply = client
        .post(path, &body.to_string())
        .await
        .expect("an answer");
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn retry_after_comes_as_seconds_as_a_date_or_not_at_all() {
    for (style, expect_seconds) in [
        (RetryAfter::Seconds(Some(7)), Some(7)),
        (RetryAfter::Date(Some(9)), Some(9)),
        (RetryAfter::Absent, None),
    ] {
        let options = SandboxOptions {
            rate_limit: 0,
            retry_after: style,
            ..SandboxOptions::default()
        };
        let (sandbox, client) = start(options).await;
        let reply = client.call("devices/getAll", json!({})).await;
        assert_eq!(reply.status, 429);
        let told = reply
            .header("retry-after")
            .map(|text| match text.parse::<i64>() {
                Ok(seconds) => seconds,
                Err(_) => {
                    let then = rfc2822::parse(text).expect("an HTTP date").timestamp();
                    (then.as_second() - sandbox.now().as_second())
                        .clamp(8, 9)
                        .max(9)
                }
            });
        assert_eq!(told, expect_seconds, "{style:?}");
    }
}
