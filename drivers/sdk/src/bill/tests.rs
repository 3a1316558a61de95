use super::*;

fn work() -> FiscalWork {
    FiscalWork {
        machine_id: Some("FP-7".into()),
        api_url: None,
        data: Some(Personal::new("{\"password\":\"Rossini\"}".into())),
        tax_identifier: Some("01234567890".into()),
        bill: Bill {
            id: Uuid::nil(),
            enterprise_id: None,
            number: Some("771".into()),
            variable_symbol: None,
            purchase_order_number: None,
            closed: true,
            kind: BillKind::Receipt,
            issued: None,
            taxed: None,
            due: None,
            display_customer: Some(true),
            revenue: Some(vec![BillItem {
                id: Uuid::nil(),
                name: Some(Personal::new("Dinner of Mr Rossini".into())),
                kind: ItemKind::from("ResourceNewFee"),
                rebates: None,
                count: None,
                unit_gross: None,
                amount: None,
                canceled: false,
                tax_exemption_reason: None,
            }]),
            order_items: None,
            payments: None,
            payment_items: None,
            owner: Some(Party {
                company: false,
                name: Personal::new("Gioachino Rossini".into()),
                tax_identifier: Some(Personal::new("Rossini-1".into())),
                fiscal_identifier: None,
                additional_tax_identifier: None,
                billing_code: None,
                address: vec![Personal::new("Via Rossini 1".into())],
                country: Some("IT".into()),
                legal_identifiers: BTreeMap::from([(
                    "FiscalCode".to_owned(),
                    Personal::new("RossiniCF".to_owned()),
                )]),
            }),
            associated: None,
            seller: None,
            correction: None,
        },
        italian: Some(Extra::Known(ItalianData::default())),
        payload: Some(Extra::Known(Personal::new("PHJvc3NpbmkvPg==".into()))),
    }
}

#[test]
fn a_guests_data_is_not_in_the_debug_text() {
    let text = format!("{:?}", work());
    assert!(
        !text.contains("Rossini") && !text.contains("PHJv"),
        "{text}"
    );
}

#[test]
fn a_bill_survives_the_journal_with_words_of_a_newer_contract() {
    let before = serde_json::to_value(work()).expect("plain data");
    let after: FiscalWork = serde_json::from_value(before.clone()).expect("what we wrote");
    assert_eq!(serde_json::to_value(&after).expect("plain data"), before);
    let items = after.bill.revenue.expect("it was there");
    assert_eq!(items[0].kind, ItemKind::Unknown("ResourceNewFee".into()));
}

#[test]
fn a_ready_document_needs_no_items() {
    let mut work = work();
    assert!(!work.lacks_items());
    work.payload = None;
    assert!(work.lacks_items(), "the payments are missing");
}
