//! What goes wrong, by name, at any time.

use std::time::Duration;

use driver_sdk::Switch;
use tokio::time::Instant;

use super::answers::GARBAGE;
use super::machine::Machine;
use super::options::number;

/// Names of the switches, their values and what they do.
pub const SWITCHES: &[Switch] = &[
    Switch {
        name: "paper",
        help: "out | loaded | out-after-rows:N | out-after-mm:N",
    },
    Switch {
        name: "near-end",
        help: "on | off: the roll comes to its end",
    },
    Switch {
        name: "cover",
        help: "open | closed",
    },
    Switch {
        name: "cutter",
        help: "jam | clear: the next cut jams; cleared, it waits for DLE ENQ",
    },
    Switch {
        name: "offline",
        help: "on | off",
    },
    Switch {
        name: "hot",
        help: "on | off: the head is too hot; it goes on by itself",
    },
    Switch {
        name: "defect",
        help: "on | off: an error only service can end",
    },
    Switch {
        name: "feed-button",
        help: "held | free",
    },
    Switch {
        name: "deaf",
        help: "on | off | MILLISECONDS: reads and prints, answers nothing",
    },
    Switch {
        name: "late",
        help: "MILLISECONDS | off: answers come that much later",
    },
    Switch {
        name: "mute",
        help: "before-print | after-print | off: hangs before, or is silent after, the next receipt",
    },
    Switch {
        name: "slow",
        help: "MM-PER-SECOND | off",
    },
    Switch {
        name: "power",
        help: "off | on | cycle: buffers and modes are lost",
    },
    Switch {
        name: "lose-id",
        help: "N | all | off: answers to process ids get lost",
    },
    Switch {
        name: "early-id",
        help: "on | off: a process id behind no print data is answered when it is read",
    },
    Switch {
        name: "drop",
        help: "now | after-print | off: the connection ends",
    },
    Switch {
        name: "purge",
        help: "honoured | ignored | not-without-paper: the clear buffer command",
    },
    Switch {
        name: "garbage",
        help: "once | on | off: noise among the answers",
    },
];

/// The state of all switches.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Rows left on the roll; `None` is a roll without end.
    rows_left: Option<u64>,
    pub(super) near_end: bool,
    pub(super) cover_open: bool,
    /// Something is stuck in the cutter.
    pub(super) jammed: bool,
    /// The cutter has failed, and the printer waits for DLE ENQ.
    pub(super) cutter_error: bool,
    pub(super) offline: bool,
    pub(super) hot: bool,
    pub(super) defect: bool,
    pub(super) feed_button: bool,
    pub(super) deaf: Deaf,
    /// Between an answer and its first byte on the line.
    pub(super) late: Duration,
    pub(super) mute: Mute,
    pub(super) slow: Option<u32>,
    pub(super) power_off: bool,
    pub(super) lose_ids: u32,
    pub(super) early_ids: bool,
    pub(super) drop_after_print: bool,
    pub(super) purge: Purge,
    pub(super) garbage: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Deaf {
    #[default]
    No,
    Yes,
    Until(Instant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mute {
    #[default]
    Off,
    /// Will hang at the next black row.
    BeforePrint,
    /// Will fall silent at the next cut.
    AfterPrint,
    /// Prints nothing, says nothing.
    Hung,
    /// Prints, says nothing.
    Silent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Purge {
    #[default]
    Honoured,
    Ignored,
    NotWithoutPaper,
}

impl Faults {
    pub(super) fn paper_out(&self) -> bool {
        self.rows_left == Some(0)
    }

    /// One row of the roll is used; true when it was the last one.
    pub(super) fn use_paper(&mut self) -> bool {
        match &mut self.rows_left {
            Some(rows) => {
                *rows = rows.saturating_sub(1);
                *rows == 0
            }
            None => false,
        }
    }

    /// What a power cycle heals: everything that is not outside the electronics.
    pub(super) fn power_lost(&mut self) {
        self.cutter_error = false;
        if matches!(self.mute, Mute::Hung | Mute::Silent) {
            self.mute = Mute::Off;
        }
    }
}

impl Machine {
    /// Sets one switch.
    pub(super) fn switch(&mut self, name: &str, value: &str, now: Instant) -> Result<(), String> {
        self.advance(now);
        let was_offline = self.is_offline();
        match (name, value) {
            ("paper", _) => self.switch_paper(value)?,
            ("near-end", "on" | "off") => self.faults.near_end = value == "on",
            ("cover", "open" | "closed") => self.faults.cover_open = value == "open",
            ("cutter", "jam") => self.faults.jammed = true,
            ("cutter", "clear") => self.faults.jammed = false,
            ("offline", "on" | "off") => self.faults.offline = value == "on",
            ("hot", "on" | "off") => self.faults.hot = value == "on",
            ("defect", "on" | "off") => self.faults.defect = value == "on",
            ("feed-button", "held" | "free") => self.faults.feed_button = value == "held",
            ("late", "off") => self.faults.late = Duration::ZERO,
            ("late", _) => {
                let ms = number("late", value, 0..=86_400_000)?;
                self.faults.late = Duration::from_millis(ms);
            }
            ("deaf", "on") => self.faults.deaf = Deaf::Yes,
            ("deaf", "off") => self.faults.deaf = Deaf::No,
            ("deaf", _) => {
                let ms = number("deaf", value, 0..=86_400_000)?;
                self.faults.deaf = Deaf::Until(now + Duration::from_millis(ms));
            }
            ("mute", "off") => self.faults.mute = Mute::Off,
            ("mute", "before-print") => self.faults.mute = Mute::BeforePrint,
            ("mute", "after-print") => self.faults.mute = Mute::AfterPrint,
            ("slow", "off") => self.faults.slow = None,
            ("slow", _) => self.faults.slow = Some(number("slow", value, 1..=10_000)?),
            ("power", "off" | "cycle") => {
                self.lose_power();
                self.faults.power_off = value == "off";
            }
            ("power", "on") => self.faults.power_off = false,
            ("lose-id", "off") => self.faults.lose_ids = 0,
            ("lose-id", "all") => self.faults.lose_ids = u32::MAX,
            ("lose-id", _) => self.faults.lose_ids = number("lose-id", value, 0..=1_000_000)?,
            ("early-id", "on" | "off") => self.faults.early_ids = value == "on",
            ("drop", "now") => self.hang_ups += 1,
            ("drop", "after-print") => self.faults.drop_after_print = true,
            ("drop", "off") => self.faults.drop_after_print = false,
            ("purge", "honoured") => self.faults.purge = Purge::Honoured,
            ("purge", "ignored") => self.faults.purge = Purge::Ignored,
            ("purge", "not-without-paper") => self.faults.purge = Purge::NotWithoutPaper,
            ("garbage", "once") => self.push_out(GARBAGE.to_vec()),
            ("garbage", "on" | "off") => self.faults.garbage = value == "on",
            _ => return Err(unknown(name, value)),
        }
        self.say(format!("switched {name}: {value}"));
        if was_offline && !self.is_offline() {
            self.motor = Some(now);
        }
        self.advance(now);
        Ok(())
    }

    fn switch_paper(&mut self, value: &str) -> Result<(), String> {
        match value {
            "out" => self.faults.rows_left = Some(0),
            "loaded" => {
                if self.faults.paper_out() {
                    self.tear_off();
                }
                self.faults.rows_left = None;
            }
            _ => {
                let rows = if let Some(rows) = value.strip_prefix("out-after-rows:") {
                    number("paper", rows, 0..=100_000_000)?
                } else if let Some(mm) = value.strip_prefix("out-after-mm:") {
                    self.options
                        .rows_of_mm(number("paper", mm, 0..=10_000_000)?)
                } else {
                    return Err(unknown("paper", value));
                };
                self.faults.rows_left = Some(rows);
            }
        }
        Ok(())
    }
}

fn unknown(name: &str, value: &str) -> String {
    match SWITCHES.iter().find(|switch| switch.name == name) {
        Some(switch) => format!("{name} has no `{value}`; it takes {}", switch.help),
        None => {
            let names: Vec<_> = SWITCHES.iter().map(|switch| switch.name).collect();
            format!("no switch `{name}`; there are {}", names.join(", "))
        }
    }
}
