use proptest::prelude::*;

use super::*;

const GOOD: &str = "<printerFiscalReceipt><printRecMessage messageType=\"1\" message=\"Bill 7\"/>\
    <beginFiscalReceipt operator=\"1\"/><printRecItem operator=\"1\" description=\"Camera\" \
    quantity=\"2,000\" unitPrice=\"75,50\" department=\"2\"/><printRecTotal payment=\"151,00\" \
    paymentType=\"2\" index=\"1\"/><endFiscalReceipt operator=\"1\"/></printerFiscalReceipt>";

#[track_caller]
fn bad(text: &str, wanted: &str) {
    let fault = ready(text.as_bytes()).expect_err(wanted);
    assert_eq!(fault.code(), "FISCAL-PAYLOAD");
    let what = &fault.say().args["what"];
    assert!(what.contains(wanted), "{what} is not {wanted}");
}

#[track_caller]
fn instead(from: &str, to: &str, wanted: &str) {
    let changed = GOOD.replacen(from, to, 1);
    assert_ne!(changed, GOOD, "{from} is not there");
    bad(&changed, wanted);
}

#[test]
fn a_good_document_is_passed_on_unchanged() {
    let bare = ready(GOOD.as_bytes()).expect("allowed");
    assert_eq!((bare.total, bare.does), (15_100, Does::Sell));
    assert!(String::from_utf8_lossy(&bare.body).contains(GOOD));
    assert!(xml::read(&bare.body).is_ok());
    let declared = format!("\u{FEFF}<?xml version=\"1.0\"?>\r\n{GOOD}\r\n");
    assert_eq!(ready(declared.as_bytes()).expect("allowed"), bare);
    let whole = xml::wrapped(GOOD);
    assert_eq!(ready(&whole).expect("allowed").body, whole);
}

#[test]
fn an_unknown_root_is_named() {
    for root in [
        "fvp_doc",
        "printerFiscalReport",
        "printerCommand",
        "printerNotFiscal",
    ] {
        bad(
            &GOOD.replace("printerFiscalReceipt", root),
            &format!("unknown root {root}"),
        );
    }
    bad("PK\u{3}\u{4}", "well-formed");
    bad("", "well-formed");
}

#[test]
fn what_is_forbidden_is_named() {
    let begin = "<beginFiscalReceipt operator=\"1\"/>";
    for (command, wanted) in [
        ("<resetPrinter/>", "forbidden element resetPrinter"),
        ("<printZReport/>", "forbidden element printZReport"),
        (
            "<endFiscalReceiptCut/>",
            "forbidden element endFiscalReceiptCut",
        ),
        (
            "<directIO command=\"4034\" data=\"0198\"/>",
            "forbidden command 4034",
        ),
        ("<directIO command=\"4038\"/>", "forbidden command 4038"),
        ("<directIO/>", "forbidden command"),
        (
            "<printNormal><resetPrinter/></printNormal>",
            "printNormal is not empty",
        ),
    ] {
        instead(begin, &format!("{command}{begin}"), wanted);
    }
}

#[test]
fn there_is_one_receipt_opened_once_and_closed_once() {
    let inside =
        &GOOD["<printerFiscalReceipt>".len()..GOOD.len() - "</printerFiscalReceipt>".len()];
    bad(&GOOD.replace(inside, &inside.repeat(2)), "misplaced");
    let end = "<endFiscalReceipt operator=\"1\"/>";
    instead(end, &end.repeat(2), "misplaced endFiscalReceipt");
    let paid =
        &GOOD[GOOD.find("<printRecTotal").expect("a total")..GOOD.find(end).expect("an end")];
    instead(paid, "", "misplaced endFiscalReceipt");
    instead(paid, &format!("{end}{paid}"), "misplaced");
    instead(
        "<endFiscalReceipt operator=\"1\"/>",
        "",
        "endFiscalReceipt is missing",
    );
    instead(
        "<beginFiscalReceipt operator=\"1\"/>",
        "",
        "misplaced printRecItem",
    );
    let two = String::from_utf8(xml::wrapped(&GOOD.repeat(2))).expect("text");
    bad(&two, "no single command");
    let hidden = String::from_utf8(xml::wrapped(GOOD)).expect("text");
    let body = format!("<s:Body>{GOOD}</s:Body></s:Envelope>");
    bad(&hidden.replace("</s:Envelope>", &body), "no single command");
    let headed = hidden.replace("<s:Body>", &format!("<s:Header>{GOOD}</s:Header><s:Body>"));
    bad(&headed, "no single command");
    bad(
        &format!("<!-- <printerFiscalReceipt> -->{GOOD}"),
        "before its root",
    );
    bad(
        &GOOD
            .replace("<printerFiscal", "<x:printerFiscal")
            .replace("</printer", "</x:printer"),
        "before its root",
    );
}

#[test]
fn sums_must_agree_and_amounts_be_amounts() {
    instead("151,00", "151,01", "lines 151.00, payments 151.01");
    instead("151,00", "150,99", "lines 151.00, payments 150.99");
    instead("75,50", "7550", "bad unitPrice");
    instead("75,50", "-75,50", "bad unitPrice");
    instead("75,50", "0,00", "bad unitPrice");
    instead("2,000", "1e3", "bad quantity");
    instead("2,000", "-2", "bad quantity");
    instead("unitPrice=\"75,50\" ", "", "no unitPrice");
    instead(" department=", " idVat=\"1\" department=", "Custom");
    let change = GOOD
        .replace("151,00", "200,00")
        .replace("paymentType=\"2\"", "paymentType=\"0\"");
    assert_eq!(
        ready(change.as_bytes()).expect("cash gives change").total,
        15_100
    );
}

#[test]
fn adjustments_count_and_unknown_ones_are_refused() {
    let total = "<printRecTotal";
    let with = |name: &str, kind: &str, paid: &str| {
        let adjustment = format!("<{name} adjustmentType=\"{kind}\" amount=\"1,00\"/>{total}");
        let text = GOOD.replace(total, &adjustment).replace("151,00", paid);
        ready(text.as_bytes()).map(|ready| ready.total)
    };
    for kind in ["0", "3", "10", "11", "12"] {
        assert_eq!(
            with("printRecItemAdjustment", kind, "150,00").ok(),
            Some(15_000),
            "{kind}"
        );
    }
    for kind in ["5", "8"] {
        assert_eq!(
            with("printRecItemAdjustment", kind, "152,00").ok(),
            Some(15_200),
            "{kind}"
        );
    }
    assert_eq!(
        with("printRecSubtotalAdjustment", "1", "150,00").ok(),
        Some(15_000)
    );
    assert_eq!(
        with("printRecSubtotalAdjustment", "7", "152,00").ok(),
        Some(15_200)
    );
    with("printRecItemAdjustment", "4", "151,00").expect_err("unknown");
    with("printRecSubtotalAdjustment", "", "151,00").expect_err("unknown");
}

#[test]
fn a_refund_names_its_original_and_a_sale_does_not() {
    let refund = GOOD.replace("printRecItem ", "printRecRefund ");
    bad(&refund, "printRecRefund without its reference");
    let named = |word: &str, text: &str| {
        let message = format!("{word} 0764 0013 24112026 99MEY000001");
        let line = format!("<printRecMessage messageType=\"4\" message=\"{message}\"/>");
        text.replace("<beginFiscalReceipt", &format!("{line}<beginFiscalReceipt"))
    };
    assert_eq!(
        ready(named("REFUND", &refund).as_bytes())
            .expect("named")
            .does,
        Does::Refund
    );
    let void = GOOD.replace("printRecItem ", "printRecVoid ");
    assert_eq!(
        ready(named("VOID", &void).as_bytes()).expect("named").does,
        Does::Void
    );
    bad(&named("REFUND", GOOD), "printRecItem without its reference");
    bad(
        &named("REFUND", &void),
        "printRecVoid without its reference",
    );
    bad(&named("REPRINT", &refund), "no REFUND or VOID");
    bad(
        &named("REFUND", &named("REFUND", &refund)),
        "two references",
    );
    let amounts = named("REFUND", &refund).replace(
        "quantity=\"2,000\" unitPrice=\"75,50\"",
        "operationType=\"1\" amount=\"151,00\"",
    );
    assert_eq!(ready(amounts.as_bytes()).expect("an amount").total, 15_100);
}

#[test]
fn bombs_and_depth_are_refused() {
    bad(
        &format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{GOOD}"),
        "document type",
    );
    instead("Bill 7", "&b;", "entity");
    bad(&"<a>".repeat(100_000), "too large");
    let many = "<displayText/>".repeat(20_001);
    instead(
        "<printRecTotal",
        &format!("{many}<printRecTotal"),
        "too large",
    );
    let absurd = "<printRecItem quantity=\"9999\" unitPrice=\"92233720368547,00\"/>".repeat(3);
    let text = GOOD.replace("<printRecTotal", &format!("{absurd}<printRecTotal"));
    ready(text.as_bytes()).expect_err("no sum is that large");
}

#[test]
fn a_mark_is_found_as_whole_words() {
    let texts = ["Bill 2026-117".to_owned(), "  Conto  A 12 B ".to_owned()];
    assert!(names(&texts, "2026-117") && names(&texts, "A 12") && names(&texts, "Bill 2026-117"));
    for no in ["2026-11", "117", "12 A", "", " "] {
        assert!(!names(&texts, no), "{no}");
    }
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = ready(&bytes);
    }

    /// Whatever is cut out, doubled or changed: refused, or still one receipt with equal sums.
    #[test]
    fn a_damaged_document_is_refused_or_still_right(
        at in 0_usize..GOOD.len(), len in 0_usize..120, put in "[<>/a-zA-Z0-9\", =.]{0,12}",
    ) {
        let mut text = GOOD.to_owned();
        let end = (at + len).min(text.len());
        text.replace_range(at..end, &put);
        if let Ok(ready) = ready(text.as_bytes()) {
            prop_assert!(ready.total > 0);
            let sent = super::ready(&ready.body).expect("what is sent is what was checked");
            prop_assert_eq!(sent.total, ready.total);
            prop_assert_eq!(text.matches("<endFiscalReceipt").count(), 1);
            prop_assert_eq!(text.matches("<beginFiscalReceipt").count(), 1);
        }
    }
}
