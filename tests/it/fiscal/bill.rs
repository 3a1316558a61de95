//! Bills as Mews sends them, line by line.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

/// A closed bill in EUR, and the rest of the command around it.
#[derive(Debug, Clone)]
pub struct Bill {
    pub id: Uuid,
    pub number: String,
    pub items: Vec<Value>,
    pub payments: Vec<Value>,
    /// Other members of the bill.
    pub more: Vec<(&'static str, Value)>,
    /// Other members of the command's data.
    pub around: Vec<(&'static str, Value)>,
}

/// A decimal as its digits stand.
pub fn decimal(text: &str) -> Value {
    serde_json::from_str(text).expect("a number")
}

fn sum(parts: &[&str]) -> Value {
    let parts = parts
        .iter()
        .map(|part| Decimal::from_str(part).expect("a decimal"));
    decimal(&parts.sum::<Decimal>().to_string())
}

/// One item with its parts: VAT code, net, tax.
pub fn item(kind: &str, name: &str, parts: &[(Option<&str>, &str, &str)]) -> Value {
    let all: Vec<&str> = parts.iter().flat_map(|part| [part.1, part.2]).collect();
    let net: Vec<&str> = parts.iter().map(|part| part.1).collect();
    let breakdown: Vec<Value> = parts
        .iter()
        .map(|(code, net, tax)| {
            json!({ "TaxRateCode": code, "NetValue": decimal(net), "TaxValue": decimal(tax) })
        })
        .collect();
    json!({
        "Id": Uuid::new_v4(), "AccountId": Uuid::nil(), "Type": "ServiceRevenue",
        "SubType": kind, "Name": name, "State": "Closed", "SubState": null,
        "Amount": {
            "Currency": "EUR", "NetValue": sum(&net), "GrossValue": sum(&all), "TaxValues": [],
            "Breakdown": { "Items": breakdown },
        },
    })
}

/// Money received; `amount` as on the receipt, so a positive one is a payment.
pub fn payment(means: &str, amount: &str) -> Value {
    let amount = Decimal::from_str(amount).expect("a decimal");
    let mut payment = item(means, means, &[(None, &(-amount).to_string(), "0")]);
    payment["Type"] = json!("Payment");
    payment["SubState"] = json!("Charged");
    payment
}

impl Bill {
    /// Two VAT rates and the city tax. Of every printer of these tests: `LOW` and `HIGH` are
    /// mapped, and items without a code.
    pub fn new(number: &str) -> Self {
        Self {
            id: Uuid::new_v4(),
            number: number.to_owned(),
            items: vec![
                item(
                    "SpaceOrder",
                    "Night 204",
                    &[(Some("LOW"), "100.00", "9.50")],
                ),
                item(
                    "ProductOrder",
                    "Minibar",
                    &[(Some("HIGH"), "10.00", "2.10")],
                ),
                item("CustomItem", "City tax", &[(None, "4.00", "0")]),
            ],
            payments: vec![payment("CreditCard", "125.60")],
            more: Vec::new(),
            around: Vec::new(),
        }
    }

    /// One item and its payment, in the same amount.
    pub fn of(number: &str, amount: &str) -> Self {
        Self {
            items: vec![item("CustomItem", "City tax", &[(None, amount, "0")])],
            payments: vec![payment("Cash", amount)],
            ..Self::new(number)
        }
    }

    /// Everything of this bill given back.
    pub fn credit_note(&self, number: &str) -> Self {
        let mut note = Self {
            id: Uuid::new_v4(),
            number: number.to_owned(),
            ..self.clone()
        };
        for line in note.items.iter_mut().chain(&mut note.payments) {
            line["Id"] = json!(Uuid::new_v4());
            let amount = &mut line["Amount"];
            negate(&mut amount["NetValue"]);
            negate(&mut amount["GrossValue"]);
            let parts = amount["Breakdown"]["Items"].as_array_mut();
            for part in parts.into_iter().flatten() {
                negate(&mut part["NetValue"]);
                negate(&mut part["TaxValue"]);
            }
        }
        note.more = vec![
            ("CorrectionState", json!("CorrectiveBill")),
            ("CorrectionType", json!("CreditNote")),
            ("CorrectedBillId", json!(self.id)),
        ];
        note
    }

    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more.push((name, value));
        self
    }

    pub fn around(mut self, name: &'static str, value: Value) -> Self {
        self.around.push((name, value));
        self
    }

    /// The command's `Data`.
    pub fn data(&self) -> Value {
        let at = "2026-11-24T12:00:00Z";
        let mut bill = json!({
            "Id": self.id, "EnterpriseId": Uuid::nil(), "AccountId": Uuid::nil(),
            "AccountType": "Customer", "State": "Closed", "Type": "Receipt",
            "Number": self.number, "CreatedUtc": at, "UpdatedUtc": at, "IssuedUtc": at,
            "CorrectionState": "Bill", "CorrectionType": null, "CorrectedBillId": null,
            "Revenue": self.items, "Payments": self.payments,
        });
        // Only this list says what a rebate is taken off.
        if self
            .items
            .iter()
            .any(|item| !item["RebatedItemId"].is_null())
        {
            bill["OrderItems"] = self.items.iter().map(twin).collect();
        }
        for (name, value) in &self.more {
            bill[*name] = value.clone();
        }
        let mut data = json!({
            "FiscalMachineId": null, "ApiUrl": null, "FiscalMachineData": null,
            "TaxIdentifier": null, "Bill": bill, "BillFiscalMachineData": null,
            "PayloadData": null,
        });
        for (name, value) in &self.around {
            data[*name] = value.clone();
        }
        data
    }
}

/// The same item as the list without names has it.
fn twin(item: &Value) -> Value {
    let at = "2026-11-24T12:00:00Z";
    json!({
        "Id": item["Id"], "AccountId": item["AccountId"], "OrderId": Uuid::nil(),
        "BillId": null, "AccountingCategoryId": null, "UnitCount": 1,
        "UnitAmount": item["Amount"], "Amount": item["Amount"], "OriginalAmount": item["Amount"],
        "RevenueType": "Service", "CreatorProfileId": Uuid::nil(),
        "UpdaterProfileId": Uuid::nil(), "CreatedUtc": at, "UpdatedUtc": at,
        "ConsumedUtc": null, "CanceledUtc": null, "ClosedUtc": at, "StartUtc": null,
        "AccountingState": "Closed",
        "Data": {
            "Discriminator": item["SubType"],
            "Value": { "RebatedItemId": item["RebatedItemId"] },
        },
    })
}

fn negate(value: &mut Value) {
    let text = value.to_string();
    let number = Decimal::from_str(&text).expect("a decimal");
    *value = decimal(&(-number).to_string());
}
