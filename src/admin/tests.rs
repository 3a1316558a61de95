use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST, ORIGIN};

use super::door::{Door, door_file};
use super::guard::{Guard, Refusal};

fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), value.parse().expect("a header")))
        .collect()
}

fn guard() -> Guard {
    let address = ([127, 0, 0, 1], 8719).into();
    Guard::new(address, "a-long-token".to_owned().into())
}

#[test]
fn only_this_pc_by_its_own_names_may_call() {
    for host in ["127.0.0.1:8719", "localhost:8719"] {
        assert_eq!(guard().place(&headers(&[(HOST, host)])), Ok(()));
    }
    for host in ["hotel.example:8719", "127.0.0.1:80", "127.0.0.1", ""] {
        let refused = guard().place(&headers(&[(HOST, host)]));
        assert_eq!(refused, Err(Refusal::Host), "{host}");
    }
    assert_eq!(guard().place(&HeaderMap::new()), Err(Refusal::Host));
}

#[test]
fn a_page_from_elsewhere_may_not_call() {
    let from = |origin| headers(&[(HOST, "127.0.0.1:8719"), (ORIGIN, origin)]);
    assert_eq!(guard().place(&from("http://127.0.0.1:8719")), Ok(()));
    for origin in [
        "http://evil.example",
        "null",
        "http://127.0.0.1:8719.evil.example",
    ] {
        let refused = guard().place(&from(origin));
        assert_eq!(refused, Err(Refusal::Origin), "{origin}");
    }
}

#[test]
fn the_token_is_asked_for_whole() {
    let with = |value| headers(&[(AUTHORIZATION, value)]);
    assert_eq!(guard().token(&with("Bearer a-long-token")), Ok(()));
    for value in [
        "Bearer a-long-toke",
        "Bearer a-long-token2",
        "Bearer ",
        "a-long-token",
    ] {
        assert_eq!(guard().token(&with(value)), Err(Refusal::Token), "{value}");
    }
    assert_eq!(guard().token(&HeaderMap::new()), Err(Refusal::Token));
}

#[test]
fn the_file_with_the_token_belongs_to_its_user_alone_and_goes_with_its_worker() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal.db");
    let [old, new] = [1, 2].map(|port| Door::new(([127, 0, 0, 1], port).into()));
    old.write(&journal).expect("written");
    new.write(&journal).expect("written over");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::metadata(door_file(&journal)).expect("it is there");
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    old.remove(&journal);
    let read = Door::read(&journal).expect("the new worker's file stays");
    assert_eq!(read.address, new.address);
    new.remove(&journal);
    assert!(!door_file(&journal).exists());
}
