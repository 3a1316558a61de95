//! A small bill, for drivers' conformance tests: two nights with 9 % tax, a city tax without,
//! paid by card, 153.20 in all.

use driver_sdk::{
    Amount, Bill, BillItem, BillKind, BillPayment, CommandId, Correction, DeviceName, FiscalWork,
    ItemKind, Job, PaymentMeans, PaymentState, Personal, TaxPart, Work,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use uuid::Uuid;

/// The settings that give its taxes and payments a place in the device: of tax code `BG-9`, of
/// no tax, of cash and of a card, as they stand in TOML.
#[must_use]
pub fn tables(taxed: &str, untaxed: &str, cash: &str, card: &str) -> String {
    format!(
        "[vat]\n\"BG-9\" = {taxed}\nuntaxed = {untaxed}\n\
         [payments]\nCash = \"{cash}\"\nCreditCard = \"{card}\"\n"
    )
}

/// Issue it, at this time in this zone.
///
/// # Panics
/// If there is no such zone.
#[must_use]
pub fn receipt(now: Timestamp, zone: &str) -> Job {
    bill(117, 1, 15_320, None, now, zone)
}

/// The bill with this id, sold (`sign` 1) or given back (-1), and so many cents paid for it, at this
/// time in this zone.
///
/// # Panics
/// If there is no such zone.
#[must_use]
pub fn bill(
    id: u128,
    sign: i64,
    paid: i64,
    correction: Option<Correction>,
    now: Timestamp,
    zone: &str,
) -> Job {
    let lines = vec![
        item(
            1,
            "Two nights",
            amount(Some("BG-9"), sign * 13_853, sign * 1_247),
        ),
        item(2, "City tax", amount(None, sign * 220, 0)),
    ];
    let work = FiscalWork {
        machine_id: None,
        api_url: None,
        data: None,
        tax_identifier: Some("BG123456789".to_owned()),
        bill: Bill {
            id: Uuid::from_u128(id),
            enterprise_id: None,
            number: Some("2026-117".to_owned()),
            variable_symbol: None,
            purchase_order_number: None,
            closed: true,
            kind: BillKind::Receipt,
            issued: None,
            taxed: None,
            due: None,
            display_customer: None,
            revenue: Some(lines),
            order_items: None,
            payments: Some(vec![BillPayment {
                id: Uuid::from_u128(3),
                means: PaymentMeans::CreditCard,
                state: Some(PaymentState::Charged),
                amount: Some(amount(None, -paid, 0)),
                canceled: false,
            }]),
            payment_items: None,
            owner: None,
            associated: None,
            seller: None,
            correction,
        },
        italian: None,
        payload: None,
    };
    job(Work::Fiscal(Box::new(work)), now, zone)
}

/// Any work, at this time in this zone.
///
/// # Panics
/// If there is no such zone.
#[must_use]
pub fn job(work: Work, now: Timestamp, zone: &str) -> Job {
    Job {
        id: CommandId::local(),
        device: DeviceName::new("fiscal"),
        created: now,
        now,
        zone: TimeZone::get(zone).expect("a zone"),
        repeat: false,
        attempt: 0,
        work,
    }
}

/// An amount in cents, with its tax code.
#[must_use]
pub fn amount(code: Option<&str>, net: i64, tax: i64) -> Amount {
    let (net, tax) = (Decimal::new(net, 2), Decimal::new(tax, 2));
    Amount {
        currency: "EUR".to_owned(),
        net,
        gross: net + tax,
        parts: vec![TaxPart {
            code: code.map(str::to_owned),
            net,
            tax,
        }],
    }
}

fn item(id: u128, name: &str, amount: Amount) -> BillItem {
    BillItem {
        id: Uuid::from_u128(id),
        name: Some(Personal::new(name.to_owned())),
        kind: ItemKind::SpaceOrder,
        rebates: None,
        count: None,
        unit_gross: None,
        amount: Some(amount),
        canceled: false,
        tax_exemption_reason: None,
    }
}
