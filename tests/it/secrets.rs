//! The real binary at its loudest, from start to stop, with marks in every input: what it must
//! never say, it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use driver_link::host::serve_tcp;
use driver_sdk::VirtualDevice;
use nightporter::journal::{Core, Options};
use nightporter::sandbox::{
    CommandState, DeviceKind, Hotel, HotelOptions, KeyRequest, NewCommand, Sandbox, SandboxOptions,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::house::{say, within};

/// In every mark, in no other word.
const CANARY: &str = "canar";
const CLIENT: &str = "0A1BCANARYCLIENT-77F0";
const ACCESS: &str = "9C8DCANARYACCESS-11E2";
const FIRST_NAME: &str = "Canarina";
const LAST_NAME: &str = "Canaryson";
const PHONE: &str = "420CANARPHONE";
const MAIL: &str = "canarmail";
const LOCK_PASSWORD: &str = "CanarLockPassword";
const TILL_PASSWORD: &str = "CANARTIL";
const CARD: &str = "4111CANARCARD1111";
const TAX_NUMBER: &str = "CANARTAX01";
const PASSPORT: &str = "CANARPASSPORT7";
/// On no document and in no log, whatever stands on the paper.
const NEVER: [&str; 5] = [CLIENT, ACCESS, LOCK_PASSWORD, TILL_PASSWORD, CARD];

/// Words with a mark, by where they were found.
type Found = BTreeMap<&'static str, BTreeSet<String>>;

/// All words of some bytes that bear a mark.
fn marked(bytes: &[u8]) -> BTreeSet<String> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric();
    let words = bytes.split(|byte| !word(byte));
    words
        .filter(|word| word.len() >= CANARY.len())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .filter(|word| word.to_ascii_lowercase().contains(CANARY))
        .collect()
}

/// Files under a folder, folders in it included.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(inside) = std::fs::read_dir(folder) else {
        return found;
    };
    for path in inside.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn marked_files(folder: &Path) -> BTreeSet<String> {
    let all = files(folder).into_iter();
    all.filter_map(|path| std::fs::read(path).ok())
        .flat_map(|bytes| marked(&bytes))
        .collect()
}

/// A hotel whose every input bears marks, and one worker.
struct House {
    cloud: Sandbox,
    folder: TempDir,
    devices: BTreeMap<&'static str, (Uuid, Arc<dyn VirtualDevice>)>,
    sections: String,
    end: CancellationToken,
}

impl Drop for House {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// Kind, class, around the address, settings.
type Kind = (&'static str, DeviceKind, [&'static str; 2], String);

fn every_kind() -> [Kind; 5] {
    let wire = ["tcp:", ""];
    let vat = "vat = { NIGHT = { group = 2, percent = \"9\" }, \
               untaxed = { group = 1, percent = \"0\" } }";
    let datecs =
        format!("operator_password = \"{TILL_PASSWORD}\"\n{vat}\npayments = {{ Cash = \"0\" }}");
    let epson = "vat = { NIGHT = { group = 2 }, untaxed = { group = 11 } }\n\
                 payments = { Cash = \"0-0\" }\nfiscal_code_key = \"Code\"";
    let lock = "profile = \"salto\"\nencoder = \"Online Encoder\"";
    [
        (
            "pms-industry-standard",
            DeviceKind::KeyCutter,
            wire,
            lock.into(),
        ),
        (
            "fias",
            DeviceKind::KeyCutter,
            wire,
            "encoder = \"1\"".into(),
        ),
        ("escpos", DeviceKind::Printer, wire, "dots = 576".into()),
        ("datecs", DeviceKind::FiscalMachine, wire, datecs),
        (
            "epson-rt",
            DeviceKind::FiscalMachine,
            ["http://", "/cgi-bin/fpmate.cgi"],
            epson.into(),
        ),
    ]
}

impl House {
    /// `leak` becomes a part of every device's name, which is shown and logged.
    async fn new(leak: &str) -> Self {
        let hotel = HotelOptions {
            access_token: Some(ACCESS.to_owned()),
            ..HotelOptions::default()
        };
        let options = SandboxOptions {
            client_token: Some(CLIENT.to_owned()),
            hotel,
            ..SandboxOptions::default()
        };
        let mut house = Self {
            cloud: Sandbox::start(options).await.expect("loopback"),
            folder: tempfile::tempdir().expect("a folder"),
            devices: BTreeMap::new(),
            sections: String::new(),
            end: CancellationToken::new(),
        };
        for folder in ["config", "state"] {
            std::fs::create_dir(house.folder.path().join(folder)).expect("ours");
        }
        for kind in every_kind() {
            house.put(kind, leak).await;
        }
        let text = format!(
            "[mews]\nplatform_address = \"{}\"\nwebsocket_address = \"{}\"\n\
             [property.main]\nclient_token = {{ env = \"CLIENT\" }}\n\
             access_token = {{ env = \"ACCESS\" }}\n{}\
             [journal]\npath = '{}'\n[admin]\nlisten = \"127.0.0.1:0\"\n",
            house.cloud.platform_address(),
            house.cloud.websocket_address(),
            house.sections,
            house.journal().display(),
        );
        std::fs::write(house.config(), text).expect("ours");
        house
    }

    async fn put(&mut self, (kind, class, link, settings): Kind, leak: &str) {
        let zone = ("zone".to_owned(), "Europe/Lisbon".to_owned());
        let password = ("password".to_owned(), TILL_PASSWORD.to_owned());
        let switches: &[_] = match kind {
            "datecs" => &[zone, password],
            "epson-rt" => &[zone],
            _ => &[],
        };
        let paper = self.folder.path().join("paper").join(kind);
        let simulator = crate::house::kind_named(kind).simulator();
        let device = simulator.expect("it has one").build(paper, switches);
        let device = device.expect("the switches exist");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let wire = listener.local_addr().expect("bound");
        tokio::spawn(serve_tcp(listener, Arc::clone(&device), self.end.clone()));
        let name = format!("{kind}{leak}");
        let id = self.cloud.add_device(class, &name);
        let [before, after] = link;
        self.sections += &format!(
            "[device.{name}]\nmews = \"{name}\"\ndriver = \"{kind}\"\n\
             link = \"{before}{wire}{after}\"\n[device.{name}.settings]\n{settings}\n"
        );
        self.devices.insert(kind, (id, device));
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config/nightporter.toml")
    }

    /// Where the worker writes: nothing else is there.
    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn journal(&self) -> PathBuf {
        self.state().join("journal.db")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightporter"));
        command.arg("--config").arg(self.config()).args(words);
        command.env("CLIENT", CLIENT).env("ACCESS", ACCESS);
        command.env("RUST_LOG", "trace").kill_on_drop(true);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Both streams of a verb.
    async fn run(&self, words: &[&str]) -> Vec<u8> {
        let output = within("a verb", self.command(words).output()).await;
        let output = output.expect("the binary starts");
        [output.stdout, output.stderr].concat()
    }

    /// One of everything, marks in it: command and whether it must succeed.
    fn order(&self) -> Vec<(Uuid, bool)> {
        let id = |kind| self.devices[kind].0;
        let key = KeyRequest {
            encoder: None,
            guest: [FIRST_NAME, LAST_NAME, FIRST_NAME, LAST_NAME].map(str::to_owned),
            ..KeyRequest::new("101", self.cloud.now())
        };
        let mut told = key.data();
        told["Telephone"] = json!(PHONE);
        told["Email"] = json!(format!("{MAIL}@example.com"));
        let mut with_password = told.clone();
        with_password["KeyCutterData"] = json!(format!("{{\"Password\":\"{LOCK_PASSWORD}\"}}"));
        let data = |kind, data: &Value| self.cloud.add(NewCommand::new(id(kind), data.clone()));
        let text = format!("{FIRST_NAME} {LAST_NAME}, room 101\n{CARD}\n");
        let mut orders = vec![
            (data("pms-industry-standard", &told), true),
            (data("fias", &told), true),
            (data("pms-industry-standard", &with_password), true),
            (data("fias", &with_password), true),
            (
                self.cloud
                    .add_print(id("escpos"), "text/plain", text.as_bytes(), 1),
                true,
            ),
        ];
        for kind in ["datecs", "epson-rt"] {
            for shown in [false, true] {
                let bill = bill(shown);
                orders.push((self.cloud.add_fiscal(id(kind), bill), true));
            }
        }
        // What is refused is quoted gladly: an address with a password in it, data that is no
        // JSON, data with a password where none belongs.
        let address = json!(format!("http://admin:{LOCK_PASSWORD}@10.0.0.9/cgi-bin"));
        let data_of = [
            json!(format!("Password={LOCK_PASSWORD}")),
            json!(format!("{{\"Password\":\"{LOCK_PASSWORD}\",")),
        ];
        for kind in ["pms-industry-standard", "fias"] {
            let mut order = told.clone();
            order["ApiUrl"] = address.clone();
            orders.push((data(kind, &order), false));
            for text in &data_of {
                let mut order = told.clone();
                order["KeyCutterData"] = text.clone();
                orders.push((data(kind, &order), false));
            }
        }
        for kind in ["datecs", "epson-rt"] {
            for (field, text) in std::iter::once(("ApiUrl", &address))
                .chain(data_of.iter().map(|text| ("FiscalMachineData", text)))
            {
                let mut order = json!({ "Bill": bill(true), "FiscalMachineId": null,
                    "ApiUrl": null, "FiscalMachineData": null, "TaxIdentifier": null,
                    "BillFiscalMachineData": null, "PayloadData": null });
                order[field] = text.clone();
                orders.push((data(kind, &order), false));
            }
        }
        orders
    }

    /// What stands on any document or receipt.
    fn on_paper(&self) -> BTreeSet<String> {
        let devices = self.devices.values();
        devices
            .flat_map(|(_, device)| device.effects())
            .flat_map(|effect| marked(effect.content.as_bytes()))
            .collect()
    }
}

/// A bill full of marks. `shown`: the buyer is to stand on the document.
fn bill(shown: bool) -> Value {
    let mut bill = crate::one_bill::bill(if shown { "2" } else { "1" });
    bill["Name"] = json!(LAST_NAME);
    bill["Notes"] = json!(format!("{FIRST_NAME} paid by {CARD}"));
    bill["Options"]["DisplayCustomer"] = json!(shown);
    for line in bill["Payments"].as_array_mut().expect("a list") {
        line["Name"] = json!(format!("Cash {CARD}"));
        line["Notes"] = json!(CARD);
    }
    for line in bill["Revenue"].as_array_mut().expect("a list") {
        line["Notes"] = json!(LAST_NAME);
    }
    bill["OwnerData"] = json!({ "Discriminator": "BillCustomerData", "Value": {
        "Id": Uuid::new_v4(), "FirstName": FIRST_NAME, "LastName": LAST_NAME,
        "TaxIdentifier": TAX_NUMBER,
        "Address": { "Line1": LAST_NAME, "City": FIRST_NAME, "PostalCode": "1",
            "CountryCode": null },
        "LegalIdentifiers": { "Passport": PASSPORT, "Code": "RSSMRA85T10A562S" },
    }});
    bill
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|at| at == text)
}

/// Asks the worker to stop, and hears it out.
async fn stopped(mut worker: Child, said: tokio::task::JoinHandle<Vec<u8>>) -> Vec<u8> {
    let id = i32::try_from(worker.id().expect("it runs")).expect("a process id");
    let id = rustix::process::Pid::from_raw(id).expect("a process id");
    rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it is ours");
    let log = within("the log", said).await.expect("no panic");
    let ended = within("the stop", worker.wait()).await.expect("ours");
    assert_eq!(ended.code(), Some(0));
    for word in ["Worker started", "Worker stopped", "DEBUG"] {
        assert!(contains(&log, word.as_bytes()), "{word} is not in the log");
    }
    log
}

/// Everything is ordered, done and looked at; then all places are searched.
async fn search(house: &House) -> Found {
    let mut found = Found::new();
    let mut worker = house.command(&["run"]).spawn().expect("it starts");
    let said = drained(&mut worker);
    let up = |hotel: &Hotel| hotel.sockets() == 1;
    within("the socket", house.cloud.wait_until(up)).await;
    let orders = house.order();
    let mut refused = 0;
    for (id, well) in &orders {
        let state = within("the end", house.cloud.wait_final(*id)).await;
        let notes = house.cloud.notes(*id).unwrap_or_default();
        // What must succeed does; of the others only what is told matters.
        let right = state == CommandState::Processed || !*well;
        assert!(right, "{state:?}: {notes}");
        refused += usize::from(state == CommandState::Error);
        found
            .entry("notes")
            .or_default()
            .extend(marked(notes.as_bytes()));
    }
    assert!(refused > 5, "only {refused} were refused");
    let mut looks = |place, bytes: Vec<u8>| {
        assert!(!bytes.is_empty(), "{place} says nothing");
        found.entry(place).or_default().extend(marked(&bytes));
    };
    looks("status", house.run(&["status"]).await);
    looks("status", house.run(&["status", "--json"]).await);
    looks("queue", house.run(&["queue"]).await);
    for (id, _) in &orders {
        looks("show", house.run(&["show", &id.to_string()]).await);
    }
    looks("doctor", house.run(&["doctor"]).await);
    looks("audit", house.run(&["audit", "--csv"]).await);
    let log = stopped(worker, said).await;
    looks("log", log);
    found.insert("files", marked_files(&house.state()));
    purge(&house.journal(), orders.len());
    found.insert("files after purge", marked_files(&house.state()));
    found
}

/// Reads both streams of a worker to their end.
fn drained(worker: &mut Child) -> tokio::task::JoinHandle<Vec<u8>> {
    use tokio::io::AsyncReadExt as _;
    let mut out = worker.stdout.take().expect("piped");
    let mut err = worker.stderr.take().expect("piped");
    tokio::spawn(async move {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let (read, other) = tokio::join!(out.read_to_end(&mut first), err.read_to_end(&mut second));
        read.and(other).expect("the streams end");
        [first, second].concat()
    })
}

/// As the worker does it when a command is old enough.
fn purge(journal: &Path, rows: usize) {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let (mut core, _) = Core::open(journal, Options::default(), now).expect("a journal");
    let later = jiff::Timestamp::from_second(4_000_000_000).expect("in range");
    assert_eq!(core.purge(later).expect("the disk is good"), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mark_of_any_input_is_in_any_log_answer_or_file() {
    let house = House::new("").await;
    let found = search(&house).await;
    let paper = house.on_paper();
    say(format_args!(
        "canaries: {} places searched, on paper {paper:?}, found {found:?}",
        found.len()
    ));
    // The receipt bears the guest: the marks did reach the devices.
    assert!(paper.contains(LAST_NAME), "{paper:?}");
    for (place, words) in &found {
        for word in words {
            let fiscal = ["audit", "files", "files after purge"].contains(place);
            let may = fiscal && paper.contains(word) && !NEVER.contains(&word.as_str());
            assert!(may, "{word} in {place}: {found:?}");
        }
    }
}

/// The twin: one mark is leaked, in the name of every device, and is found in every place where a
/// device is named; and the payload of an open command is found on the disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_leaks_is_found_in_every_place() {
    let house = House::new("-canarleak").await;
    let kept = async {
        while !marked_files(&house.state()).contains(LAST_NAME) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    let (found, kept) = tokio::join!(
        search(&house),
        tokio::time::timeout(crate::house::PATIENCE, kept)
    );
    say(format_args!("canaries, twin: {found:?}"));
    kept.expect("the payload of an open command was on the disk");
    for place in ["notes", "status", "queue", "show", "log", "files"] {
        assert!(found[place].contains("canarleak"), "{place}: {found:?}");
    }
}

/// A bug that panics with a guest's name in hand: the place is told, the text is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_tells_its_place_and_not_its_text() {
    let house = House::new("").await;
    let mut command = house.command(&["run"]);
    command.env("NIGHTPORTER_CRASH_AT", "after-commit:1");
    command.env(
        "NIGHTPORTER_PANIC_TEXT",
        format!("{FIRST_NAME} {LAST_NAME}"),
    );
    let mut worker = command.spawn().expect("it starts");
    let said = drained(&mut worker);
    let up = |hotel: &Hotel| hotel.sockets() == 1;
    within("the socket", house.cloud.wait_until(up)).await;
    let text = format!("{LAST_NAME}\n");
    let device = house.devices["escpos"].0;
    let id = house
        .cloud
        .add_print(device, "text/plain", text.as_bytes(), 1);
    within("the end", house.cloud.wait_final(id)).await;
    let log = stopped(worker, said).await;
    let told = String::from_utf8_lossy(&log);
    assert!(told.contains("A part of the program failed"), "{told}");
    assert!(told.contains("crash.rs"), "{told}");
    assert_eq!(marked(&log), BTreeSet::new());
}

/// A bug in the lane of a device: what is next is read from the rows again, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_breaks_off_in_a_lane_leaves_no_command_behind() {
    let house = House::new("").await;
    let mut command = house.command(&["run"]);
    command.env("NIGHTPORTER_CRASH_AT", "before-settle:1");
    command.env("NIGHTPORTER_PANIC_TEXT", "a bug");
    let mut worker = command.spawn().expect("it starts");
    let said = drained(&mut worker);
    let up = |hotel: &Hotel| hotel.sockets() == 1;
    within("the socket", house.cloud.wait_until(up)).await;
    let device = house.devices["escpos"].0;
    for text in ["one\n", "two\n"] {
        let id = house
            .cloud
            .add_print(device, "text/plain", text.as_bytes(), 1);
        within("the end", house.cloud.wait_final(id)).await;
    }
    let log = stopped(worker, said).await;
    let told = String::from_utf8_lossy(&log);
    assert!(told.contains("broke off, which is a bug"), "{told}");
}
