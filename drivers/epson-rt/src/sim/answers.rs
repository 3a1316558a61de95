//! What the printer says, and in which form.

use driver_fiscal::money;
use driver_fiscal::virtual_printer::Document;

use super::machine::Machine;
use super::scan::Tag;

impl Machine {
    pub(super) fn issued(&self, document: &Document) -> String {
        let amount = money::show(document.total).replace('.', ",");
        success(
            self.good(),
            &[
                ("lastCommand", "74".to_owned()),
                ("printerStatus", self.status()),
                ("fiscalReceiptNumber", document.number.to_string()),
                ("fiscalReceiptAmount", amount),
                (
                    "fiscalReceiptDate",
                    document.at.strftime("%-d/%-m/%Y").to_string(),
                ),
                (
                    "fiscalReceiptTime",
                    document.at.strftime("%H:%M").to_string(),
                ),
                ("zRepNumber", document.z.to_string()),
            ],
        )
    }

    pub(super) fn facts(&self) -> String {
        let daily = u8::from(self.memory.today().next().is_some());
        let main = if self.in_service { "02" } else { "01" };
        let facts = [
            ("cpuRel", "07.00".to_owned()),
            ("mfRel", "04.3".to_owned()),
            ("mfStatus", "0".to_owned()),
            ("fpStatus", self.status()),
            ("rtType", "M".to_owned()),
            ("rtMainStatus", main.to_owned()),
            ("rtSubStatus", "08".to_owned()),
            ("rtDailyOpen", daily.to_string()),
            ("rtNoWorkingPeriod", "0".to_owned()),
            ("rtFileToSend", "0".to_owned()),
            ("rtOldFileToSend", "0".to_owned()),
            ("rtFileRejected", self.rejected.to_string()),
            ("rtExpiryCD", self.expiry.clone()),
            ("rtExpiryCA", "20391231".to_owned()),
            ("rtTrainingMode", u8::from(self.training).to_string()),
            ("rtUpgradeResult", "0".to_owned()),
        ];
        success(self.good(), &facts)
    }

    /// The journal's text of the documents of a date, from a number to another.
    pub(super) fn content(&self, tag: &Tag) -> String {
        let number = |name: &str| tag.get(name).parse::<u32>().unwrap_or(0);
        let date = (tag.get("day"), tag.get("month"), tag.get("year"));
        let wanted = number("fromNumber")..=number("toNumber");
        let lines = self
            .memory
            .documents
            .iter()
            .filter(|it| {
                let day = it.at.strftime("%d %m %Y").to_string();
                wanted.contains(&it.number) && day == format!("{} {} {}", date.0, date.1, date.2)
            })
            .flat_map(|document| document.paper.clone());
        let named: Vec<_> = (1..)
            .zip(lines)
            .map(|(n, line): (u32, String)| (format!("lineNumber{n}"), line))
            .collect();
        let facts: Vec<_> = named
            .iter()
            .map(|(name, line)| (name.as_str(), line.clone()))
            .collect();
        success(self.good(), &facts)
    }

    pub(super) fn record(&self) -> String {
        let serial = &self.memory.serial;
        match self.memory.last() {
            Some(last) => format!(
                "01{:09}{:09}{}{:04}{:04}{serial:11}0        1",
                last.total,
                last.tax,
                last.at.strftime("%d%m%y%H%M%S"),
                last.z,
                last.number
            ),
            None => format!(
                "01{:018}010126000000{:04}0000{serial:11}0        1",
                0, self.memory.z
            ),
        }
    }

    pub(super) fn status(&self) -> String {
        let printer = match (self.paper, self.paper_low) {
            (Some(0), _) => '3',
            (Some(_) | None, true) => '2',
            (Some(_) | None, false) => '0',
        };
        let journal = match self.journal {
            "near" => '1',
            "full" => '5',
            _ => '0',
        };
        let document = if self.open { '0' } else { '1' };
        format!("{printer}{journal}1{document}0")
    }

    pub(super) fn good(&self) -> i32 {
        if self.paper_low { 2 } else { 0 }
    }

    pub(super) fn refused(&self, code: &str, status: i32) -> String {
        let facts = [
            ("lastCommand", "74".to_owned()),
            ("printerStatus", self.status()),
        ];
        failed(code, status, &facts)
    }
}

pub(super) fn success(status: i32, facts: &[(&str, String)]) -> String {
    answer(
        &format!("success=\"true\" code=\"\" status=\"{status}\""),
        facts,
    )
}

pub(super) fn failed(code: &str, status: i32, facts: &[(&str, String)]) -> String {
    let head = format!("success=\"false\" code=\"{code}\" status=\"{status}\"");
    answer(&head, facts)
}

fn answer(head: &str, facts: &[(&str, String)]) -> String {
    let names: Vec<_> = facts.iter().map(|(name, _)| *name).collect();
    let mut info = String::new();
    for (name, value) in facts {
        let value = value.replace('&', "&amp;").replace('<', "&lt;");
        info.push_str(&format!("<{name}>{value}</{name}>"));
    }
    let info = if facts.is_empty() {
        "<addInfo/>".to_owned()
    } else {
        let names = names.join(",");
        format!("<addInfo><elementList>{names}</elementList>{info}</addInfo>")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">\n<soapenv:Body>\n\
         <response {head}>{info}</response>\n</soapenv:Body>\n</soapenv:Envelope>\n"
    )
}
