//! What the peer asked for: LD and one LR for each record type.

use std::collections::BTreeMap;

use crate::record::Record;

/// The peer's description of the link: the fields it wants in each record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    records: BTreeMap<String, Vec<String>>,
    described: bool,
    /// Bit sum of what it asks of us (LD, field RT).
    pub requests: u32,
}

impl Description {
    /// LD: a new description begins.
    pub fn begin(&mut self, ld: &Record) {
        self.records.clear();
        self.described = true;
        self.requests = ld
            .get("RT")
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
    }

    /// LR: the fields of one record type. `FL` is a row of two-letter ids without separators.
    pub fn add(&mut self, lr: &Record) {
        let (Some(id), Some(fields)) = (lr.get("RI"), lr.get("FL")) else {
            return;
        };
        let letters: Vec<char> = fields.chars().collect();
        let fields = letters
            .chunks_exact(2)
            .map(|pair| pair.iter().collect())
            .collect();
        // A peer that lists more record types than the protocol has is not believed.
        if self.records.len() < 100 {
            self.records.insert(id.to_owned(), fields);
        }
    }

    /// True once an LD was read.
    #[must_use]
    pub fn is_described(&self) -> bool {
        self.described
    }

    /// True if the peer takes this record type.
    #[must_use]
    pub fn takes(&self, record: &str) -> bool {
        self.records.contains_key(record)
    }

    /// True if the peer wants this field in this record type.
    #[must_use]
    pub fn wants(&self, record: &str, field: &str) -> bool {
        self.records
            .get(record)
            .is_some_and(|fields| fields.iter().any(|known| known == field))
    }

    /// Leaves out of a record what the peer did not ask for.
    #[must_use]
    pub fn only_wanted(&self, mut record: Record) -> Record {
        let id = record.id.clone();
        record.fields.retain(|(field, _)| self.wants(&id, field));
        record
    }
}

#[cfg(test)]
mod tests;
