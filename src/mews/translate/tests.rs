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
