use driver_fiscal::document::{Payment, Reason};
use driver_sdk::Settings;
use jiff::civil::date;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{ready, xml};

fn settings(text: &str) -> EpsonSettings {
    Settings::from_toml(text).parse().expect("good settings")
}

fn original() -> Original {
    Original {
        day: Some("764".to_owned()),
        number: Some("13".to_owned()),
        at: Some(date(2026, 11, 24).at(14, 5, 10, 0)),
        serial: Some("99MEY000001".to_owned()),
        key: None,
    }
}

fn document(kind: Kind, lines: Vec<Line>) -> Document {
    let total = lines.iter().map(|line| line.gross - line.discount).sum();
    Document {
        kind,
        lines,
        payments: vec![Payment {
            device_type: "0-0".to_owned(),
            amount: total,
            cash: true,
        }],
        total,
        currency: "EUR".to_owned(),
        bill: BillRef {
            id: Uuid::from_u128(0xABCD),
            number: None,
        },
        buyer: None,
    }
}

fn back(reason: Reason) -> Kind {
    Kind::Refund(Refund {
        reason,
        original: Original::default(),
        corrected: None,
    })
}

#[test]
fn an_original_that_nobody_knows_is_named_so_only_where_it_is_a_setting() {
    let today = date(2026, 11, 24);
    let line = Line {
        text: Personal::new("Room".to_owned()),
        group: 2,
        price: 100,
        thousandths: 1000,
        gross: 100,
        discount: 0,
    };
    let written = |text: &str, reason, known: Original| {
        let document = document(back(reason), vec![line.clone()]);
        let codes = Codes::default();
        let root = build(&document, |_| known, &codes, today, &settings(text))?;
        let reference = root.children[1].attribute("message").map(str::to_owned);
        Ok::<_, Fault>(reference.unwrap_or_default())
    };
    let nothing = Original::default;
    let (nd, refund) = ("unknown_original = \"nd\"", Reason::Refund);
    let unknown = written(nd, refund, nothing()).expect("allowed");
    assert_eq!(unknown, "REFUND 0000 0000 24112026 ND");
    let dated = Original {
        at: Some(date(2026, 10, 1).at(9, 0, 0, 0)),
        ..nothing()
    };
    let dated = written(nd, refund, dated).expect("allowed");
    assert_eq!(dated, "REFUND 0000 0000 01102026 ND");
    // Known ones are named, and half a name is no unknown one.
    let known = written(nd, refund, original()).expect("allowed");
    assert_eq!(known, "REFUND 0764 0013 24112026 99MEY000001");
    let half = Original {
        number: Some("13".to_owned()),
        ..nothing()
    };
    for (text, reason, known) in [
        (nd, refund, half),
        (nd, Reason::OperatorError, nothing()),
        ("", refund, nothing()),
    ] {
        let fault = written(text, reason, known).expect_err("something is missing");
        assert_eq!(fault.code(), "FISCAL-ORIGINAL-MISSING", "{text}");
    }
}

#[test]
fn a_reference_is_four_four_eight_and_a_serial_or_a_fault_by_name() {
    let message = |original: &Original| {
        Reference::of(original)
            .map(|it| it.message(Reason::OperatorError))
            .map_err(|it| it.to_string())
    };
    assert_eq!(
        message(&original()).as_deref(),
        Ok("VOID 0764 0013 24112026 99MEY000001")
    );
    type Change = fn(&mut Original);
    let changes: [(Change, &str); 8] = [
        (
            |it| it.day = None,
            "FISCAL-ORIGINAL-MISSING missing=closure",
        ),
        (
            |it| (it.at, it.serial) = (None, Some(" ".into())),
            "FISCAL-ORIGINAL-MISSING missing=date, printer",
        ),
        (
            |it| it.number = Some("0764-0013".into()),
            "EPSON-ORIGINAL field=number",
        ),
        (
            |it| it.number = Some("+13".into()),
            "EPSON-ORIGINAL field=number",
        ),
        (
            |it| it.day = Some("10000".into()),
            "EPSON-ORIGINAL field=closure",
        ),
        (
            |it| it.day = Some("0".into()),
            "EPSON-ORIGINAL field=closure",
        ),
        (
            |it| it.serial = Some("99MEY 00001".into()),
            "EPSON-ORIGINAL field=printer",
        ),
        (
            |it| it.serial = Some("99MEY0000012".into()),
            "EPSON-ORIGINAL field=printer",
        ),
    ];
    for (change, wanted) in changes {
        let mut original = original();
        change(&mut original);
        assert_eq!(message(&original), Err(wanted.to_owned()));
    }
}

#[test]
fn a_bill_without_a_number_is_called_by_the_end_of_its_identity() {
    let nameless = document(Kind::Sale, Vec::new()).bill;
    assert_eq!(bill_mark(&nameless), "00000000abcd");
    let long = BillRef {
        number: Some("N\u{2082}".repeat(40)),
        ..nameless
    };
    assert_eq!(bill_mark(&long).chars().count(), 41);
}

#[test]
fn codes_stand_before_the_total_and_the_lottery_only_on_a_sale() {
    let line = Line {
        text: Personal::new("Camera".to_owned()),
        group: 2,
        price: 100,
        thousandths: 1000,
        gross: 100,
        discount: 0,
    };
    let codes = Codes {
        vat: Some(Personal::new("01234567897".to_owned())),
        fiscal: None,
        lottery: Some(Personal::new("ABCD1234".to_owned())),
    };
    let names = |root: &Element| -> Vec<String> {
        root.children
            .iter()
            .map(|child| child.name.clone())
            .collect()
    };
    let sale_of = |text: &str| {
        sale(
            &document(Kind::Sale, vec![line.clone()]),
            &codes,
            &settings(text),
        )
    };
    let sold = sale_of("");
    let wanted = [
        "printRecMessage",
        "beginFiscalReceipt",
        "printRecItem",
        "directIO",
        "printRecLotteryID",
        "printRecTotal",
        "endFiscalReceipt",
    ];
    assert_eq!(names(&sold), wanted);
    assert_eq!(sold.children[3].attribute("data"), Some("0101234567897"));
    let older = sale_of("lottery_by = \"direct-io\"");
    assert_eq!(
        older.children[4].attribute("data"),
        Some("01ABCD1234        0000")
    );
    let Kind::Refund(reason) = back(Reason::Refund) else {
        panic!("a refund");
    };
    let reference = Reference::of(&original()).expect("complete");
    let document = document(Kind::Refund(reason.clone()), vec![line]);
    let refunded = refund(&document, &reason, &reference, &codes, &settings(""));
    let wanted = [
        "printRecMessage",
        "printRecMessage",
        "beginFiscalReceipt",
        "printRecRefund",
        "directIO",
        "printRecTotal",
        "endFiscalReceipt",
    ];
    assert_eq!(names(&refunded), wanted);
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (
        "\\PC{0,60}",
        1_u8..100,
        1_i64..2_000_000,
        1_i64..40,
        0_i64..100,
    )
        .prop_map(|(name, group, price, count, percent)| {
            let gross = price * count;
            Line {
                text: Personal::new(text::clean(&name, text::latin1, 38)),
                group,
                price,
                thousandths: count * 1000,
                gross,
                discount: gross * percent / 100,
            }
        });
    proptest::collection::vec(line, 1..12)
}

proptest! {
    /// What we write, our own check of foreign documents takes, with the same sum.
    #[test]
    fn every_document_is_well_formed_and_keeps_its_sum(
        lines in lines(), kind in 0_usize..3, point in any::<bool>(),
    ) {
        let kind = [Kind::Sale, back(Reason::Refund), back(Reason::OperatorError)][kind].clone();
        let document = document(kind, lines);
        let settings = settings(if point { "decimals = \"point\"" } else { "" });
        let root = build(
            &document,
            |_| original(),
            &Codes::default(),
            date(2026, 11, 24),
            &settings,
        ).expect("complete");
        let bytes = xml::envelope(&root);
        let ready = ready::ready(&bytes).expect("our own");
        prop_assert_eq!(ready.total, document.total);
        prop_assert_eq!(ready.body, bytes.clone());
        let does = match &document.kind {
            Kind::Sale => ready::Does::Sell,
            Kind::Refund(it) if it.reason == Reason::Refund => ready::Does::Refund,
            Kind::Refund(_) => ready::Does::Void,
        };
        prop_assert_eq!(ready.does, does);
        prop_assert!(ready::names(&ready.texts, &bill_mark(&document.bill)));
        let read = xml::read(&bytes).expect("well-formed");
        let inside = xml::inside_envelope(&read).expect("one command");
        prop_assert_eq!(&inside.children, &root.children);
    }
}
