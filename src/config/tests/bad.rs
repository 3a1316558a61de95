use super::*;

/// The usual file with one line replaced.
fn with(line: &str, instead: &str) -> String {
    assert!(USUAL.contains(line), "`{line}` is a line of the usual file");
    USUAL.replace(line, instead)
}

/// The usual file with settings of its device.
fn with_settings(lines: &str) -> String {
    format!("{USUAL}[device.bar.settings]\n{lines}\n")
}

fn only(text: &str) -> String {
    let mut all = findings(text);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

#[test]
fn every_error_is_told_at_once_and_in_the_order_of_the_file() {
    let text = r#"[mews]
enviroment = "demo"
[property.main]
client_token = "0A1B-77F0"
access_tokens = { env = "ACCESS" }
[property.annex]
client_token = { env = "NOWHERE" }
access_token = { env = "ACCESS" }
timezone = "Europe/Prage"
[device.bar]
property = "anex"
mews = "Bar"
driver = "escpso"
link = "tcp:192.168.7.30:9100?x=1"
expires_s = "8 h"
deadline_s = 0
colour = "red"
[devices.kitchen]
mews = "Kitchen"
[journal]
keep_days = 3
audit_keep_years = 0
[admin]
listen = "0.0.0.0:8719"
"#;
    assert_eq!(
        findings(text),
        [
            "n.toml:2:1: mews: unknown key `enviroment`; did you mean `environment`?",
            "n.toml:4:16: property.main: `client_token` does not belong in this file itself; \
             write { env = \"NAME\" } or { file = \"/path\" }",
            "n.toml:5:1: property.main: unknown key `access_tokens`; \
             did you mean `access_token`?",
            "n.toml:7:24: property.annex.client_token: the environment has no NOWHERE; \
             set it, or use { file = \"/path\" }",
            "n.toml:9:12: property.annex: unknown time zone `Europe/Prage`; \
             did you mean `Europe/Prague`?",
            "n.toml:11:12: device.bar: unknown property `anex`; did you mean `annex`?",
            "n.toml:13:10: device.bar: unknown driver `escpso`; did you mean `escpos`?",
            "n.toml:15:13: device.bar: `expires_s` is no whole number; \
             write it without quotes and unit",
            "n.toml:16:14: device.bar: `deadline_s` is 0; use 1 to 86400 seconds",
            "n.toml:17:1: device.bar: unknown key `colour`; known here: property, mews, driver, \
             link, expires_s, deadline_s, operator_wait_s, repeat_in_doubt, system, settings",
            "n.toml:18:2: unknown table `devices`; did you mean `device`?",
            "n.toml:21:13: journal: `keep_days` is 3; use 7 to 3650",
            "n.toml:22:20: journal: `audit_keep_years` is 0; \
             use 1 to 100, as the law of your country says",
            "n.toml:24:10: admin: `listen` is open to the network; \
             it must stay on this PC: use \"127.0.0.1:8719\"",
        ]
    );
}

#[test]
fn an_empty_file_says_what_must_be_there() {
    assert_eq!(
        findings(""),
        [
            "n.toml:1:1: [mews] is missing; \
             write it with environment = \"demo\" or \"production\"",
            "n.toml:1:1: [property] is missing; \
             write [property.main] with client_token and access_token",
            "n.toml:1:1: warning: no device; write [device.NAME] for each device on this PC",
        ]
    );
}

#[test]
fn what_is_simply_missing_is_told_at_its_table() {
    let text = with("link = \"tcp:192.168.7.30:9100\"\n", "")
        .replace("access_token = { env = \"ACCESS\" }\n", "");
    assert_eq!(
        findings(&text),
        [
            "n.toml:4:1: property.main: `access_token` is missing; \
             write { env = \"NAME\" } or { file = \"/path\" }",
            "n.toml:6:1: device.bar: `link` is missing; say where the device is, such as \
             \"tcp:192.168.7.30:9100\" or \"serial:COM3?baud=38400\"",
        ]
    );
}

#[test]
fn text_that_is_no_toml_is_told_with_its_place_and_without_echoes() {
    let text = with("environment = \"demo\"", "environment = \"demo");
    assert_eq!(
        only(&text),
        "n.toml:3:20: not TOML: invalid basic string, expected `\"`"
    );
    let text = with("driver = \"escpos\"", "driver =\ncolour = 5\ncolour = 6");
    let all = findings(&text);
    assert!(all[0].starts_with("n.toml:9:9: not TOML: "), "{all:#?}");
    assert!(
        all[1].starts_with("n.toml:10:1: device.bar: unknown key `colour`"),
        "{all:#?}"
    );
    assert!(
        all[2].ends_with("not TOML: duplicate key; it is there already: remove one of the two"),
        "{all:#?}"
    );
    assert_eq!(all.len(), 3, "{all:#?}");
}

#[test]
fn a_device_whose_name_has_a_space_is_told_to_use_quotes_and_nothing_else() {
    let text = with("[device.bar]", "[device.Bar Printer]");
    assert_eq!(
        only(&text),
        "n.toml:7:12: not TOML: unclosed table, expected `]`; \
         a name with a space stands in quotes: [device.\"Bar Printer\"]"
    );
    assert_eq!(
        only(&with("mews = \"Bar printer\"", "mews = Bar printer")),
        "n.toml:8:8: not TOML: string values must be quoted, expected literal string; \
         write the text in quotes: key = \"text\""
    );
}

#[test]
fn a_missing_key_of_a_device_hides_nothing_in_its_settings() {
    let text = with_settings("colums = 42").replace("mews = \"Bar printer\"\n", "");
    let all = findings(&text);
    assert!(all[0].contains("`mews` is missing"), "{all:#?}");
    assert!(
        all[1].ends_with("unknown key `colums`; did you mean `columns`?"),
        "{all:#?}"
    );
    assert_eq!(all.len(), 2, "{all:#?}");
}

#[test]
fn what_a_driver_advises_is_a_warning_at_its_place() {
    let text = with_settings("columns = 1");
    assert!(read(&text).is_ok(), "a warning stops nobody");
    assert_eq!(
        only(&text),
        "n.toml:12:11: warning: device.bar.settings: `columns` is 1; hardly meant so"
    );
}

#[test]
fn a_key_of_the_wrong_type_is_told_without_its_value() {
    assert_eq!(
        only(&with("mews = \"Bar printer\"", "mews = 17")),
        "n.toml:8:8: device.bar: `mews` is no text; write it in quotes"
    );
    let text = with(
        "[device.bar]",
        "[device]\nmews = \"Bar printer\"\n[device.bar]",
    );
    assert_eq!(
        only(&text),
        "n.toml:8:1: device: `mews` is no table; give the device a name: [device.NAME]"
    );
    let text = with("[mews]\nenvironment = \"demo\"", "mews = \"demo\"");
    assert!(only(&text).starts_with("n.toml:2:8: `mews` is no table"));
    let text = format!("{USUAL}settings = 5\n");
    assert_eq!(
        only(&text),
        "n.toml:11:12: device.bar: `settings` is no table; write [device.bar.settings]"
    );
}

#[test]
fn a_name_that_cannot_be_typed_is_refused() {
    let text = with("[device.bar]", "[device.\"bar printer\"]");
    assert!(only(&text).starts_with("n.toml:7:9: device: this name cannot be used"));
}

#[test]
fn an_unknown_environment_gets_a_suggestion() {
    assert_eq!(
        only(&with("\"demo\"", "\"prodution\"")),
        "n.toml:3:15: mews: unknown environment `prodution`; did you mean `production`?"
    );
}

#[test]
fn addresses_are_both_or_none_and_never_in_clear_text_over_the_network() {
    let mews = |lines: &str| only(&with("environment = \"demo\"", lines));
    assert!(mews("environment = \"demo\"\nproxy = \"https://p\"").contains("no HTTP proxy"));
    assert!(mews("environment = \"demo\"\nproxy = \"proxy\"").contains("`proxy` is no address"));
    assert!(
        mews("environment = \"demo\"\nplatform_address = \"https://h\"")
            .contains("two answers to one question")
    );
    assert!(mews("platform_address = \"https://h\"").contains("`websocket_address` is missing"));
    let both = |platform: &str, socket: &str| {
        mews(&format!(
            "platform_address = \"{platform}\"\nwebsocket_address = \"{socket}\""
        ))
    };
    assert!(both("http://api.mews.com", "wss://h").contains("tokens in clear text"));
    assert!(both("https://h", "ws://192.168.7.1").contains("tokens in clear text"));
    assert!(both("http://localhost.example.com", "wss://h").contains("tokens in clear text"));
    assert!(both("wss://h", "wss://h").contains("begins with another scheme"));
    assert!(both("https://h/api", "wss://h").contains("more than a host"));
    assert!(both("https://", "wss://h").contains("is no address"));
}

#[test]
fn a_password_in_an_address_is_refused_and_not_repeated() {
    let text = with(
        "environment = \"demo\"",
        "environment = \"demo\"\nproxy = \"http://porter:hunter2@proxy:3128\"",
    );
    let line = only(&text);
    assert!(
        line.contains("holds a name or password") && !line.contains("hunter2"),
        "{line}"
    );
}

#[test]
fn certificates_must_be_there_and_must_be_some() {
    let text = with("[property.main]", "ca_file = \"ca.pem\"\n[property.main]");
    assert!(only(&text).starts_with("n.toml:4:11: mews: cannot read `ca_file`"));
    let vault = Drawer::usual().with_file("/etc/nightporter/ca.pem", "no certificate", true);
    assert!(findings_in(&text, &vault)[0].contains("holds no certificate"));
}

#[test]
fn a_token_is_one_word_in_one_place_and_never_repeated() {
    let token = |value: &str| only(&with("{ env = \"CLIENT\" }", value));
    assert!(token("{ file = \"/nowhere\" }").contains("cannot read the file"));
    assert!(token("{}").contains("needs one place"));
    assert!(token("{ env = \"CLIENT\", file = \"/x\" }").contains("needs one place"));
    assert!(token("{ envv = \"CLIENT\" }").contains("did you mean `env`?"));
    assert!(!token("{ env = \"0A1B-77F0\" }").contains("77F0"));
    assert!(!token("{ file = \"0A1B-77F0\" }").contains("77F0"));
    assert!(!token("\"0A1B-77F0\"").contains("77F0"));
    assert!(!token("[\"0A1B-77F0\"]").contains("77F0"));
    let vault = Drawer::usual().with_variable("CLIENT", " \n");
    assert!(findings_in(USUAL, &vault)[0].contains("the variable is empty"));
    let vault = Drawer::usual().with_variable("CLIENT", "0A1B-77F0; Path=/");
    let lines = findings_in(USUAL, &vault);
    assert!(
        lines[0].contains("more than one word") && !lines[0].contains("77F0"),
        "{lines:?}"
    );
}

#[test]
fn a_token_everybody_may_read_is_a_warning_and_the_worker_starts() {
    let vault = Drawer::usual().with_file("/etc/nightporter/t", "55AA-0001\n", true);
    let text = with("{ env = \"ACCESS\" }", "{ file = \"t\" }");
    let loaded = read_in(&text, &vault).expect("a warning is no error");
    assert_eq!(loaded.warnings.len(), 1);
    let line = loaded.warnings[0].to_string();
    assert!(line.starts_with("n.toml:6:25: warning: property.main.access_token: every user"));
}

#[test]
fn two_properties_never_share_an_access_token() {
    let annex = |access: &str| {
        format!(
            "{USUAL}property = \"main\"\n[property.annex]\nclient_token = {{ env = \"CLIENT\" }}\n\
             access_token = {access}\n"
        )
    };
    // The same secret from another place; then the same place without a secret.
    let vault = Drawer::usual().with_file("/etc/nightporter/t", "9C8D-11E2", false);
    let lines = findings_in(&annex("{ file = \"t\" }"), &vault);
    assert_eq!(
        lines,
        [
            "n.toml:14:25: property.annex: the access token is also that of main (line 6); \
          each property needs its own"
        ]
    );
    let vault = Drawer::default().with_variable("CLIENT", "0A1B-77F0");
    let lines = findings_in(&annex("{ env = \"ACCESS\" }"), &vault);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("also that of main (line 6)")),
        "{lines:#?}"
    );
    assert!(read_in(&annex("{ file = \"access-token\" }"), &Drawer::usual()).is_ok());
}

#[test]
fn a_device_of_mews_and_a_wire_belong_to_one_device_each_or_agree() {
    let second = |mews: &str, link: &str| {
        format!("{USUAL}[device.two]\nmews = \"{mews}\"\ndriver = \"escpos\"\nlink = \"{link}\"\n")
    };
    assert_eq!(
        only(&second("Bar printer", "tcp:192.168.7.31:9100")),
        "n.toml:12:8: device.two: `Bar printer` in Mews is also bar (line 8); \
         each device of Mews is one device here"
    );
    assert_eq!(
        only(&second("Kitchen", "tcp:192.168.7.30:9100?keep=1")),
        "n.toml:14:8: device.two: bar has the same address with other options (line 10); \
         they share one wire: write the same link in both"
    );
    assert!(read(&second("Kitchen", "tcp:192.168.7.30:9100")).is_ok());
}

#[test]
fn what_a_driver_finds_is_told_with_the_rest_and_in_its_place() {
    assert_eq!(
        only(&with_settings("colums = 42")),
        "n.toml:12:1: device.bar.settings: unknown key `colums`; did you mean `columns`?"
    );
    assert_eq!(
        only(&with_settings("columns = 0")),
        "n.toml:12:11: device.bar.settings: `columns` is 0; use 32 to 64"
    );
    assert_eq!(
        only(&with_settings("encoder = 0")),
        "n.toml:7:1: device.bar: no encoder; give each device one"
    );
    let text = with_settings("colums = 42\nencodr = 1").replace("demo", "demon");
    assert_eq!(findings(&text).len(), 3);
}

#[test]
fn a_link_that_cannot_be_hides_no_wrong_setting() {
    let text = with("tcp:192.168.7.30:9100", "usb:1");
    let all = findings(&format!("{text}[device.bar.settings]\ncolums = 42\n"));
    assert!(all[0].contains("`link`: unknown scheme"), "{all:#?}");
    assert!(all[1].ends_with("did you mean `columns`?"), "{all:#?}");
    assert_eq!(all.len(), 2, "{all:#?}");
}

#[test]
fn a_link_that_cannot_be_is_told_at_the_link() {
    assert_eq!(
        only(&with("tcp:192.168.7.30:9100", "usb:1")),
        "n.toml:10:8: device.bar: `link`: unknown scheme; use tcp:, serial: or listen:"
    );
    assert_eq!(
        only(&with("tcp:192.168.7.30:9100", "serial:COM3?baud=fast")),
        "n.toml:10:8: device.bar: `baud=fast` is no number; write baud=9600"
    );
}

#[test]
fn only_paper_is_ever_repeated() {
    let text = format!("{USUAL}repeat_in_doubt = \"marked\"\n");
    assert!(read(&text).is_ok());
    assert_eq!(
        only(&text.replace("escpos", "fias")),
        "n.toml:11:19: device.bar: `repeat_in_doubt` is for printers only; \
         remove it, nothing else is ever repeated"
    );
}

#[test]
fn several_properties_make_the_property_of_a_device_required() {
    let text = format!(
        "{USUAL}[property.annex]\nclient_token = {{ env = \"CLIENT\" }}\n\
         access_token = {{ file = \"access-token\" }}\n"
    );
    assert_eq!(
        only(&text),
        "n.toml:7:1: device.bar: `property` is missing; \
         there are several: name one of main, annex"
    );
}

#[test]
fn columns_count_characters_and_not_bytes() {
    let text = with(
        "mews = \"Bar printer\"",
        "mews = \"Bar\" # Küche\nsystem = \"ü\" x",
    );
    assert!(
        only(&text).starts_with("n.toml:9:14: not TOML"),
        "{}",
        only(&text)
    );
}
