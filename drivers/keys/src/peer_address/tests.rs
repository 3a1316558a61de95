use proptest::prelude::*;

use super::*;

fn peer(host: &str, port: u16) -> Result<PeerAddress, AddressError> {
    Ok(PeerAddress {
        host: host.into(),
        port,
    })
}

#[test]
fn scheme_and_path_mean_nothing() {
    for text in [
        "192.168.7.20:8090",
        "http://192.168.7.20:8090",
        "http://192.168.7.20:8090/api/v1/",
    ] {
        assert_eq!(
            PeerAddress::parse(text),
            peer("192.168.7.20", 8090),
            "{text}"
        );
    }
    assert_eq!(
        PeerAddress::parse("http://[fe80::1]:99"),
        peer("fe80::1", 99)
    );
}

#[test]
fn an_address_without_a_port_is_refused() {
    assert_eq!(
        PeerAddress::parse("http://192.168.7.20"),
        Err(AddressError::NoPort)
    );
    assert_eq!(PeerAddress::parse("lock-pc:"), Err(AddressError::NoPort));
    assert_eq!(
        PeerAddress::parse("lock-pc:0"),
        Err(AddressError::Unreadable)
    );
    assert_eq!(
        PeerAddress::parse("allowed@evil:1"),
        Err(AddressError::Unreadable)
    );
}

#[test]
fn only_hosts_of_the_config_are_allowed() {
    let allowed = ["Lock-PC".to_owned(), "10.0.0.5:6669".to_owned()];
    assert_eq!(check(Some("http://lock-pc:8090"), &allowed), Ok(()));
    assert_eq!(check(Some("10.0.0.5:6669"), &allowed), Ok(()));
    assert!(matches!(
        check(Some("10.0.0.5:6670"), &allowed),
        Err(AddressError::NotAllowed(_))
    ));
    assert!(matches!(
        check(Some("evil:1"), &allowed),
        Err(AddressError::NotAllowed(_))
    ));
    assert_eq!(check(None, &allowed), Ok(()));
    assert_eq!(check(Some("anything"), &[]), Ok(()));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}") {
        let _ = PeerAddress::parse(&text);
    }
}
