//! A command's `Data` as work in the drivers' words.
//!
//! What it leaves to others: where the document is kept (the journal gives a [`Document`] for the
//! bytes that [`Payload`] holds), and whether the counts make sense (the driver refuses).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use driver_sdk::{Class, Document, KeyWork, Personal, PrintWork, Work};

use super::wire::{BadData, Command, Data, DeviceType, KeyCutterData};

mod fetched;
mod fiscal;
#[cfg(test)]
mod tests;

pub use self::fetched::fill_bill;

/// Base64 as it is seen: with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A command's payload, ready to be kept.
#[derive(Debug, Clone)]
pub enum Payload {
    /// A document, to be written to disk.
    Print {
        /// Copies asked for.
        copies: i64,
        /// MIME type.
        mime: String,
        /// The document's bytes.
        bytes: Personal<Vec<u8>>,
    },
    /// Work that needs no document.
    Ready(Work),
}

/// Why a payload gives no work. Nothing was done. The text is for the clerk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untranslatable {
    /// The shape is not what the contract says.
    #[error(transparent)]
    Data(#[from] BadData),
    /// The document is no base64.
    #[error("the document in the command is damaged (it is no base64)")]
    NotBase64,
    /// No driver of this version does such work.
    #[error("this version cannot do work for devices of the kind `{0}`")]
    NoWork(String),
}

/// The class of a device's work; `None` for kinds this version does not know.
#[must_use]
pub fn class(kind: &DeviceType) -> Option<Class> {
    Some(match kind {
        DeviceType::Printer => Class::Printer,
        DeviceType::KeyCutter => Class::KeyCutter,
        DeviceType::FiscalMachine => Class::FiscalMachine,
        DeviceType::PaymentTerminal => Class::PaymentTerminal,
        DeviceType::PassportScanner => Class::PassportScanner,
        DeviceType::Unknown(_) => return None,
    })
}

/// Reads a command's payload.
///
/// # Errors
/// [`Untranslatable`] says what to tell the clerk.
pub fn payload(command: &Command) -> Result<Payload, Untranslatable> {
    match Data::read(command)? {
        Data::Printer(data) => {
            let text = data.file_data.reveal();
            let decoded = if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
                let packed: Vec<u8> = text
                    .bytes()
                    .filter(|byte| !byte.is_ascii_whitespace())
                    .collect();
                BASE64.decode(packed)
            } else {
                BASE64.decode(text)
            };
            let bytes = decoded.map_err(|_| Untranslatable::NotBase64)?;
            Ok(Payload::Print {
                copies: data.copy_count,
                mime: data.file_type,
                bytes: Personal::new(bytes),
            })
        }
        Data::KeyCutter(data) => Ok(Payload::Ready(Work::Key(Box::new(key(*data))))),
        Data::FiscalMachine(data) => {
            Ok(Payload::Ready(Work::Fiscal(Box::new(fiscal::work(*data)))))
        }
        Data::PaymentTerminal(_) | Data::PassportScanner(_) => {
            Err(Untranslatable::NoWork(command.device.kind.to_string()))
        }
    }
}

/// The work of a document that has been put on disk.
#[must_use]
pub fn print(copies: i64, mime: String, document: Document) -> Work {
    Work::Print(PrintWork {
        copies,
        mime,
        document,
    })
}

fn key(data: KeyCutterData) -> KeyWork {
    KeyWork {
        encoder: data.key_cutter_id,
        api_url: data.api_url,
        data: data.key_cutter_data,
        count: data.key_count,
        locks: data.lock_ids,
        start: data.start_utc,
        end: data.end_utc,
        first_name: data.first_name,
        last_name: data.last_name,
        normalized_first_name: data.normalized_first_name,
        normalized_last_name: data.normalized_last_name,
        telephone: data.telephone,
        email: data.email,
        reservation: data.reservation_id,
        reservation_number: data.reservation_number,
    }
}
