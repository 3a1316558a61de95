//! Whatever a lock PC answers: a success repeats the command and names no other encoder, and
//! everything else is a refusal or no answer.
#![no_main]

use bytes::BytesMut;
use driver_keys::ledger::Issue;
use driver_pms_industry_standard::answer::{self, Answer};
use driver_pms_industry_standard::command::{Command, Cut, DateDigits, Handling, Profile};
use driver_pms_industry_standard::frame::{self, Piece};
use jiff::civil::date;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let commands = commands();
    let mut input = BytesMut::from(data);
    loop {
        match frame::take(&mut input) {
            Ok(None) => break,
            Ok(Some(Piece::Message(fields))) => {
                commands.iter().for_each(|command| judge(command, &fields));
            }
            Ok(Some(Piece::Ack | Piece::Nak)) | Err(_) => {}
        }
    }
    // The same as fields, so that the fuzzer need not find a check byte.
    let fields: Vec<String> = data
        .split(|byte| *byte == 0xB3)
        .map(|field| field.iter().map(|&byte| char::from(byte)).collect())
        .collect();
    commands.iter().for_each(|command| judge(command, &fields));
});

fn judge(command: &Command, fields: &[String]) {
    let code = fields.first().map(String::as_str).unwrap_or_default();
    let named = fields.get(1).map(String::as_str).unwrap_or_default();
    match answer::judge(command, fields) {
        Ok(Answer::Done { .. } | Answer::Card(_)) => {
            assert!(
                code.starts_with(command.code())
                    || (command.code() == "CC" && code.starts_with("CN"))
            );
            assert!(code.len() <= 3);
            assert!(named.is_empty() || answer::same_encoder(named, command.encoder()));
        }
        Ok(Answer::Refused(refused)) => {
            assert_eq!(refused.code, code);
            assert!(!code.starts_with(command.code()));
            assert!(
                !refused
                    .text
                    .unwrap_or_default()
                    .chars()
                    .any(char::is_control)
            );
        }
        Err(_) => {}
    }
}

fn commands() -> [Command; 5] {
    let at = date(2026, 3, 30).at(12, 0, 0, 0);
    let cut = |issue| {
        let cut = Cut {
            issue,
            count: None,
            encoder: "1".to_owned(),
            handling: Handling::Eject,
            rooms: vec!["101".to_owned()],
            granted: String::new(),
            denied: String::new(),
            start: at,
            end: at,
            operator: "MEWS".to_owned(),
            serials: true,
        };
        let command = Command::Cut(cut);
        let fields = command.fields(Profile::Salto, DateDigits::Ten, false);
        assert!(frame::encode(&fields).is_ok());
        command
    };
    [
        cut(Issue::New),
        cut(Issue::Copy),
        Command::Read {
            encoder: "1".to_owned(),
            handling: Handling::Eject,
        },
        Command::CheckOut {
            encoder: "0".to_owned(),
            room: "101".to_owned(),
        },
        Command::Eject {
            encoder: "1".to_owned(),
        },
    ]
}
