//! What the factory hands out, and what it refuses.

use driver_sdk::DialFactory as _;

use super::*;

fn sentence<T>(result: Result<T, LinkError>) -> String {
    match result {
        Ok(_) => panic!("the link is wrong for this driver"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_line_is_no_http_and_http_is_no_line() {
    let dialers = Dialers::new();
    assert_eq!(
        sentence(dialers.dialer("http://rt.lan/")),
        "this driver speaks over a line and not over HTTP; use serial:, tcp: or listen: \
         instead of `http://rt.lan/`"
    );
    assert_eq!(
        sentence(dialers.poster("tcp:rt.lan:9100")),
        "this driver speaks HTTP; write http:// or https:// instead of `tcp:rt.lan:9100`"
    );
}

#[test]
fn a_link_is_known_by_its_address_without_options() {
    let dialers = Dialers::new();
    let dialer = dialers
        .dialer("serial:com7?baud=19200")
        .expect("a right address");
    assert_eq!(dialer.address(), "serial:COM7");
    assert_eq!(
        dialers.address("serial:COM7?baud=9600"),
        Ok("serial:COM7".to_owned())
    );
    let poster = dialers
        .poster("https://rt.lan/a?devid=1")
        .expect("a right address");
    assert_eq!(poster.address(), "https://rt.lan/a?devid=1");
}

#[test]
fn checking_a_config_binds_nothing() {
    let dialers = Dialers::new();
    let url = "listen:127.0.0.1:0";
    let _dialer = dialers.dialer(url).expect("a right address");
    assert_eq!(dialers.listening(url), None);
}
