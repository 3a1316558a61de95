//! What may not reach the printer: nothing is sent, the fault names the field, and the printer
//! stays usable.

use driver_sdk::{BillPayment, Extra, ItemKind, PaymentMeans, PaymentState, Personal};
use uuid::Uuid;

use super::super::*;
use super::desk::*;

const READY: &str = "<printerFiscalReceipt><beginFiscalReceipt operator=\"1\"/><printRecItem \
    operator=\"1\" description=\"Camera\" quantity=\"1\" unitPrice=\"153,20\" department=\"2\"/>\
    <printRecTotal operator=\"1\" payment=\"153,20\" paymentType=\"2\" index=\"1\"/>\
    <endFiscalReceipt operator=\"1\"/></printerFiscalReceipt>";

fn changed(change: impl FnOnce(&mut driver_sdk::Bill)) -> Job {
    let mut job = job();
    change(&mut bill(&mut job).bill);
    job
}

fn decimal(text: &str) -> rust_decimal::Decimal {
    text.parse().expect("a number")
}

/// Each job with the words its fault must hold.
fn hostile() -> Vec<(&'static str, Job, &'static str)> {
    let items = |bill: &mut driver_sdk::Bill| bill.revenue.take().expect("items");
    let payment = |bill: &mut driver_sdk::Bill, means: PaymentMeans| {
        bill.payments.as_mut().expect("payments")[0].means = means;
    };
    let mut list = vec![
        (
            "a cent less paid",
            job_with(1, 15_319, None, 117),
            "FISCAL-SUMS breakdown=153.20 lines=153.20 payments=153.19",
        ),
        (
            "two currencies",
            changed(|bill| {
                let items = bill.revenue.as_mut().expect("items");
                items[1].amount.as_mut().expect("amount").currency = "CHF".to_owned();
            }),
            "FISCAL-CURRENCY",
        ),
        (
            "an unmapped VAT code",
            changed(|bill| {
                let items = bill.revenue.as_mut().expect("items");
                let amount = items[0].amount.as_mut().expect("amount");
                amount.parts[0].code = Some("IT-X-22".to_owned());
            }),
            "FISCAL-VAT-UNMAPPED code=IT-X-22",
        ),
        (
            "an unmapped payment",
            changed(|bill| payment(bill, PaymentMeans::WireTransfer)),
            "FISCAL-PAYMENT-UNMAPPED means=WireTransfer",
        ),
        (
            "a rebate larger than its line",
            changed(|bill| {
                let mut items = items(bill);
                let mut rebate = items[1].clone();
                rebate.id = Uuid::from_u128(9);
                rebate.kind = ItemKind::Rebate;
                rebate.rebates = Some(items[1].id);
                let amount = rebate.amount.as_mut().expect("amount");
                (amount.net, amount.gross) = (decimal("-2.30"), decimal("-2.30"));
                amount.parts[0].net = decimal("-2.30");
                items.push(rebate);
                bill.revenue = Some(items);
                let payments = bill.payments.as_mut().expect("payments");
                let paid = payments[0].amount.as_mut().expect("amount");
                (paid.net, paid.gross) = (decimal("-150.90"), decimal("-150.90"));
                paid.parts[0].net = decimal("-150.90");
            }),
            "FISCAL-DISCOUNT discount=2.30 line=2.20",
        ),
        (
            "nothing in it",
            changed(|bill| bill.revenue = Some(Vec::new())),
            "FISCAL-",
        ),
        (
            "an open bill",
            changed(|bill| bill.closed = false),
            "FISCAL-NOT-CLOSED",
        ),
        (
            "a pending payment",
            changed(|bill| {
                let payments: &mut Vec<BillPayment> = bill.payments.as_mut().expect("payments");
                payments[0].state = Some(PaymentState::Pending);
            }),
            "FISCAL-PAYMENT-OPEN",
        ),
    ];
    let mut elsewhere = job();
    bill(&mut elsewhere).api_url = Some("http://10.0.0.9/cgi-bin/fpmate.cgi".to_owned());
    list.push(("another host", elsewhere, "FISCAL-HOST address=10.0.0.9"));
    let mut user = job();
    bill(&mut user).api_url = Some("http://192.168.7.31@10.0.0.9/".to_owned());
    list.push(("a host in disguise", user, "FISCAL-HOST"));
    let mut data = job();
    bill(&mut data).data = Some(Personal::new("{\"script\": 1}".to_owned()));
    list.push(("unknown machine data", data, "FISCAL-DATA key=script"));
    let mut newer = job();
    bill(&mut newer).payload = Some(Extra::Unknown("GermanFiscalMachine".to_owned()));
    list.push((
        "a newer payload",
        newer,
        "FISCAL-NEWER word=GermanFiscalMachine",
    ));
    let mut base = job();
    bill(&mut base).payload = Some(Extra::Known(Personal::new("%%%".to_owned())));
    list.push(("no base64", base, "FISCAL-PAYLOAD what=it is no base64"));
    let payloads = [
        (
            "an unknown root",
            READY.replace("printerFiscalReceipt", "fvp_doc"),
            "unknown root fvp_doc",
        ),
        (
            "a forbidden command",
            READY.replace(
                "<printRecTotal",
                "<directIO command=\"4034\" data=\"0198\"/><printRecTotal",
            ),
            "forbidden command 4034",
        ),
        (
            "an entity bomb",
            format!("<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]>{READY}"),
            "it declares a document type",
        ),
        (
            "a total other than the bill's",
            READY.replace("153,20", "153,21"),
            "FISCAL-PAYLOAD-TOTAL bill=153.20 payload=153.21",
        ),
        (
            "two receipts in one",
            READY.replace(
                "</printerFiscalReceipt>",
                "<beginFiscalReceipt/></printerFiscalReceipt>",
            ),
            "misplaced beginFiscalReceipt",
        ),
    ];
    for (name, payload, wanted) in payloads {
        list.push((name, ready_job(&payload, job()), wanted));
    }
    let refund = job_with(-1, -15_320, None, 117);
    list.push((
        "a sale for a refund",
        ready_job(READY, refund),
        "it sells, the bill gives back",
    ));
    list
}

#[tokio::test(start_paused = true)]
async fn failure_15_nothing_is_sent_and_the_fault_names_what_is_wrong() {
    let mut desk = Desk::with("");
    for (name, job, wanted) in hostile() {
        let fault = desk.execute(&job).await.expect_err(name);
        assert!(fault.to_string().contains(wanted), "{name}: {fault}");
        assert_eq!(fault.kind(), driver_sdk::FaultKind::Permanent, "{name}");
        assert_eq!(desk.cable.dials(), 0, "{name}: not even a question");
    }
    done(desk.finish(&job()).await);
    assert_eq!(desk.count(), 1, "the printer stays usable");
}

#[tokio::test(start_paused = true)]
async fn failure_15_long_names_and_emoji_are_cleaned_and_cut() {
    for name in [
        "\u{1F3E8}".repeat(200),
        "Suite ".repeat(100),
        "caff\u{e8} & <t\u{ea}> \"x\"\n\u{2082}".to_owned(),
        "\u{200b}".to_owned(),
    ] {
        let mut desk = Desk::with("");
        let job = changed(|bill| {
            bill.revenue.as_mut().expect("items")[0].name = Some(Personal::new(name.clone()));
            bill.number = Some(name.clone());
        });
        done(desk.finish(&job).await);
        let request = desk.printer.last_request();
        let root = crate::xml::read(request.as_bytes()).expect("well-formed");
        let receipt = crate::xml::inside_envelope(&root).expect("one command");
        for child in &receipt.children {
            let length = |name: &str| child.attribute(name).unwrap_or_default().chars().count();
            assert!(
                length("description") <= 38 && length("message") <= 46,
                "{request}"
            );
        }
        assert_eq!(desk.ours()[0].facts["total"], "153.20");
    }
}

#[tokio::test(start_paused = true)]
async fn failure_15_a_line_of_two_rates_is_split_to_the_cent() {
    let mut desk = Desk::with("");
    let job = changed(|bill| {
        let items = bill.revenue.as_mut().expect("items");
        let tax = items.remove(1).amount.expect("amount");
        let amount = items[0].amount.as_mut().expect("amount");
        amount.gross += tax.gross;
        amount.net += tax.net;
        amount.parts.extend(tax.parts);
    });
    done(desk.finish(&job).await);
    let sold = desk.ours().remove(0);
    assert_eq!(sold.facts["total"], "153.20");
    assert!(
        sold.content.contains("(1/2)") && sold.content.contains("(2/2)"),
        "{}",
        sold.content
    );
}
