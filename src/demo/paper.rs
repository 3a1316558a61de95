//! The documents of the demo. Nobody on them exists.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A receipt as plain text.
pub(super) fn receipt() -> String {
    "HOTEL NIGHTPORTER\nBar\n\n2 x Espresso          7,00\n1 x Crème brûlée      9,50\n\
     -------------------------\nTotal EUR            16,50\n\nThank you, good night!\n"
        .to_owned()
}

/// A bill of two pages as PDF.
pub(super) fn bill() -> Vec<u8> {
    let first = [
        "HOTEL NIGHTPORTER",
        "Bill 2041, room 204",
        "",
        "2 nights            280,00",
        "Breakfast            36,00",
        "Bar                  16,50",
        "",
        "Page 1 of 2",
    ];
    let second = [
        "Bill 2041, continued",
        "",
        "City tax              8,00",
        "Total EUR           340,50",
        "Paid by card        340,50",
        "",
        "Page 2 of 2",
    ];
    pdf(&[&first, &second])
}

/// A paid bill with two VAT rates and the city tax, as Mews sends it to a fiscal machine.
pub(super) fn fiscal_bill(hotel: Uuid, now: Timestamp) -> Value {
    let (account, now) = (Uuid::new_v4(), now.to_string());
    let line = |kind: &str, sub: &str, name: &str, code: Option<&str>, net: f64, tax: f64| {
        json!({
            "Id": Uuid::new_v4(), "AccountId": account, "Type": kind, "SubType": sub,
            "Name": name, "State": "Closed",
            "SubState": if kind == "Payment" { json!("Charged") } else { Value::Null },
            "Amount": {
                "Currency": "EUR", "NetValue": net, "GrossValue": net + tax, "TaxValues": [],
                "Breakdown": { "Items": [
                    { "TaxRateCode": code, "NetValue": net, "TaxValue": tax }
                ] },
            },
        })
    };
    let night = Some("SANDBOX-10");
    let minibar = Some("SANDBOX-22");
    json!({
        "Id": Uuid::new_v4(), "EnterpriseId": hotel, "AccountId": account,
        "AccountType": "Customer", "State": "Closed", "Type": "Receipt", "Number": "2041",
        "CreatedUtc": now, "UpdatedUtc": now, "IssuedUtc": now, "CorrectionState": "Bill",
        "Revenue": [
            line("ServiceRevenue", "SpaceOrder", "Night, room 204", night, 100.0, 10.0),
            line("ProductRevenue", "ProductOrder", "Minibar", minibar, 12.5, 2.75),
            line("AdditionalRevenue", "CustomItem", "City tax", None, 4.0, 0.0),
        ],
        "Payments": [line("Payment", "CreditCard", "Card", None, -129.25, 0.0)],
    })
}

/// A small PDF: one page of a receipt's width for each list of lines.
fn pdf(pages: &[&[&str]]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len())
        .map(|page| format!("{} 0 R", 4 + 2 * page))
        .collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {} >>",
            kids.join(" "),
            pages.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Courier-Bold >>".to_owned(),
    ];
    for (page, lines) in pages.iter().enumerate() {
        // 72 mm wide, as the paper of a receipt printer.
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 204 160] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            5 + 2 * page
        ));
        let mut text = "BT /F1 11 Tf 14 TL 10 140 Td\n".to_owned();
        for line in *lines {
            text.push_str(&format!("({line}) Tj T*\n"));
        }
        text.push_str("ET");
        objects.push(format!(
            "<< /Length {} >>\nstream\n{text}\nendstream",
            text.len()
        ));
    }
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let table = file.len();
    file.push_str(&format!(
        "xref\n0 {}\n0000000000 65535 f \n",
        objects.len() + 1
    ));
    for place in &places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    file.push_str(&format!(
        "trailer << /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    ));
    file.into_bytes()
}
