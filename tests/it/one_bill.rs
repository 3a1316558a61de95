//! A closed bill as Mews sends it: one night with tax, the city tax, paid in cash.

use serde_json::{Value, json};
use uuid::Uuid;

/// The bill's number is what its document is recognised by.
pub fn bill(number: &str) -> Value {
    let account = Uuid::new_v4();
    let line = |kind: &str, sub: &str, name: &str, net: i64, tax: i64, code: Option<&str>| {
        let taxes: Vec<Value> = code
            .iter()
            .map(|code| json!({ "Code": code, "Value": tax }))
            .collect();
        json!({
            "Id": Uuid::new_v4(), "AccountId": account, "Type": kind, "SubType": sub,
            "Name": name, "State": "Closed",
            "SubState": if kind == "Payment" { json!("Charged") } else { Value::Null },
            "Amount": {
                "Currency": "EUR", "NetValue": net, "GrossValue": net + tax,
                "TaxValues": taxes,
                "Breakdown": { "Items": [
                    { "TaxRateCode": code, "NetValue": net, "TaxValue": tax }
                ] },
            },
        })
    };
    json!({
        "Id": Uuid::new_v4(), "EnterpriseId": Uuid::new_v4(), "AccountId": account,
        "AccountType": "Customer", "State": "Closed", "Type": "Receipt", "Number": number,
        "CreatedUtc": "2026-11-24T10:00:00Z", "UpdatedUtc": "2026-11-24T10:00:00Z",
        "IssuedUtc": "2026-11-24T10:00:00Z",
        "CorrectionState": "Bill", "CorrectionType": null, "CorrectedBillId": null,
        "Options": { "DisplayCustomer": false, "DisplayTaxation": true, "TrackReceivable": false,
            "DisplayCid": false, "Rebated": false },
        "Revenue": [
            line("ServiceRevenue", "SpaceOrder", "Night", 100, 9, Some("NIGHT")),
            line("AdditionalRevenue", "CustomItem", "City tax", 4, 0, None),
        ],
        "Payments": [line("Payment", "Cash", "Cash", -113, 0, None)],
    })
}
