//! The order in which commands were first heard of: kept while they wait to be fetched, and put
//! back while they arrive, since Mews may send a list in any order.
//!
//! `CreatedUtc` has whole seconds, so this is what decides which of two keys of one second is cut
//! first.

use std::collections::{BTreeSet, HashMap, VecDeque};

use driver_sdk::CommandId;

/// Ids to be fetched, each once, in the order in which they were announced.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    line: VecDeque<CommandId>,
    /// Those of the line that are still wanted.
    known: BTreeSet<CommandId>,
}

impl Wanted {
    /// Nothing is wanted.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Wants more, behind what is wanted already.
    pub(super) fn extend(&mut self, ids: impl IntoIterator<Item = CommandId>) {
        for id in ids {
            if self.known.insert(id) {
                self.line.push_back(id);
            }
        }
    }

    /// Does not want one any more.
    pub(super) fn remove(&mut self, id: CommandId) {
        if self.known.remove(&id) {
            self.line.retain(|waiting| *waiting != id);
        }
    }

    /// Takes the first ones.
    pub(super) fn take(&mut self, most: usize) -> Vec<CommandId> {
        let ids: Vec<_> = self.line.drain(..most.min(self.line.len())).collect();
        for id in &ids {
            self.known.remove(id);
        }
        ids
    }
}

/// What is held back at most, in bytes of payload; beyond it nothing waits for its turn.
const HELD_MAX: usize = 4 << 20;

/// Gives what arrives in the order in which it was asked for.
#[derive(Debug)]
pub(super) struct InOrder<T> {
    line: VecDeque<CommandId>,
    held: HashMap<CommandId, T>,
    bytes: usize,
}

impl<T> InOrder<T> {
    /// What was asked for, in order, each once.
    pub(super) fn of(ids: &[CommandId]) -> Self {
        Self {
            line: ids.iter().copied().collect(),
            held: HashMap::new(),
            bytes: 0,
        }
    }

    /// One has arrived: gives those whose turn it is now.
    pub(super) fn came(&mut self, id: CommandId, item: T, bytes: usize) -> Vec<T> {
        if !self.line.contains(&id) {
            return vec![item];
        }
        self.held.insert(id, item);
        self.bytes += bytes;
        if self.bytes > HELD_MAX {
            return self.rest();
        }
        let mut turn = Vec::new();
        while let Some(item) = self.line.front().and_then(|id| self.held.remove(id)) {
            self.line.pop_front();
            turn.push(item);
        }
        if self.held.is_empty() {
            self.bytes = 0;
        }
        turn
    }

    /// Gives all that is held, in order: what is missing may come later or never.
    pub(super) fn rest(&mut self) -> Vec<T> {
        let line = std::mem::take(&mut self.line);
        let mut rest = Vec::new();
        for id in line {
            match self.held.remove(&id) {
                Some(item) => rest.push(item),
                None => self.line.push_back(id),
            }
        }
        self.bytes = 0;
        rest
    }
}

#[cfg(test)]
mod tests;
