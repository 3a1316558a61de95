//! What the printer is and does.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use driver_fiscal::money;
use driver_fiscal::virtual_printer::{DeviceClock, Document, Memory, MemoryLine, Roll, vat_inside};
use rust_decimal::Decimal;

use super::scan::{self, Tag};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Silent {
    #[default]
    Off,
    Now,
    Before,
    After,
}

#[derive(Debug)]
pub(super) struct Machine {
    pub memory: Memory,
    pub story: Option<String>,
    clock: DeviceClock,
    roll: Roll,
    rates: BTreeMap<u8, Decimal>,
    /// Lines left; `None`: plenty.
    paper: Option<u32>,
    silent: Silent,
    busy: Duration,
    refuse: Option<(String, i32)>,
    journal: &'static str,
    training: bool,
    lose: bool,
    open: bool,
}

/// A refusal: code and status.
type Refusal = (String, i32);

impl Machine {
    pub fn open(folder: &Path, serial: &str) -> io::Result<Self> {
        let percent = |n: i64| Decimal::from(n);
        Ok(Self {
            memory: Memory::open(folder, serial, 763, 0)?,
            story: None,
            clock: DeviceClock::default(),
            roll: Roll::new(folder, 46),
            rates: [
                (1, percent(22)),
                (2, percent(10)),
                (3, percent(4)),
                (4, percent(5)),
            ]
            .into(),
            paper: None,
            silent: Silent::Off,
            busy: Duration::ZERO,
            refuse: None,
            journal: "ok",
            training: false,
            lose: false,
            open: false,
        })
    }

    pub fn busy(&mut self) -> Duration {
        std::mem::take(&mut self.busy)
    }

    /// The answer to a body; `None`: hangs up.
    pub fn answer(&mut self, body: &str) -> Option<String> {
        if self.silent == Silent::Now {
            return None;
        }
        let Some(tags) = scan::tags(body) else {
            return Some(refused("PARSER_ERROR", 0, ""));
        };
        let mut tags = tags
            .into_iter()
            .filter(|tag| !["Envelope", "Body"].contains(&&*tag.name));
        let root = tags.next().map(|tag| tag.name).unwrap_or_default();
        let inner: Vec<Tag> = tags.collect();
        match root.as_str() {
            "printerFiscalReceipt" => self.receipt(&inner),
            "printerFiscalReport" => Some(self.report()),
            "printerCommand" => Some(self.command(inner.first())),
            _ => Some(refused("PARSER_ERROR", 0, "")),
        }
    }

    fn receipt(&mut self, tags: &[Tag]) -> Option<String> {
        if self.silent == Silent::Before {
            self.silent = Silent::Now;
            return None;
        }
        let status = self.status();
        if let Some((code, number)) = self.refuse.take() {
            return Some(refused(&code, number, &status));
        }
        let done = self.print(tags);
        if self.silent == Silent::After {
            self.silent = Silent::Now;
            return None;
        }
        Some(match done {
            Ok(document) => success(&[
                ("lastCommand", "74".to_owned()),
                ("printerStatus", self.status()),
                ("fiscalReceiptNumber", document.number.to_string()),
                (
                    "fiscalReceiptAmount",
                    money::show(document.total).replace('.', ","),
                ),
                (
                    "fiscalReceiptDate",
                    document.at.strftime("%-d/%-m/%Y").to_string(),
                ),
                (
                    "fiscalReceiptTime",
                    document.at.strftime("%H:%M").to_string(),
                ),
                ("zRepNumber", document.z.to_string()),
            ]),
            Err((code, number)) => refused(&code, number, &self.status()),
        })
    }

    fn print(&mut self, tags: &[Tag]) -> Result<Document, Refusal> {
        let stop = |status: i32| Err(("PRINTER ERROR".to_owned(), status));
        if tags.last().is_none_or(|tag| tag.name != "endFiscalReceipt") {
            return Err(("INCOMPLETE FILE".to_owned(), 0));
        }
        if self.open {
            return stop(17);
        }
        let (mut lines, mut paper) = (Vec::<MemoryLine>::new(), Vec::<String>::new());
        let (mut paid, mut kind, mut begun) = (0, "sale", false);
        for tag in tags {
            if !self.feed() {
                self.open = begun;
                return Err(("EPTR_REC_EMPTY".to_owned(), 3));
            }
            let amount = |name: &str| {
                money::read(tag.get(name)).ok_or_else(|| ("PRINTER ERROR".to_owned(), 13))
            };
            match tag.name.as_str() {
                "printRecMessage" if tag.get("messageType") == "4" => {
                    let word = tag.get("message").split(' ').next().unwrap_or_default();
                    kind = if word == "VOID" { "void" } else { "refund" };
                    paper.push(tag.get("message").to_owned());
                }
                "printRecMessage" => paper.push(tag.get("message").to_owned()),
                "beginFiscalReceipt" => begun = true,
                "printRecItem" | "printRecRefund" | "printRecVoid" => {
                    if !begun || (tag.name == "printRecItem") != (kind == "sale") {
                        return stop(17);
                    }
                    let group = tag
                        .get("department")
                        .parse()
                        .map_err(|_| ("PRINTER ERROR".to_owned(), 13))?;
                    let quantity = thousandths(tag.get("quantity"));
                    let gross = (amount("unitPrice")? * quantity + 500) / 1000;
                    if gross <= 0 {
                        return stop(13);
                    }
                    let description: String = tag.get("description").chars().take(38).collect();
                    paper.push(self.roll.line(&description, &money::show(gross)));
                    lines.push(MemoryLine { group, gross });
                }
                "printRecItemAdjustment" => {
                    let off = amount("amount")?;
                    let Some(last) = lines.last_mut().filter(|last| last.gross >= off) else {
                        return stop(13);
                    };
                    last.gross -= off;
                    paper.push(self.roll.line("SCONTO", &format!("-{}", money::show(off))));
                }
                "printRecTotal" => {
                    let part = amount("payment")?;
                    paid += part;
                    paper.push(self.roll.line(tag.get("description"), &money::show(part)));
                }
                "directIO" | "printRecLotteryID" | "endFiscalReceipt" => {}
                _ => return Err(("Non valid XML command".to_owned(), 0)),
            }
        }
        let total: i64 = lines.iter().map(|line| line.gross).sum();
        if paid < total || total <= 0 {
            self.open = true;
            return stop(11);
        }
        Ok(self.issue(kind, &lines, total, paper))
    }

    fn issue(
        &mut self,
        kind: &str,
        lines: &[MemoryLine],
        total: i64,
        mut paper: Vec<String>,
    ) -> Document {
        let groups = vat_inside(lines, &self.rates);
        let tax = groups.values().map(|(_, tax)| tax).sum();
        paper.push(self.roll.line("TOTALE COMPLESSIVO", &money::show(total)));
        paper.push(self.roll.line("di cui IVA", &money::show(tax)));
        let now = self.clock.now();
        let number = u32::try_from(self.memory.today().count()).unwrap_or(0) + 1;
        let document = Document {
            number,
            z: self.memory.z + 1,
            kind: kind.to_owned(),
            at: now.with().subsec_nanosecond(0).build().unwrap_or(now),
            total,
            tax,
            key: None,
            paper,
        };
        if std::mem::take(&mut self.lose) {
            return document;
        }
        let name = format!("document-{:04}-{number:04}", document.z);
        // Paper that cannot be kept harms nobody: the memory is what counts.
        let _ = self.roll.print(&name, &document.paper);
        self.memory.documents.push(document.clone());
        self.save();
        self.story = Some(format!(
            "Document {:04}-{number:04}: {}",
            document.z,
            money::show(total)
        ));
        document
    }

    fn report(&mut self) -> String {
        if self.open {
            return refused("PRINTER ERROR", 11, &self.status());
        }
        self.memory.z += 1;
        self.memory.z_at = Some(self.clock.now());
        self.save();
        self.story = Some(format!("Z {}", self.memory.z));
        success(&[("zRepNumber", self.memory.z.to_string())])
    }

    fn command(&mut self, tag: Option<&Tag>) -> String {
        let Some(tag) = tag else {
            return refused("NO_DATA", 0, "");
        };
        match (tag.name.as_str(), tag.get("command")) {
            ("queryPrinterStatus", _) => {
                let daily = u8::from(self.memory.today().next().is_some());
                success(&[
                    ("fpStatus", self.status()),
                    ("rtType", "M".to_owned()),
                    ("rtMainStatus", "02".to_owned()),
                    ("rtDailyOpen", daily.to_string()),
                    ("rtFileToSend", "0".to_owned()),
                    ("rtOldFileToSend", "0".to_owned()),
                    ("rtFileRejected", "0".to_owned()),
                    ("rtTrainingMode", u8::from(self.training).to_string()),
                ])
            }
            ("resetPrinter", _) => {
                self.open = false;
                success(&[("printerStatus", self.status())])
            }
            ("directIO", "1387") => success(&[
                ("responseCommand", "1387".to_owned()),
                ("responseData", self.record()),
            ]),
            ("queryContentByNumbers", _) if self.journal == "ok" => {
                let wanted: u32 = tag.get("fromNumber").parse().unwrap_or(0);
                let documents = &self.memory.documents;
                let found = documents
                    .iter()
                    .rev()
                    .find(|document| document.number == wanted);
                let lines = found
                    .map(|document| document.paper.clone())
                    .unwrap_or_default();
                let names: Vec<_> = (1..=lines.len())
                    .map(|n| format!("lineNumber{n}"))
                    .collect();
                let facts: Vec<_> = names.iter().map(String::as_str).zip(lines).collect();
                success(&facts)
            }
            ("queryContentByNumbers", _) => refused("PRINTER ERROR", 17, &self.status()),
            _ => refused("Non valid XML command", 16, &self.status()),
        }
    }

    fn record(&self) -> String {
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

    fn status(&self) -> String {
        let printer = if self.paper == Some(0) { '3' } else { '0' };
        let journal = if self.journal == "full" { '5' } else { '0' };
        let document = if self.open { '0' } else { '1' };
        format!("{printer}{journal}1{document}0")
    }

    fn feed(&mut self) -> bool {
        match &mut self.paper {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    fn save(&self) {
        self.memory
            .save()
            .expect("a virtual printer needs its folder");
    }

    pub fn switch(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |help: &str| Err(format!("`{name}` takes {help}"));
        match (name, value) {
            ("clock", time) => self.clock.set(time)?,
            ("zone", zone) => self.clock.zone(zone)?,
            ("drift", seconds) => self.clock.drift(seconds)?,
            ("paper", "in") => self.paper = None,
            ("paper", "out") => self.paper = Some(0),
            ("paper", lines) => match lines.parse() {
                Ok(lines) => self.paper = Some(lines),
                Err(_) => return wrong("in, out or a number of lines"),
            },
            ("silent", "off") => self.silent = Silent::Off,
            ("silent", "now") => self.silent = Silent::Now,
            ("silent", "before") => self.silent = Silent::Before,
            ("silent", "after") => self.silent = Silent::After,
            ("silent", _) => return wrong("off, now, before or after"),
            ("busy", seconds) => match seconds.parse() {
                Ok(seconds) => self.busy = Duration::from_secs(seconds),
                Err(_) => return wrong("seconds"),
            },
            ("refuse", pair) => {
                let parsed = pair.split_once(':');
                match parsed.and_then(|(code, status)| Some((code, status.parse().ok()?))) {
                    Some((code, status)) => self.refuse = Some((code.to_owned(), status)),
                    None => return wrong("CODE:STATUS"),
                }
            }
            ("other-till", amount) => {
                let Some(total) = money::read(amount).filter(|total| *total > 0) else {
                    return wrong("an amount, such as 12.50");
                };
                let line = MemoryLine {
                    group: 1,
                    gross: total,
                };
                self.issue("sale", &[line], total, vec!["Other till".to_owned()]);
            }
            ("z", "now") => {
                self.report();
            }
            ("journal", "ok") => self.journal = "ok",
            ("journal", "full") => self.journal = "full",
            ("journal", "unreadable") => self.journal = "unreadable",
            ("training", "on") => self.training = true,
            ("training", "off") => self.training = false,
            ("document", "ok") => self.lose = false,
            ("document", "lost") => self.lose = true,
            _ => return Err(format!("there is no switch `{name}` with `{value}`")),
        }
        Ok(())
    }
}

fn thousandths(text: &str) -> i64 {
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, ""));
    format!("{whole}{fraction:0<3}").parse().unwrap_or(0)
}

fn success(facts: &[(&str, String)]) -> String {
    answer("success=\"true\" code=\"\" status=\"2\"", facts)
}

fn refused(code: &str, status: i32, printer: &str) -> String {
    let facts = [("printerStatus", printer.to_owned())];
    answer(
        &format!("success=\"false\" code=\"{code}\" status=\"{status}\""),
        &facts,
    )
}

fn answer(head: &str, facts: &[(&str, String)]) -> String {
    let names: Vec<_> = facts.iter().map(|(name, _)| *name).collect();
    let mut info = String::new();
    for (name, value) in facts {
        let value = value.replace('&', "&amp;").replace('<', "&lt;");
        info.push_str(&format!("<{name}>{value}</{name}>"));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">\n<soapenv:Body>\n\
         <response {head}><addInfo><elementList>{}</elementList>{info}</addInfo></response>\n\
         </soapenv:Body>\n</soapenv:Envelope>\n",
        names.join(",")
    )
}
