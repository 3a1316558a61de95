//! Reads the members of a request as strictly as the API's schemas: a member nobody knows, a wrong
//! type, a missing one, an empty or overlong list are all 400.

use super::envelope::Refusal;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Members every operation has.
const ENVELOPE: [&str; 5] = [
    "ClientToken",
    "AccessToken",
    "Client",
    "LanguageCode",
    "CultureCode",
];

/// Most items of one page, and most ids of one request.
const MOST: u64 = 1000;

/// One page of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) count: usize,
    pub(super) cursor: Option<Uuid>,
}

impl Page {
    /// The page of `items`, newest first, and the id of its oldest item if older ones may follow.
    pub(super) fn of<T>(
        self,
        items: Vec<T>,
        id: impl Fn(&T) -> Option<Uuid>,
    ) -> Result<(Vec<T>, Option<Uuid>), Refusal> {
        let skip = match self.cursor {
            None => 0,
            Some(cursor) => {
                let place = items.iter().position(|item| id(item) == Some(cursor));
                place.ok_or_else(|| Refusal::invalid("Cursor"))? + 1
            }
        };
        let more = items.len() > skip + self.count;
        let page: Vec<T> = items.into_iter().skip(skip).take(self.count).collect();
        let cursor = if more { page.last().and_then(id) } else { None };
        Ok((page, cursor))
    }
}

/// A request's members, or those of an object inside it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Members<'a> {
    object: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    /// A request's members: the envelope and the `known` ones.
    pub(super) fn of_request(
        object: &'a Map<String, Value>,
        known: &[&str],
    ) -> Result<Self, Refusal> {
        Self::check(object, |name| {
            ENVELOPE.contains(&name) || known.contains(&name)
        })
    }

    /// The members of an inner object.
    pub(super) fn of_object(value: &'a Value, name: &str, known: &[&str]) -> Result<Self, Refusal> {
        let object = value.as_object().ok_or_else(|| Refusal::invalid(name))?;
        Self::check(object, |name| known.contains(&name))
    }

    fn check(
        object: &'a Map<String, Value>,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Self, Refusal> {
        match object.keys().find(|name| !is_known(name)) {
            Some(unknown) => Err(Refusal::new(
                400,
                format!("Could not find member '{unknown}' on object."),
            )),
            None => Ok(Self { object }),
        }
    }

    /// The member, unless it is absent or null.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| Refusal::invalid(name)),
        }
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        self.read(name, Value::as_str)
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, Refusal> {
        self.optional_text(name)?
            .ok_or_else(|| Refusal::invalid(name))
    }

    pub(super) fn optional_number(&self, name: &str) -> Result<Option<f64>, Refusal> {
        self.read(name, Value::as_f64)
    }

    pub(super) fn integer(&self, name: &str) -> Result<i64, Refusal> {
        self.read(name, Value::as_i64)?
            .ok_or_else(|| Refusal::invalid(name))
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        self.read(name, Value::as_bool)?
            .ok_or_else(|| Refusal::invalid(name))
    }

    pub(super) fn optional_uuid(&self, name: &str) -> Result<Option<Uuid>, Refusal> {
        self.read(name, uuid)
    }

    pub(super) fn uuid(&self, name: &str) -> Result<Uuid, Refusal> {
        self.optional_uuid(name)?
            .ok_or_else(|| Refusal::invalid(name))
    }

    /// A list of ids, 1 to `most`; `None` if it is absent.
    pub(super) fn optional_uuids(
        &self,
        name: &str,
        most: usize,
    ) -> Result<Option<Vec<Uuid>>, Refusal> {
        self.read(name, |value| {
            let ids: Vec<Uuid> = value.as_array()?.iter().map(uuid).collect::<Option<_>>()?;
            (1..=most).contains(&ids.len()).then_some(ids)
        })
    }

    pub(super) fn uuids(&self, name: &str, most: usize) -> Result<Vec<Uuid>, Refusal> {
        self.optional_uuids(name, most)?
            .ok_or_else(|| Refusal::invalid(name))
    }

    pub(super) fn optional_list(&self, name: &str) -> Result<Option<&'a Vec<Value>>, Refusal> {
        self.read(name, Value::as_array)
    }

    /// `Limitation`, where it may be left out.
    pub(super) fn optional_page(&self) -> Result<Option<Page>, Refusal> {
        let Some(value) = self.get("Limitation") else {
            return Ok(None);
        };
        let limitation = Members::of_object(value, "Limitation", &["Count", "Cursor"])?;
        let count = limitation.integer("Count")?;
        let count = u64::try_from(count)
            .ok()
            .filter(|count| (1..=MOST).contains(count));
        let count = count.ok_or_else(|| Refusal::invalid("Count"))? as usize;
        Ok(Some(Page {
            count,
            cursor: limitation.optional_uuid("Cursor")?,
        }))
    }

    /// `Limitation`, where it is required.
    pub(super) fn page(&self) -> Result<Page, Refusal> {
        self.optional_page()?
            .ok_or_else(|| Refusal::invalid("Limitation"))
    }
}

/// A UUID in the hyphenated form the API writes.
fn uuid(value: &Value) -> Option<Uuid> {
    let text = value.as_str().filter(|text| text.len() == 36)?;
    Uuid::parse_str(text).ok()
}
