use driver_sdk::WatchEvent;
use tokio::time::{advance, timeout};

use super::*;

#[tokio::test(start_paused = true)]
async fn too_many_keys_are_told_until_the_hour_is_over() {
    let (watch, mut events) = Watch::pair();
    let mut burst = Burst::new(2);
    burst.made();
    advance(Duration::from_secs(1800)).await;
    burst.made();
    assert!(!burst.warn(&watch).await);
    assert!(events.try_recv().is_err(), "two are expected");
    burst.made();
    // An attempt comes, and then the encoder idles again.
    let dropped = timeout(Duration::from_secs(1), burst.warn(&watch)).await;
    assert!(dropped.is_err());
    assert!(burst.warn(&watch).await, "it ends by itself");
    assert!(!burst.warn(&watch).await, "and that is told once");
    let Ok(WatchEvent::Health(Health::Warned(fault))) = events.try_recv() else {
        panic!("a warning was expected");
    };
    assert_eq!(
        (fault.code(), fault.say().args["keys"].as_str()),
        ("KEY-BURST", "3")
    );
}
