//! What can go wrong, by name.

use std::time::Duration;

use driver_fiscal::money;
use driver_fiscal::virtual_printer::MemoryLine;
use driver_sdk::Switch;

use super::machine::{Machine, Silent, Spoilt};

pub(super) const SWITCHES: &[Switch] = &[
    Switch {
        name: "serial",
        help: "99MEY000001: its serial number (at the start)",
    },
    Switch {
        name: "clock",
        help: "2026-11-24T14:05:00: sets its clock",
    },
    Switch {
        name: "zone",
        help: "Europe/Rome: the zone its clock shows",
    },
    Switch {
        name: "drift",
        help: "seconds: how far its clock is off",
    },
    Switch {
        name: "paper",
        help: "in | low | out | N: out after so many lines",
    },
    Switch {
        name: "silent",
        help: "off | now | before | after: hangs up instead of answering; not executed, or the \
               document issued and the answer lost",
    },
    Switch {
        name: "busy",
        help: "seconds: works so long on the next request",
    },
    Switch {
        name: "refuse",
        help: "CODE:STATUS: refuses the next document with HTTP 200",
    },
    Switch {
        name: "answer",
        help: "garbled | bomb | huge | numberless | stale | 500: spoils the answer to the next \
               document, which is issued",
    },
    Switch {
        name: "other-till",
        help: "AMOUNT: another program sells something now",
    },
    Switch {
        name: "open",
        help: "on | off: another program has begun a document",
    },
    Switch {
        name: "power",
        help: "cut: an open document is lost",
    },
    Switch {
        name: "z",
        help: "now | midnight: closes the day now, or by itself when the date changes",
    },
    Switch {
        name: "z-report",
        help: "any | xz | deaf: takes any report that closes the day, or the long one only, or \
               closes it once and hangs up",
    },
    Switch {
        name: "journal",
        help: "ok | near | full | unreadable: the electronic journal",
    },
    Switch {
        name: "firmware",
        help: "new | old: the old one does not know its last document",
    },
    Switch {
        name: "training",
        help: "on | off: receipts are not fiscal",
    },
    Switch {
        name: "service",
        help: "in | out: registered with the tax office, or not",
    },
    Switch {
        name: "files",
        help: "N: so many files the tax office has rejected",
    },
    Switch {
        name: "expiry",
        help: "20270630: until when its certificate is valid",
    },
    Switch {
        name: "pictures",
        help: "on | off: draws each document too; off: does not wait for the disk either",
    },
    Switch {
        name: "document",
        help: "ok | lost: answers success and issues nothing",
    },
];

impl Machine {
    pub fn switch(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |help: &str| Err(format!("`{name}` takes {help}"));
        match (name, value) {
            ("clock", time) => self.clock.set(time)?,
            ("zone", zone) => self.clock.zone(zone)?,
            ("drift", seconds) => self.clock.drift(seconds)?,
            ("paper", "in") => (self.paper, self.paper_low) = (None, false),
            ("paper", "low") => (self.paper, self.paper_low) = (None, true),
            ("paper", "out") => self.paper = Some(0),
            ("paper", lines) => match lines.parse() {
                Ok(lines) => self.paper = Some(lines),
                Err(_) => return wrong("in, low, out or a number of lines"),
            },
            ("silent", "off") => self.silent = Silent::Off,
            ("silent", "now") => self.silent = Silent::Now,
            ("silent", "before") => self.silent = Silent::Before,
            ("silent", "after") => self.silent = Silent::After,
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
            ("answer", "garbled") => self.spoilt = Some(Spoilt::Garbled),
            ("answer", "bomb") => self.spoilt = Some(Spoilt::Bomb),
            ("answer", "huge") => self.spoilt = Some(Spoilt::Huge),
            ("answer", "numberless") => self.spoilt = Some(Spoilt::Numberless),
            ("answer", "stale") => self.spoilt = Some(Spoilt::Stale),
            ("answer", "500") => self.spoilt = Some(Spoilt::ServerError),
            ("other-till", amount) => {
                let Some(total) = money::read(amount).filter(|total| *total > 0) else {
                    return wrong("an amount, such as 12.50");
                };
                let line = MemoryLine {
                    group: 1,
                    gross: total,
                };
                self.keep("sale", &[line], vec!["Other till".to_owned()], None);
            }
            ("open", on @ ("on" | "off")) => self.open = on == "on",
            ("power", "cut") => self.open = false,
            ("z", "now") => self.close_day(),
            ("z", "midnight") => self.z_at_midnight = true,
            ("z-report", which @ ("any" | "xz" | "deaf")) => {
                (self.only_xz, self.deaf_z) = (which == "xz", which == "deaf");
            }
            ("journal", "ok") => self.journal = "ok",
            ("journal", "near") => self.journal = "near",
            ("journal", "full") => self.journal = "full",
            ("journal", "unreadable") => self.journal = "unreadable",
            ("firmware", version @ ("new" | "old")) => self.old_firmware = version == "old",
            ("training", on @ ("on" | "off")) => self.training = on == "on",
            ("service", state @ ("in" | "out")) => self.in_service = state == "in",
            ("files", count) => match count.parse() {
                Ok(count) => self.rejected = count,
                Err(_) => return wrong("a number"),
            },
            ("expiry", date) if date.len() == 8 => self.expiry = date.to_owned(),
            ("pictures", on @ ("on" | "off")) => {
                self.pictures = on == "on";
                self.memory.hasty = on == "off";
            }
            ("document", what @ ("ok" | "lost")) => self.lose = what == "lost",
            _ => return Err(format!("there is no switch `{name}` with `{value}`")),
        }
        Ok(())
    }
}
