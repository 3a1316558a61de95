use super::*;

#[test]
fn a_small_file_has_a_default_for_everything_else() {
    let Loaded { config, warnings } = read(USUAL).expect("the usual file is good");
    assert_eq!(warnings, []);
    assert_eq!(config.mews.platform.as_str(), "https://api.mews-demo.com/");
    assert_eq!(config.mews.websocket.as_str(), "wss://ws.mews-demo.com/");
    assert_eq!(config.admin.listen.to_string(), "127.0.0.1:8719");
    assert_eq!(config.journal.keep, Duration::from_hours(90 * 24));
    let ten_years = Duration::from_hours(10 * 365 * 24);
    assert!(config.journal.keep_audit >= ten_years);
    let [device] = config.devices.as_slice() else {
        panic!("one device")
    };
    assert_eq!(device.property, PropertyName::new("main"));
    assert_eq!(device.repeat_in_doubt, RepeatInDoubt::Never);
    assert_eq!(
        (device.expires, device.deadline, device.operator_wait),
        (None, None, None)
    );
}

#[test]
fn everything_that_can_be_said_is_read() {
    let text = r#"
[mews]
platform_address = "http://127.0.0.1:4000"
websocket_address = "ws://localhost:4001"
proxy = "http://proxy.hotel.lan:3128"
[property.main]
client_token = { env = "CLIENT" }
access_token = { file = "access-token" }
timezone = "Europe/Prague"
[device.locks]
property = "main"
mews = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
driver = "fias"
link = "listen:0.0.0.0:5010?allow=192.168.7.20"
expires_s = 900
deadline_s = 90
operator_wait_s = 0
repeat_in_doubt = "never"
system = "locks"
[device.locks.settings]
encoder = 2
[journal]
path = "journal.db"
keep_days = 7
audit_keep_years = 12
[admin]
listen = "[::1]:0"
"#;
    let Loaded { config, warnings } = read(text).expect("the file is good");
    assert_eq!(warnings, []);
    assert_eq!(
        config.mews.proxy.expect("set").host_str(),
        Some("proxy.hotel.lan")
    );
    let [property] = config.properties.as_slice() else {
        panic!("one property")
    };
    assert_eq!(property.access_token.expose_secret(), "55AA-0001");
    assert!(property.timezone.is_some());
    let device = &config.devices[0];
    assert!(matches!(device.mews, MewsDevice::Id(_)));
    assert_eq!(device.expires, Some(Duration::from_mins(15)));
    assert_eq!(device.operator_wait, Some(Duration::ZERO));
    assert_eq!(device.settings.system(), Some("locks"));
    #[derive(serde::Deserialize)]
    struct Encoder {
        encoder: u8,
    }
    assert_eq!(
        device.settings.parse::<Encoder>().expect("one key").encoder,
        2
    );
    assert_eq!(
        config.journal.path,
        Path::new("/etc/nightporter/journal.db")
    );
    assert!(config.admin.listen.is_ipv6());
}

#[test]
fn a_mark_of_a_windows_editor_and_its_line_ends_do_no_harm() {
    let text = format!("\u{feff}{}", USUAL.replace('\n', "\r\n"));
    assert!(read(&text).is_ok());
    assert_eq!(
        findings(&text.replace("mews = ", "mewz = ")),
        ["n.toml:8:1: device.bar: unknown key `mewz`; did you mean `mews`?"]
    );
}

#[test]
fn devices_and_properties_keep_the_order_of_the_file() {
    let text = format!(
        "{USUAL}[device.attic]\nmews = \"Attic\"\ndriver = \"escpos\"\nlink = \"tcp:h:1\"\n"
    );
    let config = read(&text).expect("the file is good").config;
    let names: Vec<&str> = config
        .devices
        .iter()
        .map(|device| device.name.as_str())
        .collect();
    assert_eq!(names, ["bar", "attic"]);
    assert!(config.device(&DeviceName::new("attic")).is_some());
}

#[test]
fn a_config_never_shows_a_token() {
    let config = read(USUAL).expect("the usual file is good").config;
    let shown = format!("{config:?}");
    assert!(
        !shown.contains("77F0") && !shown.contains("11E2"),
        "{shown}"
    );
    assert_eq!(config.secrets().count(), 2);
}
