use super::*;

#[test]
fn only_the_configured_host_is_ours() {
    let link = "http://192.168.7.31/cgi-bin/fpmate.cgi?devid=local_printer";
    for ours in [
        "http://192.168.7.31/cgi-bin/fpmate.cgi",
        "https://192.168.7.31:443/",
        "http://192.168.7.31",
    ] {
        assert!(same_host(ours, link), "{ours}");
    }
    for other in [
        "http://192.168.7.310/cgi-bin/fpmate.cgi",
        "http://192.168.7.31@10.0.0.1/",
        "http://10.0.0.1/?192.168.7.31",
        "http://10.0.0.1\\@192.168.7.31/",
        "file:///etc/passwd",
        "ftp://192.168.7.31/",
        "",
    ] {
        assert!(!same_host(other, link), "{other}");
    }
    assert!(same_host("tcp:192.168.7.30:4999", "tcp:192.168.7.30:3999"));
    assert!(!same_host("http://192.168.7.30/", "serial:/dev/ttyUSB0"));
}

#[test]
fn a_key_nobody_knows_is_named() {
    assert!(check_data(r#"{"printerPort":"COM1","baudRate":9600}"#).is_ok());
    for (text, key) in [
        (r#"{"firmware":"x"}"#, "firmware"),
        ("[1]", "(no JSON object)"),
    ] {
        let fault = check_data(text).expect_err("unknown");
        assert_eq!(fault.say().args["key"], key);
    }
}

#[test]
fn a_refused_address_is_shown_without_what_may_be_a_password() {
    let cases = [
        ("http://admin:s3cret@10.0.0.9:81/cgi-bin", "10.0.0.9:81"),
        ("http://10.0.0.9/print?password=s3cret", "10.0.0.9"),
        ("admin:s3cret@10.0.0.9", "10.0.0.9"),
        ("http://admin:s3c/ret@10.0.0.9", "(with a user in it)"),
        ("tcp:10.0.0.9:3999", "tcp:10.0.0.9:3999"),
    ];
    for (address, told) in cases {
        assert_eq!(super::shown(address), told, "{address}");
    }
}
