//! Hostile bills, and any bill: the printer's memory holds it to the cent, or nothing.

use driver_sdk::{
    Amount, BillItem, BillPayment, CorrectionKind, ItemKind, PaymentMeans, PaymentState, Personal,
    TaxPart,
};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::*;
use super::desk::*;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a number")
}

fn amount(parts: &[(&str, Decimal, Decimal)]) -> Amount {
    let parts: Vec<_> = parts
        .iter()
        .map(|(code, net, tax)| TaxPart {
            code: (!code.is_empty()).then(|| (*code).to_owned()),
            net: *net,
            tax: *tax,
        })
        .collect();
    let net: Decimal = parts.iter().map(|part| part.net).sum();
    let tax: Decimal = parts.iter().map(|part| part.tax).sum();
    Amount {
        currency: "EUR".to_owned(),
        net,
        gross: (net + tax).round_dp(2),
        parts,
    }
}

fn item(n: u128, amount: Amount) -> BillItem {
    BillItem {
        id: Uuid::from_u128(n),
        name: Some(Personal::new(format!("Item {n}"))),
        kind: ItemKind::SpaceOrder,
        rebates: None,
        count: None,
        unit_gross: None,
        amount: Some(amount),
        canceled: false,
        tax_exemption_reason: None,
    }
}

fn payment(n: u128, means: PaymentMeans, gross: Decimal) -> BillPayment {
    BillPayment {
        id: Uuid::from_u128(n),
        means,
        state: Some(PaymentState::Charged),
        amount: Some(amount(&[("", -gross, Decimal::ZERO)])),
        canceled: false,
    }
}

fn job_for(items: Vec<BillItem>, payments: Vec<BillPayment>) -> Job {
    let mut job = job();
    let work = bill(&mut job);
    (work.bill.revenue, work.bill.payments) = (Some(items), Some(payments));
    job
}

const MORE: &str = "[payments]\nInvoice = \"5-2\"";

fn desk() -> Desk {
    let mut desk = Desk::with("");
    let more = format!("{MORE}\nCash");
    desk.settings = desk.settings.replace("[payments]\nCash", &more);
    desk.restart();
    desk
}

/// The bill's total, if a document was issued; the code, if not.
async fn issued(job: &Job) -> Result<String, String> {
    let mut desk = desk();
    match desk.finish(job).await {
        Ended::Done(proof) => {
            let ours = desk.ours();
            assert_eq!(ours.len(), 1);
            assert_eq!(ours[0].facts["total"], proof.say.args["total"]);
            Ok(ours[0].facts["total"].clone())
        }
        Ended::NothingHappened(code) => {
            assert_eq!(desk.count(), 0, "{code}");
            Err(code)
        }
        Ended::Doubt(code) => panic!("{code} is no doubt"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_rebate_stands_on_its_line() {
    let mut rebate = item(2, amount(&[("BG-9", decimal("-9.17"), decimal("-0.83"))]));
    rebate.kind = ItemKind::Rebate;
    rebate.rebates = Some(Uuid::from_u128(1));
    let night = item(1, amount(&[("BG-9", decimal("91.74"), decimal("8.26"))]));
    let paid = payment(9, PaymentMeans::Cash, decimal("90"));
    assert_eq!(
        issued(&job_for(vec![night, rebate], vec![paid]))
            .await
            .as_deref(),
        Ok("90.00")
    );
}

#[tokio::test(start_paused = true)]
async fn an_invoice_balances_and_a_failed_payment_is_none() {
    let night = item(1, amount(&[("BG-9", decimal("91.74"), decimal("8.26"))]));
    let mut failed = payment(7, PaymentMeans::CreditCard, decimal("100"));
    failed.state = Some(PaymentState::Failed);
    let paid = vec![
        failed,
        payment(8, PaymentMeans::Cash, decimal("30")),
        payment(9, PaymentMeans::Invoice, decimal("70")),
    ];
    assert_eq!(
        issued(&job_for(vec![night], paid)).await.as_deref(),
        Ok("100.00")
    );
}

#[tokio::test(start_paused = true)]
async fn four_decimals_of_net_come_to_whole_cents() {
    let night = item(
        1,
        amount(&[("BG-9", decimal("91.7431"), decimal("8.2569"))]),
    );
    let tax = item(2, amount(&[("", decimal("2.2000"), Decimal::ZERO)]));
    let paid = payment(9, PaymentMeans::Cash, decimal("102.20"));
    assert_eq!(
        issued(&job_for(vec![night, tax], vec![paid]))
            .await
            .as_deref(),
        Ok("102.20")
    );
}

#[tokio::test(start_paused = true)]
async fn three_nights_of_a_third_come_to_the_bill() {
    let mut nights = item(1, amount(&[("BG-9", decimal("91.74"), decimal("8.26"))]));
    nights.count = Some(3);
    nights.unit_gross = Some(decimal("33.33"));
    let paid = payment(9, PaymentMeans::Cash, decimal("100"));
    assert_eq!(
        issued(&job_for(vec![nights], vec![paid])).await.as_deref(),
        Ok("100.00")
    );
}

#[tokio::test(start_paused = true)]
async fn a_refund_with_a_discount_comes_to_the_bill_and_without_its_original_to_nothing() {
    let mut desk = desk();
    done(desk.finish(&job()).await);
    let mut back = correction(CorrectionKind::CreditNote, 117, 118);
    let mut rebate = item(2, amount(&[("BG-9", decimal("9.17"), decimal("0.83"))]));
    rebate.kind = ItemKind::Rebate;
    rebate.rebates = Some(Uuid::from_u128(1));
    let night = item(1, amount(&[("BG-9", decimal("-91.74"), decimal("-8.26"))]));
    let work = bill(&mut back);
    work.bill.revenue = Some(vec![night, rebate]);
    work.bill.payments = Some(vec![payment(9, PaymentMeans::Cash, decimal("-90"))]);
    let stranger = issued(&back).await;
    assert_eq!(stranger, Err("FISCAL-ORIGINAL-MISSING".to_owned()));
    let proof = done(desk.finish(&back).await);
    assert_eq!(proof.say.args["total"], "90.00");
    assert_eq!(desk.ours()[1].facts["kind"], "refund");
}

fn any_bill() -> impl Strategy<Value = (Job, i64)> {
    let line = (1_i64..500_000, any::<bool>(), 1_i64..6, any::<bool>());
    (proptest::collection::vec(line, 1..8), 0_i64..100).prop_map(|(lines, cash)| {
        let mut total = 0;
        let items: Vec<_> = (1..)
            .zip(lines)
            .map(|(n, (cents, taxed, count, counted)): (u128, _)| {
                total += cents;
                let gross = Decimal::new(cents, 2);
                let net = (gross / decimal("1.09")).round_dp(if counted { 4 } else { 2 });
                let parts = if taxed {
                    [("BG-9", net, gross - net)]
                } else {
                    [("", gross, Decimal::ZERO)]
                };
                let mut item = item(n, amount(&parts));
                if counted {
                    item.count = Some(count);
                    item.unit_gross = Some((gross / Decimal::from(count)).round_dp(2));
                }
                item
            })
            .collect();
        let in_cash = total * cash / 100;
        let payments = vec![
            payment(8, PaymentMeans::Cash, Decimal::new(in_cash, 2)),
            payment(
                9,
                PaymentMeans::CreditCard,
                Decimal::new(total - in_cash, 2),
            ),
        ];
        (job_for(items, payments), total)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bill_of_whole_cents_is_issued_to_the_cent((job, total) in any_bill()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let issued = runtime.block_on(issued(&job));
        prop_assert_eq!(issued, Ok(driver_fiscal::money::show(total)));
    }
}
