//! The five shapes of `Data`, told apart by the device's type.

use driver_sdk::Personal;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::amount::Amount;
use super::bill::{Bill, BillFiscalMachineData, PayloadData};
use super::command::{Command, reason};
use super::device::DeviceType;
use super::or_default;
use super::when::when;

/// A command's payload.
#[derive(Debug, Clone)]
pub enum Data {
    /// For a printer.
    Printer(Box<PrinterData>),
    /// For a key encoder.
    KeyCutter(Box<KeyCutterData>),
    /// For a fiscal machine.
    FiscalMachine(Box<FiscalMachineData>),
    /// For a payment terminal.
    PaymentTerminal(Box<PaymentTerminalData>),
    /// For a passport scanner.
    PassportScanner(Box<PassportScannerData>),
}

/// Why a payload cannot be read. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadData {
    /// A kind of device this version does not know.
    #[error("this version does not know devices of the kind `{0}`")]
    UnknownType(String),
    /// It is not what the contract says; the reason holds no value of it.
    #[error("the data of the command cannot be read: {0}")]
    Unreadable(String),
}

impl Data {
    /// Reads a command's payload by its device's type. Shapes are never guessed: that of a
    /// passport scanner has only optional members and would match anything.
    ///
    /// # Errors
    /// [`BadData`] with a reason that holds no personal data.
    pub fn read(command: &Command) -> Result<Self, BadData> {
        let json = command.data.get();
        Ok(match &command.device.kind {
            DeviceType::Printer => Self::Printer(shape(json)?),
            DeviceType::KeyCutter => Self::KeyCutter(shape(json)?),
            DeviceType::FiscalMachine => Self::FiscalMachine(shape(json)?),
            DeviceType::PaymentTerminal => Self::PaymentTerminal(shape(json)?),
            DeviceType::PassportScanner => Self::PassportScanner(shape(json)?),
            DeviceType::Unknown(kind) => return Err(BadData::UnknownType(kind.clone())),
        })
    }
}

fn shape<T: DeserializeOwned>(json: &str) -> Result<Box<T>, BadData> {
    serde_json::from_str(json)
        .map(Box::new)
        .map_err(|cause| BadData::Unreadable(reason(&cause)))
}

/// A document to print.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PrinterData {
    /// May be zero, negative or absurd.
    pub copy_count: i64,
    /// MIME type.
    pub file_type: String,
    /// The whole document in base64.
    pub file_data: Personal<String>,
    /// The printer as set up in Mews.
    #[serde(default, deserialize_with = "or_default")]
    pub printer_name: String,
    /// Usually empty.
    #[serde(default, deserialize_with = "or_default")]
    pub printer_driver_name: String,
    /// Usually empty.
    #[serde(default, deserialize_with = "or_default")]
    pub printer_port_name: String,
}

/// Keys to cut.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyCutterData {
    /// The encoder in the lock system.
    #[serde(default)]
    pub key_cutter_id: Option<String>,
    /// The lock server as staff typed it.
    #[serde(default)]
    pub api_url: Option<String>,
    /// JSON inside a string, free form; may hold a password.
    #[serde(default)]
    pub key_cutter_data: Option<Personal<String>>,
    /// May be zero, negative or absurd.
    pub key_count: i64,
    /// In the lock system's names.
    pub lock_ids: Vec<String>,
    /// Start of the stay.
    #[serde(deserialize_with = "when")]
    pub start_utc: Timestamp,
    /// End of the stay.
    #[serde(deserialize_with = "when")]
    pub end_utc: Timestamp,
    /// The guest's first name.
    #[serde(default)]
    pub first_name: Option<Personal<String>>,
    /// The guest's last name.
    pub last_name: Personal<String>,
    /// Without special characters.
    #[serde(default)]
    pub normalized_first_name: Option<Personal<String>>,
    /// Without special characters.
    #[serde(default)]
    pub normalized_last_name: Option<Personal<String>>,
    /// For mobile keys.
    #[serde(default)]
    pub telephone: Option<Personal<String>>,
    /// For mobile keys.
    #[serde(default)]
    pub email: Option<Personal<String>>,
    /// The reservation.
    #[serde(default)]
    pub reservation_id: Option<Uuid>,
    /// The confirmation number.
    #[serde(default)]
    pub reservation_number: Option<String>,
}

/// A closed bill to fiscalise.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FiscalMachineData {
    /// Identifier of the machine, typed by the hotel.
    #[serde(default)]
    pub fiscal_machine_id: Option<String>,
    /// Its address, typed by the hotel.
    #[serde(default)]
    pub api_url: Option<String>,
    /// JSON inside a string, free form; may hold a password.
    #[serde(default)]
    pub fiscal_machine_data: Option<Personal<String>>,
    /// Of the seller, for this document.
    #[serde(default)]
    pub tax_identifier: Option<String>,
    /// The bill.
    pub bill: Bill,
    /// Italy: the receipt being refunded.
    #[serde(default)]
    pub bill_fiscal_machine_data: Option<BillFiscalMachineData>,
    /// Italy: a ready document for the machine.
    #[serde(default)]
    pub payload_data: Option<PayloadData>,
}

/// A payment to take.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PaymentTerminalData {
    /// The terminal; not a uuid by contract.
    pub payment_terminal_id: String,
    /// Who pays.
    pub account_id: Uuid,
    /// Who pays, by name.
    #[serde(default)]
    pub account_data: Option<PayerData>,
    /// The bill.
    #[serde(default)]
    pub bill_id: Option<Uuid>,
    /// Set for a payment.
    #[serde(default)]
    pub payment_id: Option<Uuid>,
    /// Set for a preauthorization.
    #[serde(default)]
    pub preauthorization_id: Option<Uuid>,
    /// What to take.
    pub amount: Amount,
    /// A surcharge.
    #[serde(default)]
    pub fee: Option<Amount>,
    /// JSON inside a string, free form.
    #[serde(default)]
    pub payment_terminal_data: Option<Personal<String>>,
    /// Deprecated; ends on 10 January 2027.
    #[serde(default)]
    pub full_name: Option<Personal<String>>,
}

/// Who pays.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PayerData {
    /// `Customer` or `Company`.
    #[serde(default, deserialize_with = "or_default")]
    pub discriminator: String,
    /// A person.
    #[serde(default)]
    pub customer: Option<PayerCustomer>,
    /// A company.
    #[serde(default)]
    pub company: Option<PayerCompany>,
}

/// A person who pays.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PayerCustomer {
    /// The name.
    #[serde(default)]
    pub full_name: Option<Personal<String>>,
}

/// A company that pays.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PayerCompany {
    /// The name.
    #[serde(default)]
    pub name: Option<Personal<String>>,
}

/// A document to scan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PassportScannerData {
    /// The scanner.
    #[serde(default)]
    pub passport_scanner_id: Option<String>,
    /// Whose document.
    #[serde(default)]
    pub customer_id: Option<Uuid>,
    /// Or: a guest of this reservation.
    #[serde(default)]
    pub reservation_id: Option<Uuid>,
}
