//! A fiscal memory: documents that were issued, numbers that only grow. One JSON file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use driver_sdk::Effect;
use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money;

/// One issued document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its number.
    pub number: u32,
    /// The day it belongs to: one more than the last Z.
    pub z: u32,
    /// `sale`, `refund` or `void`.
    pub kind: String,
    /// When, by the printer's clock.
    pub at: DateTime,
    /// Cents.
    pub total: i64,
    /// VAT in it, in cents.
    pub tax: i64,
    /// The key it carries, such as a UNP.
    #[serde(default)]
    pub key: Option<String>,
    /// What stands on the paper.
    pub paper: Vec<String>,
}

/// A line as the arithmetic needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryLine {
    /// VAT group or department.
    pub group: u8,
    /// Cents with VAT, after discounts.
    pub gross: i64,
}

/// What survives a restart of the virtual printer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memory {
    #[serde(skip)]
    file: PathBuf,
    /// Writes without waiting for the disk: for tests that issue thousands.
    #[serde(skip)]
    pub hasty: bool,
    /// Serial number.
    pub serial: String,
    /// The last Z that was printed.
    pub z: u32,
    /// When.
    pub z_at: Option<DateTime>,
    /// The last number that was given to a receipt, issued or cancelled.
    pub slip: u32,
    /// The last key the printer saw.
    pub key: Option<String>,
    /// Everything issued.
    pub documents: Vec<Document>,
}

impl Memory {
    /// The memory in a folder, or a new one.
    ///
    /// # Errors
    /// The folder cannot be written, or its file is of another program.
    pub fn open(folder: &Path, serial: &str, z: u32, slip: u32) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let file = folder.join("fiscal-memory.json");
        if let Ok(text) = fs::read(&file) {
            let mut memory: Self = serde_json::from_slice(&text)?;
            memory.file = file;
            return Ok(memory);
        }
        let memory = Self {
            file,
            hasty: false,
            serial: serial.to_owned(),
            z,
            z_at: None,
            slip,
            key: None,
            documents: Vec::new(),
        };
        memory.save()?;
        Ok(memory)
    }

    /// Writes it, durable when it returns unless it is hasty.
    ///
    /// # Errors
    /// The disk's own.
    pub fn save(&self) -> io::Result<()> {
        let fresh = self.file.with_extension("new");
        let mut out = fs::File::create(&fresh)?;
        out.write_all(&serde_json::to_vec_pretty(self)?)?;
        if !self.hasty {
            out.sync_data()?;
        }
        fs::rename(&fresh, &self.file)
    }

    /// The last document.
    #[must_use]
    pub fn last(&self) -> Option<&Document> {
        self.documents.last()
    }

    /// Documents of the open day.
    pub fn today(&self) -> impl Iterator<Item = &Document> {
        self.documents
            .iter()
            .filter(|document| document.z == self.z + 1)
    }

    /// What a checker counts.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        self.documents.iter().map(effect).collect()
    }
}

fn effect(document: &Document) -> Effect {
    let mut facts = BTreeMap::from([
        ("number".to_owned(), document.number.to_string()),
        ("z".to_owned(), document.z.to_string()),
        ("kind".to_owned(), document.kind.clone()),
        ("total".to_owned(), money::show(document.total)),
        ("tax".to_owned(), money::show(document.tax)),
    ]);
    if let Some(key) = &document.key {
        facts.insert("key".to_owned(), key.clone());
    }
    Effect {
        kind: "document".to_owned(),
        content: document.paper.join("\n"),
        facts,
    }
}

/// The VAT inside of lines, per group, each group rounded once: half away from zero. A group
/// without a rate is untaxed.
#[must_use]
pub fn vat_inside(lines: &[MemoryLine], rates: &BTreeMap<u8, Decimal>) -> BTreeMap<u8, (i64, i64)> {
    let mut groups: BTreeMap<u8, i64> = BTreeMap::new();
    for line in lines {
        *groups.entry(line.group).or_default() += line.gross;
    }
    groups
        .into_iter()
        .map(|(group, gross)| {
            let rate = rates.get(&group).copied().unwrap_or_default();
            let part = rate / (Decimal::ONE_HUNDRED + rate);
            let tax = money::rounded(Decimal::new(gross, 2) * part).unwrap_or_default();
            (group, (gross, tax))
        })
        .collect()
}
