//! Key requests (KR, KD, KM, KZ) and what their answers (KA, KZ) mean.

use jiff::civil::DateTime;

use driver_keys::ledger::Issue;
use driver_keys::local_time;
use driver_sdk::Personal;

use crate::record::Record;

/// A request for one card. The field for a card count is never used: one request is one card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRequest {
    /// KC.
    pub encoder: String,
    /// KT: `N` or `D`.
    pub issue: Issue,
    /// RN and, for the second to the last, SI.
    pub rooms: Vec<String>,
    /// WS.
    pub workstation: String,
    /// G#, 1 to 10 digits.
    pub reservation: Option<String>,
    /// GA: hotel time.
    pub start: DateTime,
    /// GD and DT: hotel time.
    pub end: DateTime,
    /// GN, folded.
    pub guest: Personal<String>,
}

impl KeyRequest {
    /// KR. Key fields come first and free text late: a known lock system looks for field ids
    /// anywhere and takes the first hit.
    #[must_use]
    pub fn record(&self, now: DateTime) -> Record {
        let kind = match self.issue {
            Issue::New => "N",
            Issue::Copy => "D",
        };
        let mut record = Record::new("KR")
            .with("KC", &self.encoder)
            .with("KT", kind)
            .with("RN", self.rooms.first().cloned().unwrap_or_default())
            .with("WS", &self.workstation);
        if self.rooms.len() > 1 {
            record = record.with("SI", self.rooms[1..].join(";"));
        }
        if let Some(number) = &self.reservation {
            record = record.with("G#", number);
        }
        record = record
            .with("GA", local_time::fias_date(self.start))
            .with("GD", local_time::fias_date(self.end))
            .with("DT", local_time::fias_departure(self.end));
        if !self.guest.reveal().is_empty() {
            record = record.with("GN", self.guest.reveal());
        }
        record.stamped(now)
    }
}

/// KD: cards of a room end (check-out). Sent only where a site asks for it.
#[must_use]
pub fn delete(
    encoder: &str,
    room: &str,
    workstation: &str,
    reservation: Option<&str>,
    now: DateTime,
) -> Record {
    let record = Record::new("KD")
        .with("KC", encoder)
        .with("RN", room)
        .with("WS", workstation);
    let record = match reservation {
        Some(number) => record.with("G#", number),
        None => record,
    };
    record.stamped(now)
}

/// KM: the stay of a key changes (a new end, another room).
#[must_use]
pub fn change(request: &KeyRequest, old_room: Option<&str>, now: DateTime) -> Record {
    let kr = request.record(now);
    let mut fields: Vec<_> = kr.fields.into_iter().filter(|(id, _)| id != "KT").collect();
    if let Some(room) = old_room {
        fields.insert(3, ("RO".to_owned(), room.to_owned()));
    }
    Record {
        id: "KM".to_owned(),
        fields,
    }
}

/// KZ: read the card on the encoder. Changes nothing.
#[must_use]
pub fn read(encoder: &str, workstation: &str, now: DateTime) -> Record {
    Record::new("KZ")
        .with("KC", encoder)
        .with("WS", workstation)
        .stamped(now)
}

/// KA, or KZ as an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAnswer {
    /// AS, two letters.
    pub status: String,
    /// KC, if it says.
    pub encoder: Option<String>,
    /// WS, if it says.
    pub workstation: Option<String>,
    /// G#, if it says.
    pub reservation: Option<String>,
    /// RN (KZ): the room the card opens.
    pub room: Option<String>,
    /// CT: the lock system's own words.
    pub text: Option<String>,
}

impl KeyAnswer {
    /// Reads an answer.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let filled = |id| record.get(id).filter(|text| !text.trim().is_empty());
        let shown =
            |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(80).collect() };
        Self {
            status: record
                .get("AS")
                .unwrap_or_default()
                .trim()
                .chars()
                .take(4)
                .collect(),
            encoder: filled("KC").map(str::to_owned),
            workstation: filled("WS").map(str::to_owned),
            reservation: filled("G#").map(str::to_owned),
            room: filled("RN").map(shown),
            text: filled("CT").map(shown),
        }
    }

    /// True for `OK`: the only status that is a success.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == "OK"
    }

    /// True if it can be the answer to a request: encoder, workstation and reservation agree as
    /// far as the answer names them. An answer that names no encoder is nobody's.
    #[must_use]
    pub fn belongs_to(&self, encoder: &str, workstation: &str, reservation: Option<&str>) -> bool {
        let named = self
            .encoder
            .as_deref()
            .is_some_and(|named| same_number(named, encoder));
        let at_ours = self
            .workstation
            .as_deref()
            .is_none_or(|named| named == workstation);
        let same_stay = match (self.reservation.as_deref(), reservation) {
            (Some(theirs), Some(ours)) => same_number(theirs, ours),
            (None, _) | (_, None) => true,
        };
        named && at_ours && same_stay
    }
}

/// Numbers compare as numbers, names as they are: a known peer answers `KC01` to `KC1`.
#[must_use]
pub fn same_number(one: &str, other: &str) -> bool {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        digits.then(|| text.trim_start_matches('0').to_owned())
    };
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one == other,
        (_, _) => one == other,
    }
}

#[cfg(test)]
mod tests;
