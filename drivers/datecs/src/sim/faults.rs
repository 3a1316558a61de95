//! What can go wrong, and how the printer reacts then.

use std::time::Duration;

use driver_fiscal::money;

use super::machine::Machine;
use super::wire::{self, Request};
use crate::frame::Dialect;

#[derive(Debug, Default)]
pub(super) struct Faults {
    paper: Paper,
    pub memory_full: bool,
    silent: Silent,
    busy: Duration,
    refuse: Option<(u8, i32)>,
    noise: Option<Noise>,
    hang_up: bool,
    pub lose_document: bool,
    /// An older model that does not know command 48 with `*`.
    pub last_untold: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Paper {
    #[default]
    In,
    Out,
    Lines(u32),
}

#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
enum Silent {
    #[default]
    Off,
    Now,
    BeforeClose,
    AfterClose,
}

#[derive(Debug, PartialEq, Eq)]
enum Noise {
    Garble,
    Nak,
}

/// What the wire shows.
#[derive(Debug)]
pub(super) enum Reaction {
    Nothing,
    HangUp,
    Nak,
    Say {
        busy: Duration,
        bytes: Vec<u8>,
        story: Option<String>,
    },
}

impl Faults {
    pub fn paper_is_out(&self) -> bool {
        matches!(self.paper, Paper::Out | Paper::Lines(0))
    }

    /// Uses one line of paper.
    pub fn feed_line(&mut self) -> bool {
        match &mut self.paper {
            Paper::In => true,
            Paper::Out | Paper::Lines(0) => false,
            Paper::Lines(left) => {
                *left -= 1;
                true
            }
        }
    }
}

impl Machine {
    pub fn react(&mut self, request: &Request) -> Reaction {
        if std::mem::take(&mut self.faults.hang_up) {
            return Reaction::HangUp;
        }
        if self.faults.silent == Silent::Now {
            return Reaction::Nothing;
        }
        // The printer looks at the number and not at the command.
        if self.last_seq == Some(request.seq) {
            return self.say(self.last_answer.clone(), None);
        }
        if self.faults.noise == Some(Noise::Nak) {
            self.faults.noise = None;
            return Reaction::Nak;
        }
        if request.command == 56 && self.faults.silent == Silent::BeforeClose {
            self.faults.silent = Silent::Now;
            return Reaction::Nothing;
        }
        let issued = self.memory.documents.len();
        let (data, not_understood) = match self.faults.refuse {
            Some((command, code)) if command == request.command => {
                self.faults.refuse = None;
                if self.dialect.is_x() {
                    (format!("{code}\t").into_bytes(), false)
                } else {
                    (self.refuses(), false)
                }
            }
            Some(_) | None => self.execute(request),
        };
        let status = self.status(not_understood);
        self.not_permitted = false;
        let bytes = wire::answer(self.dialect, request, &data, &status);
        self.last_seq = Some(request.seq);
        self.last_answer.clone_from(&bytes);
        if request.command == 56 && self.faults.silent == Silent::AfterClose {
            self.faults.silent = Silent::Now;
            return Reaction::Nothing;
        }
        let story = (self.memory.documents.len() > issued).then(|| self.issued_story());
        if self.faults.noise == Some(Noise::Garble) {
            self.faults.noise = None;
            let mut bytes = bytes;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x08;
            return self.say(bytes, story);
        }
        self.say(bytes, story)
    }

    fn say(&mut self, bytes: Vec<u8>, story: Option<String>) -> Reaction {
        Reaction::Say {
            busy: std::mem::take(&mut self.faults.busy),
            bytes,
            story,
        }
    }

    fn issued_story(&self) -> String {
        self.memory.last().map_or_else(String::new, |document| {
            let (number, total) = (document.number, money::show(document.total));
            format!("Document {number}: {} {total}", document.kind)
        })
    }

    /// Sets something; a line of the story where something happened.
    pub fn switch(&mut self, name: &str, value: &str) -> Result<Option<String>, String> {
        let wrong = |help: &str| Err(format!("`{name}` takes {help}"));
        match (name, value) {
            ("dialect", "x") => self.dialect = Dialect::X,
            ("dialect", "old-p") => self.dialect = Dialect::OldP,
            ("dialect", "old-c") => self.dialect = Dialect::OldC,
            ("dialect", _) => return wrong("x, old-p or old-c"),
            ("password", password) => password.clone_into(&mut self.password),
            ("clock", time) => self.clock.set(time)?,
            ("zone", zone) => self.clock.zone(zone)?,
            ("dst", "on") => self.summer = true,
            ("dst", "off") => self.summer = false,
            ("dst", _) => return wrong("on or off"),
            ("drift", seconds) => self.clock.drift(seconds)?,
            ("paper", "in") => self.faults.paper = Paper::In,
            ("paper", "out") => self.faults.paper = Paper::Out,
            ("paper", lines) => match lines.parse() {
                Ok(lines) => self.faults.paper = Paper::Lines(lines),
                Err(_) => return wrong("in, out or a number of lines"),
            },
            ("silent", "off") => self.faults.silent = Silent::Off,
            ("silent", "now") => self.faults.silent = Silent::Now,
            ("silent", "before-close") => self.faults.silent = Silent::BeforeClose,
            ("silent", "after-close") => self.faults.silent = Silent::AfterClose,
            ("silent", _) => return wrong("off, now, before-close or after-close"),
            ("busy", seconds) => match seconds.parse() {
                Ok(seconds) => self.faults.busy = Duration::from_secs(seconds),
                Err(_) => return wrong("seconds"),
            },
            ("refuse", "off") => self.faults.refuse = None,
            ("refuse", pair) => {
                let parsed = pair
                    .split_once(':')
                    .and_then(|(command, code)| Some((command.parse().ok()?, code.parse().ok()?)));
                match parsed {
                    Some(pair) => self.faults.refuse = Some(pair),
                    None => return wrong("COMMAND:CODE, such as 49:-111005"),
                }
            }
            ("noise", "off") => self.faults.noise = None,
            ("noise", "garble") => self.faults.noise = Some(Noise::Garble),
            ("noise", "nak") => self.faults.noise = Some(Noise::Nak),
            ("noise", _) => return wrong("garble, nak or off"),
            ("other-till", amount) => {
                let Some(cents) = money::read(amount) else {
                    return wrong("an amount, such as 12.50");
                };
                self.other_till(cents)
                    .map_err(|code| format!("refused with {code}"))?;
                return Ok(Some(format!("Another till sold for {amount}")));
            }
            ("z", "now") => {
                let z = self.z().map_err(|code| format!("refused with {code}"))?;
                return Ok(Some(format!("Z {z}")));
            }
            ("memory", "ok") => self.faults.memory_full = false,
            ("memory", "full") => self.faults.memory_full = true,
            ("power", "cut") => {
                self.power_cut();
                self.faults.hang_up = true;
                return Ok(Some("Power cut".to_owned()));
            }
            ("last", "told") => self.faults.last_untold = false,
            ("last", "untold") => self.faults.last_untold = true,
            ("last", _) => return wrong("told or untold"),
            ("document", "ok") => self.faults.lose_document = false,
            ("document", "lost") => self.faults.lose_document = true,
            ("z", _) => return wrong("now"),
            ("memory", _) => return wrong("ok or full"),
            ("power", _) => return wrong("cut"),
            ("document", _) => return wrong("ok or lost"),
            _ => return Err(format!("there is no switch `{name}`")),
        }
        Ok(None)
    }
}
