//! Invented guests, stays, bills and payments: the `Data` of commands that a test or the page adds
//! with a few words. Nobody here exists.

use super::clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Number, Value, json};
use uuid::Uuid;

/// First name, last name, both without special characters.
const GUESTS: [[&str; 4]; 8] = [
    ["Zoë", "Nováková", "Zoe", "Novakova"],
    ["João", "Teixeira", "Joao", "Teixeira"],
    ["Åse", "Bjørnstad", "Ase", "Bjornstad"],
    ["Marta", "Kowalczyk", "Marta", "Kowalczyk"],
    ["Søren", "Æbelø", "Soren", "Aebelo"],
    ["Jürgen", "Straßer", "Jurgen", "Strasser"],
    ["Ines", "Le Gall", "Ines", "Le Gall"],
    ["Tomás", "Ó Briain", "Tomas", "O Briain"],
];

/// A request for keys: the `Data` of a key cutter's command.
#[derive(Debug, Clone)]
pub struct KeyRequest {
    /// Identifier of the encoder in the lock system.
    pub encoder: Option<String>,
    /// Address of the lock server as staff typed it.
    pub api_url: Option<String>,
    /// The hotel's "Data JSON", a string with JSON inside.
    pub data_json: Option<String>,
    /// Cards to cut.
    pub count: i64,
    /// Locks the key opens.
    pub locks: Vec<String>,
    /// Start of the stay.
    pub start: Timestamp,
    /// End of the stay.
    pub end: Timestamp,
    /// First and last name, then both without special characters.
    pub guest: [String; 4],
    /// The reservation.
    pub reservation: Option<Uuid>,
    /// Its number.
    pub number: Option<String>,
}

impl KeyRequest {
    /// One card for one lock from now for two days.
    pub fn new(lock: &str, now: Timestamp) -> Self {
        let key = Self::invented(Uuid::new_v4(), now);
        Self {
            locks: vec![lock.to_owned()],
            ..key
        }
    }

    /// The stay behind a reservation: always the same guest and room for the same id.
    pub fn invented(reservation: Uuid, now: Timestamp) -> Self {
        let seed = reservation.as_u128();
        let pick = |of: u128, salt: u32| (seed.rotate_right(salt) % of) as usize;
        let later = now
            .checked_add(SignedDuration::from_hours(48))
            .unwrap_or(now);
        Self {
            encoder: Some("1".to_owned()),
            api_url: None,
            data_json: None,
            count: 1,
            locks: vec![format!("{}{:02}", 1 + pick(5, 7), 1 + pick(24, 31))],
            start: now,
            end: later,
            guest: GUESTS[pick(GUESTS.len() as u128, 0)].map(str::to_owned),
            reservation: Some(reservation),
            number: Some((20_000 + pick(9_999, 63)).to_string()),
        }
    }

    /// The wire form.
    pub fn data(&self) -> Value {
        let [first, last, plain_first, plain_last] = &self.guest;
        json!({
            "KeyCutterId": self.encoder,
            "ApiUrl": self.api_url,
            "KeyCutterData": self.data_json,
            "KeyCount": self.count,
            "LockIds": self.locks,
            "StartUtc": clock::wire(self.start),
            "EndUtc": clock::wire(self.end),
            "FirstName": first,
            "LastName": last,
            "NormalizedFirstName": plain_first,
            "NormalizedLastName": plain_last,
            "Telephone": null,
            "Email": null,
            "ReservationId": self.reservation,
            "ReservationNumber": self.number,
        })
    }
}

/// An amount without taxes, its value as decimal text.
#[derive(Debug, Clone)]
pub struct Amount {
    value: Number,
    currency: String,
}

impl Amount {
    /// Such as `("42.50", "EUR")`; a text that is no number is 0.
    pub fn new(value: &str, currency: &str) -> Self {
        let value = serde_json::from_str(value).unwrap_or_else(|_| Number::from(0));
        Self {
            value,
            currency: currency.to_owned(),
        }
    }

    /// The extended amount of the wire, untaxed.
    pub fn wire(&self) -> Value {
        json!({
            "Currency": self.currency,
            "NetValue": self.value,
            "GrossValue": self.value,
            "TaxValues": [],
            "Breakdown": { "Items": [
                { "TaxRateCode": null, "NetValue": self.value, "TaxValue": 0 }
            ] },
        })
    }
}

/// A fiscal machine's `Data` around a bill.
pub(super) fn fiscal_data(bill: Value) -> Value {
    json!({
        "FiscalMachineId": null,
        "ApiUrl": null,
        "FiscalMachineData": null,
        "TaxIdentifier": null,
        "Bill": bill,
        "BillFiscalMachineData": null,
        "PayloadData": null,
    })
}

/// A closed receipt over one night and the city tax, paid in cash.
pub(super) fn bill(hotel: Uuid, currency: &str, now: Timestamp) -> Value {
    let now = clock::wire(now);
    let account = Uuid::new_v4();
    let line = |kind: &str, sub: &str, name: &str, net: i64, tax: i64, code: Option<&str>| {
        let taxes = code.map(|code| json!([{ "Code": code, "Value": tax }]));
        json!({
            "Id": Uuid::new_v4(), "AccountId": account, "Type": kind, "SubType": sub,
            "Name": name, "State": "Closed",
            "SubState": if kind == "Payment" { json!("Charged") } else { Value::Null },
            "Amount": {
                "Currency": currency, "NetValue": net, "GrossValue": net + tax,
                "TaxValues": taxes.unwrap_or_else(|| json!([])),
                "Breakdown": { "Items": [
                    { "TaxRateCode": code, "NetValue": net, "TaxValue": tax }
                ] },
            },
        })
    };
    json!({
        "Id": Uuid::new_v4(), "EnterpriseId": hotel, "AccountId": account,
        "AccountType": "Customer", "State": "Closed", "Type": "Receipt",
        "Number": fastrand::u32(100..10_000).to_string(),
        "CreatedUtc": now, "UpdatedUtc": now, "IssuedUtc": now,
        "CorrectionState": "Bill", "CorrectionType": null, "CorrectedBillId": null,
        "Options": { "DisplayCustomer": false, "DisplayTaxation": true, "TrackReceivable": false,
            "DisplayCid": false, "Rebated": false },
        "Revenue": [
            line("ServiceRevenue", "SpaceOrder", "Night", 100, 10, Some("SANDBOX-10")),
            line("AdditionalRevenue", "CustomItem", "City tax", 4, 0, None),
        ],
        "Payments": [line("Payment", "Cash", "Cash", -114, 0, None)],
    })
}

/// A payment terminal's `Data`.
pub(super) fn payment_data(amount: &Amount) -> Value {
    let [first, last, ..] = GUESTS[fastrand::usize(..GUESTS.len())];
    json!({
        "PaymentTerminalId": "1",
        "AccountId": Uuid::new_v4(),
        "AccountData": {
            "Discriminator": "Customer",
            "Customer": { "FullName": format!("{first} {last}") },
            "Company": null,
        },
        "BillId": null,
        "PaymentId": Uuid::new_v4(),
        "PreauthorizationId": null,
        "Amount": amount.wire(),
        "Fee": null,
        "PaymentTerminalData": null,
    })
}
