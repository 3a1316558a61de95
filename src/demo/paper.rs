//! The documents of the demo. Nobody on them exists.

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
