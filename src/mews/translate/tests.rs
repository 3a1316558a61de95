//! From a command's `Data` to work.

use serde_json::json;

use super::*;

fn command(kind: &str, data: serde_json::Value) -> Command {
    let json = json!({ "Id": uuid::Uuid::from_u128(1), "State": "Pending", "Data": data,
        "Device": { "Id": uuid::Uuid::from_u128(2), "Type": kind, "Name": "Bar" } });
    Command::parse(json.to_string().as_bytes()).expect("an envelope")
}

fn print_of(base64: &str) -> Result<Payload, Untranslatable> {
    let data = json!({ "CopyCount": 2, "FileType": "text/plain", "FileData": base64,
        "PrinterName": "Bar", "PrinterDriverName": "", "PrinterPortName": "" });
    payload(&command("Printer", data))
}

#[test]
fn a_document_is_decoded_with_or_without_padding_and_line_breaks() {
    for text in ["QWhvag==", "QWhvag", "QWhv\r\nag=="] {
        let Ok(Payload::Print {
            copies: 2,
            mime,
            bytes,
        }) = print_of(text)
        else {
            panic!("{text}")
        };
        assert_eq!(
            (mime.as_str(), bytes.reveal().as_slice()),
            ("text/plain", &b"Ahoj"[..])
        );
    }
    for text in ["***", "QWhva", "Ž"] {
        assert_eq!(
            print_of(text).err(),
            Some(Untranslatable::NotBase64),
            "{text}"
        );
    }
}

#[test]
fn a_key_is_translated_whole() {
    let data = json!({ "KeyCutterId": "2", "KeyCutterData": "{}", "KeyCount": 2, "LockIds": ["204"],
        "StartUtc": "2026-08-10T13:00:00Z", "EndUtc": "2026-08-12T09:00:00Z", "LastName": "N" });
    let Ok(Payload::Ready(Work::Key(key))) = payload(&command("KeyCutter", data)) else {
        panic!("a key")
    };
    assert_eq!(
        (key.encoder.as_deref(), key.count, key.locks.len()),
        (Some("2"), 2, 1)
    );
    assert_eq!(key.end.to_string(), "2026-08-12T09:00:00Z");
}

#[test]
fn bad_data_is_a_sentence_and_not_a_crash() {
    for kind in [
        "Printer",
        "KeyCutter",
        "FiscalMachine",
        "PaymentTerminal",
        "Toaster",
    ] {
        for data in [
            json!(null),
            json!(17),
            json!([]),
            json!({}),
            json!({ "CopyCount": "two" }),
        ] {
            let error = payload(&command(kind, data)).expect_err("nothing to do");
            assert!(!error.to_string().is_empty());
        }
    }
}

fn amount(gross: &str) -> serde_json::Value {
    let number: serde_json::Value = serde_json::from_str(gross).expect("a number");
    json!({ "Currency": "EUR", "NetValue": number, "GrossValue": number, "TaxValues": [],
        "Breakdown": { "Items": [{ "TaxRateCode": "IT-X-10", "NetValue": number }] } })
}

fn line(sub_type: &str, name: &str, gross: &str) -> serde_json::Value {
    json!({ "Id": uuid::Uuid::from_u128(3), "AccountId": uuid::Uuid::from_u128(4),
        "SubType": sub_type, "Name": name, "State": "Closed", "SubState": "Charged",
        "Amount": amount(gross) })
}

fn fiscal(change: impl Fn(&mut serde_json::Value)) -> driver_sdk::FiscalWork {
    let mut data = json!({ "TaxIdentifier": "0123", "Bill": { "Id": uuid::Uuid::from_u128(5),
        "AccountId": uuid::Uuid::from_u128(4), "AccountType": "Customer", "State": "Closed",
        "Type": "Receipt", "Number": "771", "CreatedUtc": "2026-08-09T10:00:00Z",
        "UpdatedUtc": "2026-08-09T10:00:00Z", "CorrectionState": "Bill",
        "Options": { "DisplayCustomer": false },
        "Revenue": [line("SpaceOrder", "Night", "110.05")],
        "Payments": [line("Cash", "Cash", "-110.05")] } });
    change(&mut data);
    match payload(&command("FiscalMachine", data)) {
        Ok(Payload::Ready(Work::Fiscal(work))) => *work,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bill_is_translated_whole() {
    let work = fiscal(|data| {
        data["Bill"]["OwnerData"] = json!({ "Discriminator": "BillCustomerData", "Value":
            { "Id": "x", "FirstName": "Zoë", "LastName": "Nováková", "Address": { "Line1": "Rua 1",
              "PostalCode": "1100", "City": "Lisboa", "CountryCode": "PT" },
              "LegalIdentifiers": { "Lottery": "AB", "None": null } } });
    });
    let bill = &work.bill;
    assert!(bill.closed && bill.correction.is_none() && !work.lacks_items());
    assert_eq!(
        (&bill.kind, bill.display_customer),
        (&driver_sdk::BillKind::Receipt, Some(false))
    );
    let sold = &bill.revenue.as_ref().expect("revenue")[0];
    assert_eq!(sold.kind, driver_sdk::ItemKind::SpaceOrder);
    let gross = sold.amount.as_ref().expect("an amount");
    assert_eq!(
        (gross.gross.to_string().as_str(), gross.parts.len()),
        ("110.05", 1)
    );
    let paid = &bill.payments.as_ref().expect("payments")[0];
    assert_eq!(paid.means, driver_sdk::PaymentMeans::Cash);
    assert_eq!(paid.state, Some(driver_sdk::PaymentState::Charged));
    let owner = bill.owner.as_ref().expect("an owner");
    assert_eq!(owner.name.reveal(), "Zoë Nováková");
    let lines: Vec<_> = owner
        .address
        .iter()
        .map(|line| line.reveal().as_str())
        .collect();
    assert_eq!(
        (lines, owner.legal_identifiers.len()),
        (vec!["Rua 1", "1100 Lisboa"], 1)
    );
    assert!(!format!("{work:?}").contains("Nov"), "no name in Debug");
}

#[test]
fn a_correction_of_an_unknown_kind_never_passes_as_a_sale() {
    for (state, kind) in [
        ("CorrectiveBill", None),
        ("Odd", None),
        ("Bill", Some("CreditNote")),
    ] {
        let work = fiscal(|data| {
            data["Bill"]["CorrectionState"] = json!(state);
            data["Bill"]["CorrectionType"] = json!(kind);
        });
        assert!(work.bill.correction.is_some(), "{state}");
    }
}

#[test]
fn an_unknown_payload_stays_unknown() {
    let work = fiscal(|data| {
        data["PayloadData"] = json!({ "Discriminator": "Martian", "Value": "eA==" });
    });
    assert_eq!(
        work.payload,
        Some(driver_sdk::Extra::Unknown("Martian".to_owned()))
    );
}

#[test]
fn what_a_bill_came_without_is_filled_from_what_was_fetched() {
    let mut work = fiscal(|data| {
        data["Bill"]["Revenue"] = json!(null);
        data["Bill"]["Payments"] = json!(null);
    });
    assert!(work.lacks_items());
    let items = json!([{ "Id": uuid::Uuid::from_u128(6), "BillingName": "Wine", "UnitCount": 2,
        "UnitAmount": amount("5"), "Amount": amount("10"), "Type": "ProductOrder",
        "Data": { "Discriminator": "Rebate", "Rebate": { "RebatedItemId": uuid::Uuid::from_u128(7) },
            "Product": null } }]);
    let payments = json!([{ "Id": uuid::Uuid::from_u128(8), "Amount": amount("-10"),
        "State": "Charged", "Type": "CreditCardPayment", "Data": {} }]);
    let read = |text: serde_json::Value| text.to_string();
    fill_bill(
        &mut work,
        serde_json::from_str(&read(items)).expect("items"),
        serde_json::from_str(&read(payments)).expect("payments"),
    );
    assert!(!work.lacks_items());
    let item = &work.bill.order_items.as_ref().expect("items")[0];
    assert_eq!(
        (&item.kind, item.count),
        (&driver_sdk::ItemKind::Rebate, Some(2))
    );
    assert_eq!(item.rebates, Some(uuid::Uuid::from_u128(7)));
    let paid = &work.bill.payment_items.as_ref().expect("payments")[0];
    assert_eq!(paid.means, driver_sdk::PaymentMeans::CreditCard);
}
