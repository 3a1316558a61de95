//! Lists the sandbox only keeps: guests, documents, items of bills.

use serde_json::{Map, Value};
use std::collections::HashMap;

/// Items by the name of their list.
#[derive(Debug, Default)]
pub(in super::super) struct Store {
    lists: HashMap<String, Vec<Value>>,
}

impl Store {
    pub(in super::super) fn put(&mut self, list: &str, item: Value) {
        self.lists.entry(list.to_owned()).or_default().push(item);
    }

    pub(in super::super) fn list(&self, list: &str) -> &[Value] {
        self.lists.get(list).map_or(&[], Vec::as_slice)
    }

    /// The item whose `Id` is this.
    pub(super) fn item_mut(&mut self, list: &str, id: &str) -> Option<&mut Map<String, Value>> {
        let items = self.lists.get_mut(list)?;
        let item = items.iter_mut().find(|item| text(item, "Id") == Some(id))?;
        item.as_object_mut()
    }

    /// Items, newest first, one of whose members is one of these ids.
    pub(super) fn having(&self, list: &str, member: &str, ids: &[String]) -> Vec<Value> {
        let has = |item: &&Value| {
            text(item, member).is_some_and(|id| ids.iter().any(|id2| id2.eq_ignore_ascii_case(id)))
        };
        self.list(list).iter().rev().filter(has).cloned().collect()
    }
}

fn text<'a>(item: &'a Value, member: &str) -> Option<&'a str> {
    item.get(member)?.as_str()
}
