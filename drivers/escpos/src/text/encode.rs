//! A line to bytes: the first configured table that has a whole run, ESC t only on change.

use serde::{Deserialize, Serialize};

use super::tables::CodeTable;
use crate::codec::command;

/// What becomes of a character that no configured table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmappable {
    /// The whole line is drawn as dots.
    Raster,
    /// The character becomes a white question mark on black.
    Replace,
}

/// Encodes lines and remembers which table the printer has on.
#[derive(Debug)]
pub struct Encoder<'a> {
    tables: &'a [CodeTable],
    on: Option<u8>,
}

impl<'a> Encoder<'a> {
    /// For a printer that was just initialised: which table it has on is not relied upon.
    #[must_use]
    pub fn new(tables: &'a [CodeTable]) -> Self {
        Self { tables, on: None }
    }

    /// Appends a line and its end. False, and nothing appended, if a character is in no table and
    /// the line must be drawn.
    pub fn line(&mut self, line: &str, unmappable: Unmappable, out: &mut Vec<u8>) -> bool {
        let known = |c: char| c.is_ascii() || self.tables.iter().any(|t| t.byte(c).is_some());
        if unmappable == Unmappable::Raster && !line.chars().all(known) {
            return false;
        }
        let mut rest = line;
        while !rest.is_empty() {
            rest = self.run(rest, out);
        }
        out.extend(command::LINE_FEED);
        true
    }

    /// Appends the longest run that one table has, and gives the rest. A run starts with the
    /// table that carries it furthest; of equal ones the first configured.
    fn run<'t>(&mut self, text: &'t str, out: &mut Vec<u8>) -> &'t str {
        let reach = |table: &CodeTable| {
            text.char_indices()
                .find(|(_, c)| table.byte(*c).is_none())
                .map_or(text.len(), |(at, _)| at)
        };
        let mut best: Option<(&CodeTable, usize)> = None;
        for table in self.tables {
            let far = reach(table);
            if best.is_none_or(|(_, most)| far > most) {
                best = Some((table, far));
            }
        }
        match best {
            Some((table, far)) if far > 0 => {
                self.put(table, &text[..far], out);
                &text[far..]
            }
            Some(_) | None => {
                let c = text.chars().next().expect("a run is not empty");
                if c.is_ascii() {
                    out.push(c as u8);
                } else {
                    out.extend(command::inverse(true));
                    out.push(b'?');
                    out.extend(command::inverse(false));
                }
                &text[c.len_utf8()..]
            }
        }
    }

    fn put(&mut self, table: &CodeTable, text: &str, out: &mut Vec<u8>) {
        if !text.is_ascii() && self.on != Some(table.number()) {
            out.extend(command::code_table(table.number()));
            self.on = Some(table.number());
        }
        out.extend(text.chars().filter_map(|c| table.byte(c)));
    }
}
