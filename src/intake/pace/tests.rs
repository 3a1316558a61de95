use super::*;

const QUICK: Ended = Ended {
    took: Duration::from_millis(100),
    complete: true,
    cut: false,
    unkept: false,
};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_sweep_comes_every_minute_while_the_socket_stands_and_every_ten_seconds_while_it_is_down() {
    assert_eq!(rest(QUICK, true), secs(60));
    assert_eq!(rest(QUICK, false), secs(10));
}

#[test]
fn a_sweep_comes_never_sooner_than_twenty_times_as_long_as_the_last_one_took() {
    let slow = Ended {
        took: secs(7),
        ..QUICK
    };
    let unkept = Ended {
        unkept: true,
        ..slow
    };
    assert_eq!(rest(slow, true), secs(140));
    assert_eq!(rest(slow, false), secs(140));
    assert_eq!(rest(unkept, true), secs(140));
    assert_eq!(soon(secs(7)), secs(140));
    assert_eq!(soon(Duration::ZERO), secs(10));
}

#[test]
fn the_rest_of_a_list_and_what_failed_are_asked_for_soon() {
    let cut = Ended {
        took: secs(2),
        cut: true,
        ..QUICK
    };
    let failed = Ended {
        took: Duration::ZERO,
        complete: false,
        ..QUICK
    };
    assert_eq!(rest(cut, true), secs(2));
    assert_eq!(rest(failed, true), secs(10));
}
