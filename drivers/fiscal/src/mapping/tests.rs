use driver_sdk::{
    Amount, BillItem, BillKind, BillPayment, Correction, ItemKind, PaymentMeans, PaymentState,
    Personal, TaxPart,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::document::{Line, Payment};
use crate::tables::VatGroup;
use crate::text;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// An amount by its parts (code, net, tax); the gross amount is their sum unless said otherwise.
fn euros(parts: &[(&str, &str, &str)]) -> Amount {
    let parts: Vec<_> = parts
        .iter()
        .map(|(code, net, tax)| TaxPart {
            code: (!code.is_empty()).then(|| (*code).to_owned()),
            net: decimal(net),
            tax: decimal(tax),
        })
        .collect();
    let net: Decimal = parts.iter().map(|part| part.net).sum();
    let tax: Decimal = parts.iter().map(|part| part.tax).sum();
    Amount {
        currency: "EUR".into(),
        net,
        gross: (net + tax).round_dp(2),
        parts,
    }
}

fn item(n: u128, kind: ItemKind, name: &str, amount: Amount) -> BillItem {
    BillItem {
        id: id(n),
        name: Some(Personal::new(name.to_owned())),
        kind,
        rebates: None,
        count: None,
        unit_gross: None,
        amount: Some(amount),
        canceled: false,
        tax_exemption_reason: None,
    }
}

fn paid(means: PaymentMeans, amount: &str) -> BillPayment {
    BillPayment {
        id: id(900),
        means,
        state: Some(PaymentState::Charged),
        amount: Some(euros(&[("", amount, "0")])),
        canceled: false,
    }
}

fn work(items: Vec<BillItem>, payments: Vec<BillPayment>) -> FiscalWork {
    FiscalWork {
        machine_id: None,
        api_url: None,
        data: None,
        tax_identifier: None,
        bill: Bill {
            id: id(1),
            enterprise_id: None,
            number: Some("2026-117".into()),
            variable_symbol: None,
            purchase_order_number: None,
            closed: true,
            kind: BillKind::Receipt,
            issued: None,
            taxed: None,
            due: None,
            display_customer: None,
            revenue: Some(items),
            order_items: None,
            payments: Some(payments),
            payment_items: None,
            owner: None,
            associated: None,
            seller: None,
            correction: None,
        },
        italian: None,
        payload: None,
    }
}

fn tables() -> (VatTable, PaymentTable) {
    let vat = [("IT-10", 2), ("IT-22", 1), (crate::tables::UNTAXED, 11)];
    let vat = vat.map(|(code, group)| {
        (
            code.to_owned(),
            VatGroup {
                group,
                percent: None,
            },
        )
    });
    let payments = [("Cash", "0-0"), ("CreditCard", "2-1"), ("Invoice", "5-1")];
    let payments = payments.map(|(means, kind)| (means.to_owned(), kind.to_owned()));
    (VatTable(vat.into()), PaymentTable(payments.into()))
}

fn mapped(work: &FiscalWork) -> Result<Document, Fault> {
    let (vat, payments) = tables();
    document(
        work,
        &Rules {
            vat: &vat,
            payments: &payments,
            currency: "EUR",
            deposit_group: None,
            loose_discounts: LooseDiscounts::SameGroup,
            text: TextRules {
                item_max: 38,
                message_max: 46,
                has: text::latin1,
            },
        },
    )
}

fn facts(lines: &[Line]) -> Vec<(&str, u8, i64, i64, i64)> {
    lines
        .iter()
        .map(|it| {
            (
                it.text.reveal().as_str(),
                it.group,
                it.price,
                it.thousandths,
                it.discount,
            )
        })
        .collect()
}

fn code(work: &FiscalWork) -> String {
    mapped(work).expect_err("must be refused").code().to_owned()
}

#[test]
fn the_sheets_bill_becomes_two_lines_and_a_card() {
    let mut sheet = work(
        vec![
            item(
                1,
                ItemKind::SpaceOrder,
                "Camera 101",
                euros(&[("IT-10", "137.27", "13.73")]),
            ),
            item(
                2,
                ItemKind::CustomItem,
                "Imposta di soggiorno",
                euros(&[("", "2.20", "0")]),
            ),
        ],
        vec![paid(PaymentMeans::CreditCard, "-153.20")],
    );
    let mut counted = sheet.bill.revenue.clone().expect("items");
    for (item, price) in counted.iter_mut().zip(["75.50", "1.10"]) {
        item.name = None;
        item.count = Some(2);
        item.unit_gross = Some(decimal(price));
    }
    sheet.bill.order_items = Some(counted);
    let document = mapped(&sheet).expect("a plain sale");
    assert_eq!(document.kind, Kind::Sale);
    assert_eq!(document.total, 15320);
    assert_eq!(
        facts(&document.lines),
        [
            ("Camera 101", 2, 7550, 2000, 0),
            ("Imposta di soggiorno", 11, 110, 2000, 0)
        ]
    );
    let card = Payment {
        device_type: "2-1".into(),
        amount: 15320,
        cash: false,
    };
    assert_eq!(document.payments, [card]);
}

#[test]
fn a_count_whose_product_is_not_the_amount_goes_into_the_text() {
    let mut room = item(
        1,
        ItemKind::SpaceOrder,
        "Room 101",
        euros(&[("IT-10", "18.00", "0.01")]),
    );
    room.count = Some(2);
    room.unit_gross = Some(decimal("9.00"));
    let sale = work(vec![room], vec![paid(PaymentMeans::Cash, "-18.01")]);
    let document = mapped(&sale).expect("a sale");
    assert_eq!(facts(&document.lines), [("2 x Room 101", 2, 1801, 1000, 0)]);
}

#[test]
fn a_line_with_two_rates_is_split_and_comes_to_its_gross_amount() {
    let half_board = euros(&[
        ("IT-10", "72.7273", "7.2727"),
        ("IT-22", "16.3934", "3.6066"),
    ]);
    let sale = work(
        vec![item(1, ItemKind::SpaceOrder, "Half board", half_board)],
        vec![paid(PaymentMeans::Cash, "-100")],
    );
    let document = mapped(&sale).expect("four-decimal nets");
    assert_eq!(
        facts(&document.lines),
        [
            ("Half board (1/2)", 2, 8000, 1000, 0),
            ("Half board (2/2)", 1, 2000, 1000, 0)
        ]
    );
}

#[test]
fn the_cent_left_over_by_rounding_goes_to_the_part_that_lost_it() {
    let amount = euros(&[
        ("IT-10", "3.334", "0"),
        ("IT-22", "3.334", "0"),
        ("", "3.332", "0"),
    ]);
    let sale = work(
        vec![item(1, ItemKind::Other, "Package", amount)],
        vec![paid(PaymentMeans::Cash, "-10.00")],
    );
    let document = mapped(&sale).expect("10.00");
    let sum: i64 = document.lines.iter().map(|line| line.gross).sum();
    assert_eq!(sum, 1000);
}

#[test]
fn a_rebate_is_a_discount_on_its_line() {
    let room = item(
        1,
        ItemKind::SpaceOrder,
        "Room",
        euros(&[("IT-10", "100", "10")]),
    );
    let mut rebate = item(
        2,
        ItemKind::Rebate,
        "Sorry",
        euros(&[("IT-10", "-10", "-1")]),
    );
    rebate.rebates = Some(id(1));
    let sale = work(
        vec![room.clone(), rebate.clone()],
        vec![paid(PaymentMeans::Cash, "-99")],
    );
    let document = mapped(&sale).expect("a rebate");
    assert_eq!(facts(&document.lines), [("Room", 2, 11000, 1000, 1100)]);

    let other = item(
        3,
        ItemKind::ProductOrder,
        "Wine",
        euros(&[("IT-22", "100", "22")]),
    );
    rebate.amount = Some(euros(&[("IT-10", "-100.01", "-10")]));
    let too_much = work(
        vec![room, rebate, other],
        vec![paid(PaymentMeans::Cash, "-121.99")],
    );
    let fault = mapped(&too_much).expect_err("a cent more than the line");
    assert_eq!(fault.code(), "FISCAL-DISCOUNT");
    assert_eq!(fault.say().args["discount"], "110.01");
    assert_eq!(fault.say().args["line"], "110.00");
}

#[test]
fn a_rebate_found_only_in_the_list_without_names_is_joined_by_id() {
    let room = item(
        1,
        ItemKind::SpaceOrder,
        "Room",
        euros(&[("IT-10", "100", "10")]),
    );
    let big = item(
        3,
        ItemKind::SpaceOrder,
        "Suite",
        euros(&[("IT-10", "200", "20")]),
    );
    let rebate = item(
        2,
        ItemKind::Rebate,
        "Sorry",
        euros(&[("IT-10", "-10", "-1")]),
    );
    let mut twin = rebate.clone();
    twin.rebates = Some(id(1));
    let mut sale = work(
        vec![room, big, rebate],
        vec![paid(PaymentMeans::Cash, "-319")],
    );
    sale.bill.order_items = Some(vec![twin]);
    let document = mapped(&sale).expect("a rebate");
    assert_eq!(
        document.lines[0].discount, 1100,
        "on the room and not on the larger suite"
    );
}

#[test]
fn a_loose_discount_stays_in_its_vat_group() {
    let items = vec![
        item(
            1,
            ItemKind::SpaceOrder,
            "Room",
            euros(&[("IT-10", "100", "10")]),
        ),
        item(
            2,
            ItemKind::ProductOrder,
            "Wine",
            euros(&[("IT-22", "200", "44")]),
        ),
        item(
            3,
            ItemKind::SurchargeDiscount,
            "Loyal guest",
            euros(&[("IT-10", "-10", "-1")]),
        ),
    ];
    let sale = work(items.clone(), vec![paid(PaymentMeans::Cash, "-343")]);
    let document = mapped(&sale).expect("a discount");
    assert_eq!(facts(&document.lines)[0], ("Room", 2, 11000, 1000, 1100));
    let mut over = items;
    over[2].amount = Some(euros(&[("IT-10", "-100", "-10.01")]));
    let sale = work(over, vec![paid(PaymentMeans::Cash, "-243.99")]);
    assert_eq!(code(&sale), "FISCAL-NEGATIVE-GROUP");
}

#[test]
fn sums_that_differ_by_a_cent_send_nothing_and_name_all_three() {
    let room = item(
        1,
        ItemKind::SpaceOrder,
        "Room",
        euros(&[("IT-10", "100", "10")]),
    );
    let sale = work(vec![room], vec![paid(PaymentMeans::Cash, "-109.99")]);
    let fault = mapped(&sale).expect_err("a cent");
    assert_eq!(fault.code(), "FISCAL-SUMS");
    let said: Vec<_> = fault.say().args.values().map(String::as_str).collect();
    assert_eq!(said, ["110.00", "110.00", "109.99"]);
}

#[test]
fn a_failed_payment_is_none_and_a_pending_one_waits() {
    let room = item(
        1,
        ItemKind::SpaceOrder,
        "Room",
        euros(&[("IT-10", "100", "10")]),
    );
    let mut failed = paid(PaymentMeans::CreditCard, "-110");
    failed.state = Some(PaymentState::Failed);
    let sale = work(
        vec![room.clone()],
        vec![failed.clone(), paid(PaymentMeans::Cash, "-110")],
    );
    let document = mapped(&sale).expect("the cash is there");
    assert_eq!(document.payments.len(), 1);
    assert!(document.payments[0].cash);
    failed.state = Some(PaymentState::Pending);
    assert_eq!(code(&work(vec![room], vec![failed])), "FISCAL-PAYMENT-OPEN");
}

#[test]
fn an_invoice_balances_by_its_own_payment_type_and_cash_comes_last() {
    let room = item(
        1,
        ItemKind::SpaceOrder,
        "Room",
        euros(&[("IT-10", "100", "10")]),
    );
    let payments = vec![
        paid(PaymentMeans::Cash, "-10"),
        paid(PaymentMeans::Invoice, "-60"),
        paid(PaymentMeans::Invoice, "-40"),
    ];
    let document = mapped(&work(vec![room], payments)).expect("an invoice");
    let types: Vec<_> = document
        .payments
        .iter()
        .map(|payment| (payment.device_type.as_str(), payment.amount))
        .collect();
    assert_eq!(types, [("5-1", 10000), ("0-0", 1000)]);
}

#[test]
fn what_the_tables_do_not_name_is_refused_by_name() {
    let vat = item(
        1,
        ItemKind::SpaceOrder,
        "Room",
        euros(&[("DE-19", "100", "19")]),
    );
    let fault = mapped(&work(vec![vat], vec![paid(PaymentMeans::Cash, "-119")])).expect_err("VAT");
    assert_eq!(
        (fault.code(), fault.say().args["code"].as_str()),
        ("FISCAL-VAT-UNMAPPED", "DE-19")
    );
    let room = item(
        1,
        ItemKind::SpaceOrder,
        "Room",
        euros(&[("IT-10", "100", "10")]),
    );
    let cheque = paid(PaymentMeans::Cheque, "-110");
    let fault = mapped(&work(vec![room], vec![cheque])).expect_err("cheque");
    assert_eq!(fault.say().args["means"], "Cheque");
}

#[test]
fn two_currencies_a_deposit_and_a_zero_total_are_refused() {
    let room = item(
        1,
        ItemKind::SpaceOrder,
        "Room",
        euros(&[("IT-10", "100", "10")]),
    );
    let mut franc = paid(PaymentMeans::Cash, "-110");
    franc.amount.as_mut().expect("an amount").currency = "CHF".into();
    assert_eq!(
        code(&work(vec![room.clone()], vec![franc])),
        "FISCAL-CURRENCY"
    );
    let deposit = item(1, ItemKind::Deposit, "Deposit", euros(&[("", "50", "0")]));
    let cash = paid(PaymentMeans::Cash, "-50");
    assert_eq!(code(&work(vec![deposit], vec![cash])), "FISCAL-DEPOSIT");
    let back = item(
        2,
        ItemKind::SpaceOrder,
        "Back",
        euros(&[("IT-10", "-100", "-10")]),
    );
    let zero = work(vec![room, back], vec![paid(PaymentMeans::Cash, "0")]);
    assert_eq!(code(&zero), "FISCAL-ZERO");
}

#[test]
fn a_credit_note_is_a_refund_with_positive_amounts() {
    let tax = item(
        1,
        ItemKind::CustomItem,
        "Imposta di soggiorno",
        euros(&[("", "-2.20", "0")]),
    );
    let mut note = work(vec![tax], vec![paid(PaymentMeans::CreditCard, "2.20")]);
    note.bill.correction = Some(Correction {
        kind: Some(CorrectionKind::CreditNote),
        corrected: Some(id(7)),
    });
    let document = mapped(&note).expect("a refund");
    assert_eq!(document.total, 220);
    assert_eq!(document.payments[0].amount, 220);
    let Kind::Refund(refund) = document.kind else {
        panic!("a refund");
    };
    assert_eq!(
        (refund.reason, refund.corrected),
        (Reason::Refund, Some(id(7)))
    );
    note.bill.correction = Some(Correction {
        kind: Some(CorrectionKind::Edit),
        corrected: None,
    });
    assert_eq!(code(&note), "FISCAL-BY-HAND");
}

#[test]
fn a_name_of_emoji_or_five_hundred_characters_fits_the_line() {
    let long = item(
        1,
        ItemKind::CustomItem,
        &"x".repeat(500),
        euros(&[("IT-10", "100", "10")]),
    );
    let emoji = item(
        2,
        ItemKind::CustomItem,
        "🏨🍷",
        euros(&[("IT-10", "10", "1")]),
    );
    let document = mapped(&work(
        vec![long, emoji],
        vec![paid(PaymentMeans::Cash, "-121")],
    ))
    .expect("cleaned");
    assert_eq!(document.lines[0].text.reveal().len(), 38);
    assert_eq!(document.lines[1].text.reveal(), "??");
}

#[test]
fn no_guest_is_in_the_debug_text_of_a_document() {
    let room = item(
        1,
        ItemKind::SpaceOrder,
        "Mr Rossini",
        euros(&[("IT-10", "100", "10")]),
    );
    let document = mapped(&work(vec![room], vec![paid(PaymentMeans::Cash, "-110")])).expect("ok");
    assert!(!format!("{document:?}").contains("Rossini"));
}

prop_compose! {
    fn any_item()(
        n in 1u128..6,
        kind in prop_oneof![
            Just(ItemKind::SpaceOrder), Just(ItemKind::Rebate), Just(ItemKind::SurchargeDiscount),
        ],
        target in proptest::option::of(1u128..6),
        parts in proptest::collection::vec(
            (prop_oneof![Just("IT-10"), Just("IT-22"), Just("")], -20_0000i64..90_0000, 0i64..9_0000),
            1..4,
        ),
    ) -> BillItem {
        let texts: Vec<(&str, String, String)> = parts
            .iter()
            .map(|(code, net, tax)| {
                (*code, Decimal::new(*net, 4).to_string(), Decimal::new(*tax, 4).to_string())
            })
            .collect();
        let parts: Vec<_> = texts
            .iter()
            .map(|(code, net, tax)| (*code, net.as_str(), tax.as_str()))
            .collect();
        let mut item = item(n, kind, "Item", euros(&parts));
        item.rebates = target.map(id);
        item
    }
}

proptest! {
    #[test]
    fn a_document_comes_to_the_bill_to_the_cent_or_is_refused(
        items in proptest::collection::vec(any_item(), 1..6),
    ) {
        let total: Decimal = items
            .iter()
            .filter_map(|item| item.amount.as_ref())
            .map(|amount| amount.gross)
            .sum();
        let sale = work(items, vec![paid(PaymentMeans::Cash, &(-total).to_string())]);
        if let Ok(document) = mapped(&sale) {
            let lines: i64 = document.lines.iter().map(|it| it.gross - it.discount).sum();
            let paid: i64 = document.payments.iter().map(|it| it.amount).sum();
            prop_assert_eq!(Some(lines), money::exact(total.abs()));
            prop_assert_eq!(lines, paid);
            for line in &document.lines {
                prop_assert!(line.gross > 0 && line.discount >= 0 && line.discount <= line.gross);
                prop_assert_eq!(money::times(line.price, line.thousandths), Some(line.gross));
            }
        }
    }
}
