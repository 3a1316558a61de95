//! The grammar of link addresses, and every sentence of its errors.

use super::*;

fn parse(text: &str) -> Target {
    Target::parse(text).expect("the address is right")
}

fn refusal(text: &str) -> String {
    Target::parse(text)
        .expect_err("the address is wrong")
        .to_string()
}

#[test]
fn a_serial_line_is_8n1_at_9600_unless_told() {
    let Target::Serial(serial) = parse("serial:/dev/ttyUSB0") else {
        panic!("a serial port");
    };
    assert_eq!(
        serial,
        SerialTarget {
            path: "/dev/ttyUSB0".into(),
            baud: 9600,
            data: Data::Eight,
            parity: Parity::None,
            stop: Stop::One,
            flow: Flow::None,
        }
    );
}

#[test]
fn every_serial_option_is_understood() {
    let url = "serial:com3?baud=38400&data=7&parity=even&stop=2&flow=xon-xoff";
    let Target::Serial(serial) = parse(url) else {
        panic!("a serial port");
    };
    assert_eq!(serial.path, "COM3");
    assert_eq!(serial.baud, 38400);
    assert_eq!(serial.data, Data::Seven);
    assert_eq!(serial.parity, Parity::Even);
    assert_eq!(serial.stop, Stop::Two);
    assert_eq!(serial.flow, Flow::XonXoff);
    let Target::Serial(serial) = parse("serial:COM3?flow=rts-cts&parity=odd") else {
        panic!("a serial port");
    };
    assert_eq!((serial.flow, serial.parity), (Flow::RtsCts, Parity::Odd));
}

#[test]
fn an_address_has_no_options_and_one_spelling() {
    for (url, address) in [
        ("serial:com12?baud=9600", "serial:COM12"),
        (r"serial:\\.\COM12", "serial:COM12"),
        ("serial:/dev/ttyS0?flow=none", "serial:/dev/ttyS0"),
        ("TCP:Printer.Hotel.LAN:9100", "tcp:printer.hotel.lan:9100"),
        ("tcp:[FE80::1]:9100", "tcp:[fe80::1]:9100"),
        ("listen:0.0.0.0:5010?allow=10.0.0.1", "listen:0.0.0.0:5010"),
        ("listen:[::1]:5010", "listen:[::1]:5010"),
        ("HTTP://RT.lan/a?devid=x", "http://rt.lan/a?devid=x"),
        ("https://rt.lan:443/a", "https://rt.lan/a"),
    ] {
        assert_eq!(parse(url).address(), address);
    }
}

#[test]
fn a_listener_knows_who_may_connect() {
    let Target::Listen(listen) = parse("listen:0.0.0.0:5010?allow=192.168.7.20,10.0.0.1") else {
        panic!("a listener");
    };
    let allowed: Vec<String> = listen.allow.iter().map(ToString::to_string).collect();
    assert_eq!(allowed, ["192.168.7.20", "10.0.0.1"]);
}

#[test]
fn every_wrong_address_is_answered_in_plain_words() {
    for (url, sentence) in [
        (
            "printer",
            "`printer` is no link; write \"tcp:192.168.7.30:9100\" or \
             \"serial:/dev/ttyUSB0?baud=9600\"",
        ),
        (
            "tpc:1.2.3.4:9100",
            "unknown link `tpc:`; did you mean `tcp:`?",
        ),
        (
            "bluetooth:x",
            "unknown link `bluetooth:`; write \"tcp:192.168.7.30:9100\" or \
             \"serial:/dev/ttyUSB0?baud=9600\"",
        ),
        (
            "exec:/opt/driver",
            "a driver in a process of its own (`exec:`) is not in this build yet; \
             use serial:, tcp:, listen:, http: or https:",
        ),
        (
            "serial:",
            "`serial:` names no port; write \"serial:/dev/ttyUSB0\" or \"serial:COM3\"",
        ),
        (
            "serial:LPT1",
            "`LPT1` is no serial port; write \"serial:/dev/ttyUSB0\" or \"serial:COM3\"",
        ),
        (
            "serial:COM3?baud=fast",
            "`baud=fast` is no speed of a serial line; usual are 9600, 19200, 38400 and 115200",
        ),
        (
            "serial:COM3?baud=0",
            "`baud=0` is no speed of a serial line; usual are 9600, 19200, 38400 and 115200",
        ),
        ("serial:COM3?data=9", "`data=9` is not possible; use 8 or 7"),
        (
            "serial:COM3?parity=mark",
            "`parity=mark` is not possible; use none, even or odd",
        ),
        ("serial:COM3?stop=3", "`stop=3` is not possible; use 1 or 2"),
        (
            "serial:COM3?flow=hardware",
            "`flow=hardware` is not possible; use none, rts-cts or xon-xoff",
        ),
        (
            "serial:COM3?buad=9600",
            "unknown option `buad`; did you mean `baud`?",
        ),
        (
            "serial:COM3?colour=red",
            "unknown option `colour`; `serial:` knows baud, data, parity, stop and flow",
        ),
        (
            "serial:COM3?baud",
            "the option `baud` has no value; write `baud=…`",
        ),
        (
            "serial:COM3?baud=9600&baud=19200",
            "the option `baud` stands twice; keep one",
        ),
        (
            "tcp:192.168.7.30",
            "`tcp:192.168.7.30` names no port; write \"tcp:192.168.7.30:9100\"",
        ),
        (
            "tcp:192.168.7.30:",
            "`tcp:192.168.7.30:` names no port; write \"tcp:192.168.7.30:9100\"",
        ),
        (
            "tcp:printer:99999",
            "`99999` is no port (1 to 65535); write \"tcp:192.168.7.30:9100\"",
        ),
        (
            "tcp:printer:0",
            "port 0 is no port of a device; write \"tcp:192.168.7.30:9100\"",
        ),
        (
            "tcp://printer:9100",
            "`tcp:` takes no slashes; write \"tcp:192.168.7.30:9100\"",
        ),
        (
            "tcp::9100",
            "`` is no name or address of a device; write \"tcp:192.168.7.30:9100\"",
        ),
        (
            "tcp:fe80::1:9100",
            "an IPv6 address stands in brackets, such as \"tcp:[::1]:9100\"",
        ),
        (
            "tcp:printer:9100?timeout=3",
            "unknown option `timeout`; `tcp:` has no options, remove it",
        ),
        (
            "listen:reception:5010?allow=10.0.0.1",
            "`reception` is no address of this PC; use 0.0.0.0 for all of them: \
             write \"listen:0.0.0.0:5010?allow=192.168.7.20\"",
        ),
        (
            "listen:0.0.0.0:5010",
            "say which device may connect with `allow=`; \
             write \"listen:0.0.0.0:5010?allow=192.168.7.20\"",
        ),
        (
            "listen:0.0.0.0:5010?allow=everybody",
            "`allow=everybody`: `everybody` is no IP address; \
             write \"listen:0.0.0.0:5010?allow=192.168.7.20\"",
        ),
        (
            "listen:0.0.0.0:5010?alow=10.0.0.1",
            "unknown option `alow`; did you mean `allow`?",
        ),
        (
            "http://",
            "`http://` is no address (empty host); \
             write \"http://192.168.7.40/cgi-bin/fpmate.cgi\"",
        ),
        (
            "http://admin:secret@rt.lan/",
            "a link holds no user name and no password; remove what stands before the `@`",
        ),
        (
            "http://rt.lan/#top",
            "a link ends before the `#`; remove it and the rest",
        ),
    ] {
        assert_eq!(refusal(url), sentence, "{url}");
    }
}
