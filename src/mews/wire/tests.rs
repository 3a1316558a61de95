//! Golden vectors of the contract, and its traps.

use std::str::FromStr;

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;

use super::*;

const ID: &str = "5d0c5b0e-6d6c-4b86-9a30-6f2a1f0c0001";

fn tokens() -> Tokens {
    Tokens {
        client: "0A1B-77F0".into(),
        access: "9C8D-11E2".into(),
    }
}

fn command(kind: &str, data: serde_json::Value) -> Command {
    let json = json!({
        "Id": ID, "State": "Pending", "CreatedUtc": "2026-08-10T09:15:02Z", "Creator": null,
        "Device": { "Id": "1b7f7a34-6f53-4f0e-8a8c-0d6c3a9e0001", "Type": kind,
            "Name": "Encoder 2", "Identifier": null },
        "Data": data,
    });
    Command::parse(json.to_string().as_bytes()).expect("an envelope as the contract shows it")
}

fn key_data() -> serde_json::Value {
    json!({ "KeyCutterId": "2", "ApiUrl": "192.168.7.20:8999", "KeyCutterData": "{\"Type\":\"Fias\"}",
        "KeyCount": 2, "LockIds": ["204"], "StartUtc": "2026-08-10T13:00:00Z",
        "EndUtc": "2026-08-12T09:00:00Z", "FirstName": "Zoë", "LastName": "Nováková",
        "NormalizedFirstName": "Zoe", "NormalizedLastName": "Novakova", "Telephone": null,
        "Email": null, "ReservationId": "9d1d0d3e-2a67-4b55-bb0a-6b7c8d9e0003",
        "ReservationNumber": "20481" })
}

#[test]
fn the_key_command_of_the_contract_is_read() {
    let command = command("KeyCutter", key_data());
    assert_eq!(command.id.to_string(), ID);
    assert_eq!(command.state, State::Pending);
    assert_eq!(
        command.created.map(|at| at.to_string()).as_deref(),
        Some("2026-08-10T09:15:02Z")
    );
    assert_eq!(command.device.name, "Encoder 2");
    let Ok(Data::KeyCutter(data)) = Data::read(&command) else {
        panic!("a key cutter's data")
    };
    assert_eq!(
        (data.key_count, data.lock_ids.as_slice()),
        (2, &["204".to_owned()][..])
    );
    assert_eq!(data.last_name.reveal(), "Nováková");
    assert_eq!(data.email, None);
}

#[test]
fn absent_members_are_null() {
    let mut data = key_data();
    let members = data.as_object_mut().expect("an object");
    for optional in [
        "KeyCutterId",
        "ApiUrl",
        "KeyCutterData",
        "FirstName",
        "Telephone",
        "Email",
    ] {
        members.remove(optional);
    }
    assert!(matches!(
        Data::read(&command("KeyCutter", data)),
        Ok(Data::KeyCutter(_))
    ));
    let empty = command("PassportScanner", json!({}));
    assert!(matches!(Data::read(&empty), Ok(Data::PassportScanner(_))));
}

#[test]
fn personal_data_is_in_no_debug_and_in_no_reason() {
    let read = command("KeyCutter", key_data());
    let shown = format!("{read:?} {:?}", Data::read(&read));
    for secret in ["Zo", "Nov", "Fias"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let mut data = key_data();
    data["KeyCount"] = json!("Nováková");
    let reason = Data::read(&command("KeyCutter", data)).expect_err("a count that is a name");
    assert!(!reason.to_string().contains("Nov"), "{reason}");
}

#[test]
fn an_envelope_survives_odd_members() {
    let json = json!({
        "Id": ID.to_uppercase(), "State": "Sleeping", "CreatedUtc": 17, "New": { "x": [1] },
        "Device": { "Id": "1b7f7a34-6f53-4f0e-8a8c-0d6c3a9e0001", "Type": "VisiOnlineKeyCutter",
            "Name": null },
    });
    let command = Command::parse(json.to_string().as_bytes()).expect("an id and a device");
    assert_eq!(command.state, State::Unknown("Sleeping".to_owned()));
    assert_eq!(command.created, None);
    assert_eq!(command.data.get(), "null");
    let bad = Data::read(&command).expect_err("an unknown kind");
    assert_eq!(bad, BadData::UnknownType("VisiOnlineKeyCutter".to_owned()));
    for kind in [
        "Printer",
        "KeyCutter",
        "FiscalMachine",
        "PaymentTerminal",
        "PassportScanner",
    ] {
        let mut command = command.clone();
        command.device.kind = DeviceType::from(kind);
        assert!(
            matches!(Data::read(&command), Err(BadData::Unreadable(_))),
            "{kind}"
        );
    }
}

#[test]
fn a_command_without_device_is_skipped_with_its_id() {
    let json = format!(r#"{{"State":"Pending","Id":"{ID}","Device":null}}"#);
    let skipped = Command::parse(json.as_bytes()).expect_err("no device");
    assert_eq!(skipped.id.map(|id| id.to_string()).as_deref(), Some(ID));
    assert!(
        Command::parse(br#"{"Id":null}"#)
            .expect_err("no id")
            .id
            .is_none()
    );
}

#[test]
fn the_fiscal_command_of_the_contract_is_read() {
    let command = command("FiscalMachine", fiscal_data());
    let Ok(Data::FiscalMachine(data)) = Data::read(&command) else {
        panic!("fiscal data")
    };
    assert_eq!(data.bill.kind, BillType::Receipt);
    let revenue = data.bill.revenue.expect("two lines");
    let night = revenue[0].amount.as_ref().expect("an amount");
    assert_eq!(night.gross_value, Decimal::from(110));
    assert_eq!(
        night.breakdown.items[0].tax_rate_code.as_deref(),
        Some("IT-X-10")
    );
    let payments = data.bill.payments.expect("one payment");
    assert_eq!(payments[0].sub_state, Some(PaymentState::Charged));
    let all = revenue
        .iter()
        .chain(&payments)
        .filter_map(|line| line.amount.as_ref());
    assert_eq!(
        all.map(|amount| amount.gross_value).sum::<Decimal>(),
        Decimal::ZERO
    );
    let Some(BillFiscalMachineData::Italian(italian)) = data.bill_fiscal_machine_data else {
        panic!("Italian data")
    };
    assert!(!italian.is_refund);
}

#[test]
fn both_names_of_the_italian_payload_are_known_and_others_are_kept() {
    for (name, known) in [
        ("ItalianFiscalMachine", true),
        ("ItalianFiscalMachinePayloadData", true),
        ("MartianPayload", false),
    ] {
        let mut data = fiscal_data();
        data["PayloadData"] = json!({ "Discriminator": name, "Value": "PHhtbC8+" });
        let command = command("FiscalMachine", data);
        let Ok(Data::FiscalMachine(data)) = Data::read(&command) else {
            panic!("fiscal data")
        };
        let payload = data.payload_data.expect("a payload");
        assert_eq!(matches!(payload, PayloadData::Italian(_)), known, "{name}");
    }
}

#[test]
fn both_styles_of_an_account_are_read() {
    let mut data = fiscal_data();
    let customer = json!({ "Id": "x", "LastName": "Nováková", "LegalIdentifiers": { "A": "1" } });
    data["Bill"]["OwnerData"] = json!({ "Discriminator": "BillCustomerData", "Value": customer });
    data["Bill"]["AssociatedAccountData"] = json!([{ "Discriminator": "BillCompanyData",
        "BillCustomerData": null, "BillCompanyData": { "Name": "Acme", "DUNS": "1" } }]);
    let command = command("FiscalMachine", data);
    let Ok(Data::FiscalMachine(data)) = Data::read(&command) else {
        panic!("fiscal data")
    };
    let Some(OwnerData::Customer(owner)) = data.bill.owner_data else {
        panic!("an owner")
    };
    assert_eq!(owner.last_name.expect("a name").reveal(), "Nováková");
    let company = data.bill.associated_account_data[0]
        .bill_company_data
        .as_ref();
    assert_eq!(
        company.and_then(|company| company.duns.as_deref()),
        Some("1")
    );
}

#[test]
fn one_odd_event_never_loses_its_neighbours() {
    let frame = Frame::parse(
        r#"{ "Events": [
        { "Type": "DeviceCommand", "Id": "5d0c5b0e-6d6c-4b86-9a30-6f2a1f0c0001", "State": "Pending" },
        null, 17, "word", [], {}, { "Type": null }, { "Type": "DeviceCommand", "Id": null },
        { "Type": "DeviceCommand", "Id": , "State" "Pending" },
        { "Type": "Reservation", "Id": "9d1d0d3e-2a67-4b55-bb0a-6b7c8d9e0003", "State": "Enquired",
          "StartUtc": "2026-08-10T13:00:00Z", "EndUtc": null },
        { "Type": "Space", "Id": "0e6b0b3c-7e59-4d77-8a1f-5b6c7d8e0004", "State": "Inspected" },
        { "Type": "PriceUpdate", "Id": "4f5a6b7c-8d9e-4f10-9a2b-3c4d5e6f0005" },
        { "Type": "SomethingNew", "Id": 17, "Payload": { "x": [1, null] } },
        { "Type": "DeviceCommand", "Id": "5d0c5b0e-6d6c-4b86-9a30-6f2a1f0c0002", "State": "Odd" }
        ] }"#,
    );
    assert_eq!(frame.skipped.len(), 8, "{:?}", frame.skipped);
    let kinds = frame.events.iter().map(|event| match event {
        Event::DeviceCommand { state, .. } => state.as_str(),
        Event::Reservation(event) => event.state.as_str(),
        Event::Resource { state, .. } => state.as_str(),
        Event::PriceUpdate(_) => "price",
        Event::Unknown { kind, .. } => kind,
    });
    let kinds: Vec<_> = kinds.collect();
    assert_eq!(
        kinds,
        [
            "Pending",
            "Inquired",
            "Inspected",
            "price",
            "SomethingNew",
            "Odd"
        ]
    );
}

#[test]
fn a_frame_that_is_none_says_so() {
    for text in ["", "hello", "[]", "{\"Events\":[", "\u{feff}17"] {
        let frame = Frame::parse(text);
        assert!(
            frame.events.is_empty() && frame.skipped.len() == 1,
            "{text}: {frame:?}"
        );
    }
    for text in ["{}", "{\"Events\":null}", "\u{feff}{\"Events\":[]}"] {
        assert!(Frame::parse(text).skipped.is_empty(), "{text}");
    }
}

#[test]
fn requests_hold_what_the_contract_lists_and_no_more() {
    let text =
        |parameters: &dyn Fn() -> Vec<u8>| String::from_utf8(parameters()).expect("JSON is text");
    let id = ID.parse().expect("an id");
    let head =
        format!(r#"{{"ClientToken":"0A1B-77F0","AccessToken":"9C8D-11E2","Client":"{CLIENT}""#);
    assert_eq!(text(&|| body(&tokens(), &Nothing {})), format!("{head}}}"));
    assert_eq!(
        text(&|| body(&tokens(), &ByIds { command_ids: &[id] })),
        format!(r#"{head},"CommandIds":["{ID}"]}}"#)
    );
    for (update, rest) in [
        (Update::Received, r#""State":"Received"}"#),
        (
            Update::Processing { percent: None },
            r#""State":"Processing"}"#,
        ),
        (
            Update::Processing { percent: Some(42) },
            r#""State":"Processing","Progress":0.42}"#,
        ),
        (
            Update::Processing { percent: Some(200) },
            r#""State":"Processing","Progress":1.0}"#,
        ),
        (
            Update::Error {
                notes: "Bar: no\n paper.".to_owned(),
            },
            r#""State":"Error","Notes":"Bar: no paper."}"#,
        ),
        (
            Update::Cancelled {
                notes: String::new(),
            },
            r#""State":"Cancelled","Notes":""}"#,
        ),
    ] {
        assert_eq!(
            text(&|| body(&tokens(), &update.request(id))),
            format!(r#"{head},"CommandId":"{ID}",{rest}"#)
        );
    }
}

#[test]
fn notes_are_one_line_of_500_characters() {
    let notes = "ž".repeat(700);
    let request = Update::Processed { notes }.request(ID.parse().expect("an id"));
    let sent: serde_json::Value =
        serde_json::from_slice(&body(&tokens(), &request)).expect("our own JSON");
    assert_eq!(
        sent["Notes"].as_str().map(|text| text.chars().count()),
        Some(NOTES_MAX)
    );
}

#[test]
fn tokens_show_nowhere() {
    assert!(!format!("{:?}", tokens()).contains("77F0"));
    assert_eq!(
        tokens().redact("a 9C8D-11E2 b 0A1B-77F0"),
        "a <token> b <token>"
    );
}

#[test]
fn money_is_exact_at_any_length() {
    for (text, exact) in [
        ("0", "0"),
        ("-0.0", "0"),
        ("110.0", "110"),
        ("0.1", "0.1"),
        ("-114.05", "-114.05"),
        ("1e2", "100"),
        ("1.5E-2", "0.015"),
        (
            "12345678901234567890.12345678",
            "12345678901234567890.12345678",
        ),
        (
            "79228162514264337593543950335",
            "79228162514264337593543950335",
        ),
        ("100.0000000000000000000000000000000000000000000", "100"),
        ("0.00000000000000000000000000000000000000000001", "0"),
        (
            "33.333333333333333333333333333333333333333",
            "33.333333333333333333333333333",
        ),
        ("0.99999999999999999999999999999999999", "1"),
        ("0e99999999999999999999", "0"),
        ("1e-99999999999999999999", "0"),
    ] {
        let read = parse_decimal(text).expect(text);
        assert_eq!(read, Decimal::from_str(exact).expect(exact), "{text}");
    }
    for text in [
        "1e29",
        "79228162514264337593543950336",
        "1e99999999999999999999",
    ] {
        assert_eq!(parse_decimal(text), Err(NotMoney::TooLarge), "{text}");
    }
    for text in ["", "-", "NaN", "1.", ".5", "1e", "0x1", "1,5", "+1", "1 "] {
        assert_eq!(parse_decimal(text), Err(NotMoney::NotANumber), "{text}");
    }
}

#[test]
fn money_from_json_never_touches_binary_floating_point() {
    let amount: Amount = serde_json::from_str(
        r#"{"Currency":"EUR","NetValue":0.1000000000000000000000000001,"GrossValue":1.10e2,
            "TaxValues":null,"Breakdown":{"Items":[{"TaxRateCode":null,"NetValue":4,"TaxValue":0}]},
            "TaxRate":0.1}"#,
    )
    .expect("an amount");
    assert_eq!(
        amount.net_value.to_string(),
        "0.1000000000000000000000000001"
    );
    assert_eq!(amount.gross_value, Decimal::from(110));
}

#[test]
fn instants_are_read_in_all_four_spellings() {
    for (text, instant) in [
        ("2026-08-10T09:15:02Z", "2026-08-10T09:15:02Z"),
        (
            "2026-08-10T09:15:02.123456789Z",
            "2026-08-10T09:15:02.123456789Z",
        ),
        ("2026-08-10T11:15:02+02:00", "2026-08-10T09:15:02Z"),
        ("2026-08-10T09:15:02", "2026-08-10T09:15:02Z"),
        ("2026-08-10", "2026-08-10T00:00:00Z"),
    ] {
        assert_eq!(
            parse_when(text).map(|at| at.to_string()).as_deref(),
            Ok(instant),
            "{text}"
        );
    }
    for text in ["", "yesterday", "2026-13-01", "17"] {
        assert_eq!(parse_when(text), Err(NotATime), "{text}");
    }
}

#[test]
fn a_configuration_is_read() {
    let json = json!({ "NowUtc": "2026-08-10T09:15:02Z", "Enterprise": { "Id": ID, "Name": "Inn",
        "ChainId": ID, "TimeZoneIdentifier": "Europe/Lisbon", "Pricing": "Both", "TaxPrecision": null,
        "Currencies": [{ "Currency": "EUR", "IsDefault": true, "IsEnabled": true }],
        "IsPortfolio": false, "LegalEnvironmentCode": "PT", "TaxEnvironmentCode": "PT-2026" },
        "IsIdentityDocumentNumberRequired": true, "PaymentCardStorage": {} });
    let read: Configuration = serde_json::from_value(json).expect("a configuration");
    assert_eq!(read.enterprise.time_zone_identifier, "Europe/Lisbon");
    assert_eq!(read.enterprise.pricing, Pricing::Unknown("Both".to_owned()));
}

proptest! {
    #[test]
    fn parsers_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(Command::parse(&bytes));
        drop(Event::parse(&bytes));
        let text = String::from_utf8_lossy(&bytes);
        drop(Frame::parse(&text));
        drop(parse_decimal(&text));
        drop(parse_when(&text));
    }

    #[test]
    fn near_json_never_panics(text in r#"([{}\[\]",:\\]|"Events"|"Id"|null|1e9|[a-z ]){0,60}"#) {
        drop(Frame::parse(&text));
        drop(Command::parse(text.as_bytes()));
        let _ = crate::mews::scan::find_id(text.as_bytes());
    }

    #[test]
    fn every_decimal_survives_its_own_text(mantissa in any::<i64>(), scale in 0_u32..=28) {
        let value = Decimal::from_i128_with_scale(i128::from(mantissa), scale);
        prop_assert_eq!(parse_decimal(&value.to_string()), Ok(value));
    }

    #[test]
    fn numbers_of_any_form_give_an_amount_or_an_error(
        text in "-?[0-9]{1,60}(\\.[0-9]{1,60})?([eE][+-]?[0-9]{1,25})?"
    ) {
        drop(parse_decimal(&text));
    }
}

fn fiscal_data() -> serde_json::Value {
    json!({ "FiscalMachineId": "FP-7", "ApiUrl": "http://192.168.7.31/cgi-bin/fpmate.cgi",
      "FiscalMachineData": null, "TaxIdentifier": "01234567890", "PayloadData": null,
      "BillFiscalMachineData": { "Discriminator": "ItalianFiscalMachineData", "Value": {
        "IsRefund": false, "RebatedReceiptNumber": null, "RebatedReceiptSequence": null,
        "RebatedReceiptDateTimeUtc": null, "PrinterSerialNumber": null } },
      "Bill": { "Id": "b77c1f2e-0d52-4f6a-8a0f-3c9d5e1a0002",
        "EnterpriseId": "e5f60718-2930-4a4b-8c5d-6e7f80910004",
        "AccountId": "a1d3b0c4-52f1-4a0e-9a7c-1f6f2b7e0001", "AccountType": "Customer",
        "State": "Closed", "Type": "Receipt", "Number": "771",
        "CreatedUtc": "2026-08-09T10:00:00Z", "UpdatedUtc": "2026-08-10T09:15:00Z",
        "IssuedUtc": "2026-08-10T09:15:00Z", "CorrectionState": "Bill", "CorrectionType": null,
        "CorrectedBillId": null,
        "Revenue": [
          line("ServiceRevenue", "SpaceOrder", "Night 9 August", json!({ "Currency": "EUR",
            "NetValue": 100.0, "GrossValue": 110.0,
            "TaxValues": [ { "Code": "IT-X-10", "Value": 10.0 } ], "Breakdown": { "Items": [
              { "TaxRateCode": "IT-X-10", "NetValue": 100.0, "TaxValue": 10.0 } ] } })),
          line("AdditionalRevenue", "CustomItem", "City tax", untaxed(4.0)) ],
        "Payments": [ line("Payment", "Cash", "Cash", untaxed(-114.0)) ] } })
}

fn line(kind: &str, sub: &str, name: &str, amount: serde_json::Value) -> serde_json::Value {
    json!({ "Id": "c0000000-0000-4000-8000-000000000001",
        "AccountId": "a1d3b0c4-52f1-4a0e-9a7c-1f6f2b7e0001", "Type": kind, "SubType": sub,
        "Name": name, "State": "Closed", "SubState": "Charged", "Amount": amount })
}

fn untaxed(value: f64) -> serde_json::Value {
    json!({ "Currency": "EUR", "NetValue": value, "GrossValue": value, "TaxValues": [],
        "Breakdown": { "Items": [ { "TaxRateCode": null, "NetValue": value, "TaxValue": 0 } ] } })
}

#[test]
fn every_event_is_a_readable_line_and_json() {
    let frame = Frame::parse(
        r#"{"Events":[
        {"Type":"DeviceCommand","Id":"5d0c5b0e-6d6c-4b86-9a30-6f2a1f0c0001","State":"Pending"},
        {"Type":"Reservation","Id":"9d1d0d3e-2a67-4b55-bb0a-6b7c8d9e0003","State":"Started",
         "StartUtc":"2026-08-10T13:00:00Z","EndUtc":"2026-08-12T09:00:00Z"},
        {"Type":"Resource","Id":"0e6b0b3c-7e59-4d77-8a1f-5b6c7d8e0004","State":"\u001bDirty"},
        {"Type":"PriceUpdate","Id":"4f5a6b7c-8d9e-4f10-9a2b-3c4d5e6f0005"},
        {"Type":"New\u001b[2J","Id":17,
         "N":1.10}]}"#,
    );
    let lines: Vec<_> = frame.events.iter().map(Event::to_string).collect();
    assert_eq!(
        lines,
        [
            "DeviceCommand 5d0c5b0e-6d6c-4b86-9a30-6f2a1f0c0001 Pending",
            "Reservation 9d1d0d3e-2a67-4b55-bb0a-6b7c8d9e0003 Started \
             from 2026-08-10T13:00:00Z to 2026-08-12T09:00:00Z",
            "Resource 0e6b0b3c-7e59-4d77-8a1f-5b6c7d8e0004 Dirty",
            "PriceUpdate 4f5a6b7c-8d9e-4f10-9a2b-3c4d5e6f0005",
            r#"Unknown {"Id":17,"N":1.10,"Type":"New\u001b[2J"}"#,
        ]
    );
    assert_eq!(frame.events[0].to_json()["State"], json!("Pending"));
    assert_eq!(frame.events[1].to_json()["AssignedResourceId"], json!(null));
}
