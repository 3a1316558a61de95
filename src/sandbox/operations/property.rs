//! The hotel itself: configuration, devices, items of bills.

use super::{
    super::{
        clock,
        envelope::{Answer, Refusal},
        members::Members,
        property::HotelState,
    },
    Call,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// All devices of the hotel, connected or not.
pub(super) fn devices(call: &Call<'_>) -> Result<Answer, Refusal> {
    Members::of_request(call.body, &[])?;
    call.cloud.look(|state| {
        let devices = state.hotels[call.hotel].devices.iter();
        let devices: Vec<Value> = devices.map(|device| device.wire()).collect();
        Ok(Answer::Json(json!({ "Devices": devices })))
    })
}

/// Identity, time zone and the cloud's time.
pub(super) fn configuration_get(call: &Call<'_>) -> Result<Answer, Refusal> {
    let members = Members::of_request(call.body, &["EnterpriseId"])?;
    members.optional_uuid("EnterpriseId")?;
    call.cloud.look(|state| {
        let now = clock::wire(state.clock.utc());
        Ok(Answer::Json(configuration(&state.hotels[call.hotel], &now)))
    })
}

/// The answer of `configuration/get`.
pub(in super::super) fn configuration(hotel: &HotelState, now: &str) -> Value {
    let options = &hotel.options;
    let other = if options.currency == "EUR" {
        "USD"
    } else {
        "EUR"
    };
    json!({
        "NowUtc": now,
        "Enterprise": {
            "Id": hotel.id,
            "ExternalIdentifier": null,
            "ChainId": hotel.chain,
            "ChainName": "Sandbox Hotels",
            "CreatedUtc": "2020-01-15T09:00:00Z",
            "Name": options.name,
            "TimeZoneIdentifier": options.time_zone,
            "LegalEnvironmentCode": options.legal_environment,
            "TaxEnvironmentCode": format!("{}-2024-1", options.legal_environment),
            "DefaultLanguageCode": "en-GB",
            "Pricing": if options.gross_prices { "Gross" } else { "Net" },
            "TaxPrecision": null,
            "IsPortfolio": options.portfolio,
            "Currencies": [
                { "Currency": options.currency, "IsDefault": true, "IsEnabled": true },
                { "Currency": other, "IsDefault": false, "IsEnabled": true },
            ],
        },
        "Service": null,
        "PaymentCardStorage": null,
        "IsIdentityDocumentNumberRequired": options.document_numbers,
    })
}

/// Items of bills, as tests put them there.
pub(super) fn order_items(call: &Call<'_>) -> Result<Answer, Refusal> {
    of_bills(call, "OrderItems")
}

/// Payments of bills, as tests put them there.
pub(super) fn payments(call: &Call<'_>) -> Result<Answer, Refusal> {
    of_bills(call, "Payments")
}

fn of_bills(call: &Call<'_>, list: &str) -> Result<Answer, Refusal> {
    let members = Members::of_request(call.body, &["BillIds", "Limitation", "EnterpriseIds"])?;
    let bills = members.uuids("BillIds", 1000)?;
    members.optional_uuids("EnterpriseIds", 1000)?;
    let page = members.page()?;
    let bills: Vec<String> = bills.iter().map(Uuid::to_string).collect();
    call.cloud.look(|state| {
        let items = state.hotels[call.hotel]
            .store
            .having(list, "BillId", &bills);
        let (items, cursor) = page.of(items, id_of)?;
        Ok(Answer::Json(json!({ list: items, "Cursor": cursor })))
    })
}

/// The `Id` of a kept item.
pub(super) fn id_of(item: &Value) -> Option<Uuid> {
    item.get("Id")?.as_str()?.parse().ok()
}
