//! What the printer is and does.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use driver_fiscal::money;
use driver_fiscal::virtual_printer::{DeviceClock, Document, Memory, MemoryLine, Roll, vat_inside};
use rust_decimal::Decimal;

use super::answers::{failed, success};
use super::receipt::{Draft, Reference, Refusal, stop};
use super::scan::{self, Tag};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silent {
    #[default]
    Off,
    Now,
    Before,
    After,
}

/// How the answer to an issued document is spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoilt {
    Garbled,
    Bomb,
    Huge,
    Numberless,
    Stale,
    ServerError,
}

/// What goes back over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    HangUp,
    ServerError,
    Body(String),
}

#[derive(Debug)]
pub(super) struct Machine {
    pub memory: Memory,
    pub story: Option<String>,
    /// The last receipt that arrived, as it arrived.
    pub last_request: String,
    pub(super) clock: DeviceClock,
    pub(super) paper: Option<u32>,
    pub(super) paper_low: bool,
    pub(super) silent: Silent,
    pub(super) busy: Duration,
    pub(super) refuse: Option<(String, i32)>,
    pub(super) spoilt: Option<Spoilt>,
    pub(super) journal: &'static str,
    pub(super) old_firmware: bool,
    pub(super) training: bool,
    pub(super) in_service: bool,
    pub(super) rejected: u32,
    pub(super) expiry: String,
    pub(super) lose: bool,
    pub(super) open: bool,
    pub(super) z_at_midnight: bool,
    pub(super) only_xz: bool,
    pub(super) deaf_z: bool,
    pub(super) pictures: bool,
    roll: Roll,
    rates: BTreeMap<u8, Decimal>,
}

impl Machine {
    pub fn open(folder: &Path, serial: &str) -> io::Result<Self> {
        let rates = [(1, 22), (2, 10), (3, 4), (4, 5)];
        Ok(Self {
            memory: Memory::open(folder, serial, 763, 0)?,
            story: None,
            last_request: String::new(),
            clock: DeviceClock::default(),
            paper: None,
            paper_low: false,
            silent: Silent::Off,
            busy: Duration::ZERO,
            refuse: None,
            spoilt: None,
            journal: "ok",
            old_firmware: false,
            training: false,
            in_service: true,
            rejected: 0,
            expiry: "20301231".to_owned(),
            lose: false,
            open: false,
            z_at_midnight: false,
            only_xz: false,
            deaf_z: false,
            pictures: true,
            roll: Roll::new(folder, 46),
            rates: rates
                .map(|(group, rate)| (group, Decimal::from(rate)))
                .into(),
        })
    }

    pub fn busy(&mut self) -> Duration {
        std::mem::take(&mut self.busy)
    }

    /// The answer to a body.
    pub fn answer(&mut self, body: &str) -> Reply {
        if self.silent == Silent::Now {
            return Reply::HangUp;
        }
        self.midnight();
        let Some(tags) = scan::tags(body) else {
            return Reply::Body(failed("PARSER_ERROR", 0, &[]));
        };
        let mut tags = tags
            .into_iter()
            .filter(|tag| !["Envelope", "Body"].contains(&&*tag.name));
        let root = tags.next().map(|tag| tag.name).unwrap_or_default();
        let inner: Vec<Tag> = tags.collect();
        match root.as_str() {
            "printerFiscalReceipt" => {
                body.clone_into(&mut self.last_request);
                self.receipt(&inner)
            }
            "printerFiscalReport" => {
                let answer = self.report(inner.first());
                if std::mem::take(&mut self.deaf_z) {
                    Reply::HangUp
                } else {
                    Reply::Body(answer)
                }
            }
            "printerCommand" => Reply::Body(self.command(inner.first())),
            _ => Reply::Body(failed("PARSER_ERROR", 0, &[])),
        }
    }

    fn receipt(&mut self, tags: &[Tag]) -> Reply {
        if self.silent == Silent::Before {
            self.silent = Silent::Now;
            return Reply::HangUp;
        }
        if let Some((code, status)) = self.refuse.take() {
            return Reply::Body(self.refused(&code, status));
        }
        let before = self.memory.last().cloned();
        let done = self.print(tags);
        if self.silent == Silent::After {
            self.silent = Silent::Now;
            return Reply::HangUp;
        }
        let document = match done {
            Ok(document) => document,
            Err((code, status)) => return Reply::Body(self.refused(&code, status)),
        };
        match self.spoilt.take() {
            None => Reply::Body(self.issued(&document)),
            Some(Spoilt::ServerError) => Reply::ServerError,
            Some(Spoilt::Garbled) => {
                Reply::Body(self.issued(&document).replace("success", "\u{0}"))
            }
            Some(Spoilt::Bomb) => {
                let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]>";
                Reply::Body(format!("{bomb}{}", self.issued(&document)))
            }
            Some(Spoilt::Huge) => {
                let much = "<lineNumber1>x</lineNumber1>".repeat(25_000);
                let answer = self.issued(&document);
                Reply::Body(answer.replace("</addInfo>", &format!("{much}</addInfo>")))
            }
            Some(Spoilt::Numberless) => {
                Reply::Body(success(self.good(), &[("printerStatus", self.status())]))
            }
            Some(Spoilt::Stale) => Reply::Body(self.issued(&before.unwrap_or(document))),
        }
    }

    fn print(&mut self, tags: &[Tag]) -> Result<Document, Refusal> {
        let ends = tags.iter().filter(|tag| tag.name == "endFiscalReceipt");
        if ends.count() != 1 {
            return Err(("INCOMPLETE FILE".to_owned(), 0));
        }
        if self.open {
            return Err(stop(17));
        }
        if self.journal == "full" {
            return Err(stop(21));
        }
        let mut draft = Draft::new();
        for tag in tags {
            if !self.feed() {
                self.open = draft.begun;
                return Err(("EPTR_REC_EMPTY".to_owned(), 3));
            }
            if let Err(refusal) = draft.take(tag) {
                self.open = draft.begun;
                return Err(refusal);
            }
        }
        if !draft.is_paid() {
            self.open = true;
            return Err(stop(11));
        }
        let original = match &draft.reference {
            Some(reference) => Some(self.original(reference, &draft)?),
            None => None,
        };
        let mut paper = Vec::new();
        for (left, right) in &draft.paper {
            paper.push(if right.is_empty() {
                left.clone()
            } else {
                self.roll.line(left, right)
            });
        }
        Ok(self.keep(draft.kind, &draft.lines, paper, original))
    }

    /// What a refund or void may name: a sale of this printer with enough left, or a document of
    /// another printer.
    fn original(&self, reference: &Reference, draft: &Draft) -> Result<String, Refusal> {
        let key = format!("{:04}-{:04}", reference.z, reference.number);
        if reference.serial != self.memory.serial {
            return Ok(format!("{key} {}", reference.serial));
        }
        let found = self.memory.documents.iter().find(|document| {
            (document.z, document.number) == (reference.z, reference.number)
                && document.at.strftime("%d%m%Y").to_string() == reference.date
        });
        let found = found.filter(|document| document.kind == "sale");
        let sale = found.ok_or_else(|| stop(42))?;
        let taken_back: Vec<&Document> = self
            .memory
            .documents
            .iter()
            .filter(|document| document.key.as_deref() == Some(&key))
            .collect();
        if taken_back.iter().any(|document| document.kind == "void") {
            return Err(stop(39));
        }
        let back: i64 = taken_back.iter().map(|document| document.total).sum();
        if back + draft.total() > sale.total || (draft.kind == "void" && back > 0) {
            return Err(stop(40));
        }
        Ok(key)
    }

    pub(super) fn keep(
        &mut self,
        kind: &str,
        lines: &[MemoryLine],
        mut paper: Vec<String>,
        original: Option<String>,
    ) -> Document {
        let groups = vat_inside(lines, &self.rates);
        let tax = groups.values().map(|(_, tax)| tax).sum();
        let total = lines.iter().map(|line| line.gross).sum();
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
            key: original,
            paper,
        };
        if std::mem::take(&mut self.lose) {
            return document;
        }
        let name = format!("document-{:04}-{number:04}", document.z);
        // Paper that cannot be kept harms nobody: the memory is what counts.
        let _ = if self.pictures {
            self.roll.print(&name, &document.paper)
        } else {
            self.roll.write(&document.paper)
        };
        self.memory.documents.push(document.clone());
        self.save();
        self.story = Some(format!(
            "Document {:04}-{number:04}: {}",
            document.z,
            money::show(total)
        ));
        document
    }

    fn report(&mut self, tag: Option<&Tag>) -> String {
        match tag.map(|tag| tag.name.as_str()) {
            Some("printZReport") if self.only_xz => self.refused("PRINTER ERROR", 18),
            Some("printZReport" | "printXZReport") if self.open => {
                self.refused("PRINTER ERROR", 11)
            }
            Some("printZReport" | "printXZReport") => {
                let amount: i64 = self.memory.today().map(|document| document.total).sum();
                self.close_day();
                success(
                    self.good(),
                    &[
                        ("zRepNumber", self.memory.z.to_string()),
                        ("dailyAmount", money::show(amount).replace('.', ",")),
                    ],
                )
            }
            Some(_) | None => failed("Non valid XML command", 0, &[]),
        }
    }

    pub(super) fn close_day(&mut self) {
        self.memory.z += 1;
        self.memory.z_at = Some(self.clock.now());
        self.save();
        self.story = Some(format!("Z {}", self.memory.z));
    }

    /// One model closes the day by itself when the date changes.
    fn midnight(&mut self) {
        let last = self
            .memory
            .today()
            .next()
            .map(|document| document.at.date());
        if self.z_at_midnight && last.is_some_and(|day| day < self.clock.now().date()) {
            self.close_day();
        }
    }

    fn command(&mut self, tag: Option<&Tag>) -> String {
        let Some(tag) = tag else {
            return failed("NO_DATA", 0, &[]);
        };
        match (tag.name.as_str(), tag.get("command")) {
            ("queryPrinterStatus", _) => self.facts(),
            ("resetPrinter", _) => {
                self.open = false;
                success(self.good(), &[("printerStatus", self.status())])
            }
            ("directIO", "1387") if !self.old_firmware => success(
                self.good(),
                &[
                    ("responseCommand", "1387".to_owned()),
                    ("responseData", self.record()),
                ],
            ),
            ("queryContentByNumbers", _) if self.journal == "unreadable" => {
                self.refused("PRINTER ERROR", 17)
            }
            ("queryContentByNumbers", _) => self.content(tag),
            ("directIO", _) => self.refused("PRINTER ERROR", 16),
            _ => failed("Non valid XML command", 0, &[]),
        }
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
}
