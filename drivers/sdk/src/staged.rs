//! What an attempt has staged for its shelf and the audit trail, and what of it is written when
//! another device has changed the shelf meanwhile.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use serde_json::Value;

/// Facts to be written in the transaction of the next commit, checkpoint or settle.
#[derive(Debug, Clone, Default)]
pub struct Staged {
    /// Shelf values by key; a JSON null takes the key off the shelf.
    pub put: BTreeMap<String, Value>,
    /// Audit lines: what, record.
    pub audit: Vec<(String, Value)>,
    /// The version of every shelf key this attempt has read: 0 if it was not there.
    pub read: BTreeMap<String, u64>,
    /// The rules that made a value of `put`, oldest first, where rules did.
    pub(crate) rules: BTreeMap<String, Vec<Rule>>,
}

/// A shelf value and its version, which grows with every write.
#[derive(Debug, Clone)]
pub struct ShelfRead {
    /// The value as JSON.
    pub value: Value,
    /// 1 for the first write.
    pub version: u64,
}

type Change = dyn Fn(&Value) -> Option<Value> + Send + Sync;

/// A change of a shelf value: from what is there to what is to be there. `None`: what is there
/// cannot be read.
#[derive(Clone)]
pub(crate) struct Rule(pub(crate) Arc<Change>);

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rule")
    }
}

/// What is to be written under a key of [`Staged::put`].
#[derive(Debug, Clone, PartialEq)]
pub enum ShelfWrite {
    /// The staged value: nobody has changed what it was made from.
    AsStaged(Value),
    /// Another device has changed the value meanwhile; this is its value with this attempt's
    /// rules applied, so both are in it.
    Both(Value),
    /// Another device has changed the value meanwhile, and nothing says how the two go together:
    /// what is there stays.
    Theirs,
}

impl Staged {
    /// Decides what is written under a key, given what the shelf says in the same transaction. A
    /// commit or a checkpoint has refused a conflict before; an effect that has happened cannot
    /// be refused, so its record must find its place beside the other's.
    #[must_use]
    pub fn write(&self, key: &str, now: Option<&ShelfRead>) -> Option<ShelfWrite> {
        let staged = self.put.get(key)?;
        let version = now.map_or(0, |now| now.version);
        // What was never read is no answer to anybody's record: a plain fact of this device.
        if self.read.get(key).is_none_or(|read| *read == version) {
            return Some(ShelfWrite::AsStaged(staged.clone()));
        }
        let rules = self.rules.get(key).map_or(&[][..], Vec::as_slice);
        if rules.is_empty() {
            return Some(ShelfWrite::Theirs);
        }
        let there = now.map_or(Value::Null, |now| now.value.clone());
        let mut value = Some(there);
        for Rule(rule) in rules {
            // A rule is the driver's code, and this is the journal: its panic stays its own.
            let applied = |value: Value| {
                std::panic::catch_unwind(AssertUnwindSafe(|| rule(&value))).unwrap_or(None)
            };
            value = value.and_then(applied);
        }
        Some(value.map_or(ShelfWrite::Theirs, ShelfWrite::Both))
    }
}
