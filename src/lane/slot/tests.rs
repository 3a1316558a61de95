use super::*;

#[test]
fn a_clock_that_steps_back_a_little_takes_no_patience_away() {
    let now = Timestamp::from_second(1_800_000_000).expect("a time");
    let held = Duration::from_secs(60);
    let by = |seconds| waited(now, now - SignedDuration::from_secs(seconds), held);
    assert_eq!(by(20), Duration::from_secs(20));
    assert_eq!(by(3_600), held);
    for slipped in [-1, -30] {
        assert_eq!(by(slipped), Duration::ZERO);
    }
    // Hours ahead: written by a wrong clock of this PC, so the device's own time counts.
    assert_eq!(by(-3_600), held);
}
