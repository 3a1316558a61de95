//! Which printer this is: what a data sheet would say, not what goes wrong with it.

use std::path::PathBuf;

use driver_sdk::Switch;

/// What happens to a second connection while the first one is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// It is accepted and waits; its bytes pass once the first is closed, as on network boards.
    Waits,
    /// It is closed at once.
    Refused,
    /// It takes over, and the first one is closed.
    Replaces,
}

/// A printer's data sheet. `Options::default()` is a capable 80 mm printer on a network board.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Printable dots in a row: 576, 512 or 384 on common printers.
    pub width: usize,
    /// Dots per inch, both ways.
    pub dpi: u32,
    /// Characters of font A in a line; 0 means as many as fit.
    pub columns: usize,
    /// Answers process ids (GS ( H).
    pub process_id: bool,
    /// Has a parser for `GS (` and `GS 8`; a clone without one prints the parameters as text.
    pub blocks: bool,
    /// Answers anything at all.
    pub answers: bool,
    /// Receive buffer in bytes. When it is full the printer stops reading.
    pub buffer: usize,
    /// Stops reading as soon as it is offline, not only when full (a DIP switch).
    pub busy_offline: bool,
    /// Paper speed in mm/s; 0 prints in no time.
    pub speed: u32,
    /// Line rate in baud, ten bits a byte; 0 reads in no time.
    pub baud: u32,
    /// Rows the parser may run ahead of the paper. Buffered status is answered that much early.
    pub ahead: usize,
    /// Has a sensor for a roll that comes to its end.
    pub near_end_sensor: bool,
    /// Rows of paper between head and blade: a cut without feed leaves them in the printer.
    pub blade: usize,
    /// Units per inch of ESC J and ESC 3; 0 means one unit is one dot.
    pub vertical_unit: u32,
    /// Starts in multi-byte mode, as printers made for China and Japan do.
    pub multi_byte: bool,
    /// Table numbers `ESC t` accepts; empty means all known ones.
    pub code_pages: Vec<u8>,
    /// A new connection still hears what the last one did not read.
    pub keep_replies: bool,
    /// What a second connection meets.
    pub second: Second,
    /// Inserts XOFF and XON into the answers when the buffer fills and drains.
    pub xon_xoff: bool,
    /// What GS I says: maker.
    pub maker: String,
    /// What GS I says: model.
    pub model: String,
    /// Where receipts go as PNG files; `None` writes none.
    pub folder: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: 576,
            dpi: 203,
            columns: 0,
            process_id: true,
            blocks: true,
            answers: true,
            buffer: 65_536,
            busy_offline: false,
            speed: 0,
            baud: 0,
            ahead: 256,
            near_end_sensor: true,
            blade: 96,
            vertical_unit: 0,
            multi_byte: false,
            code_pages: Vec::new(),
            keep_replies: false,
            second: Second::Waits,
            xon_xoff: false,
            maker: "EPSON".to_owned(),
            model: "TM-T88V".to_owned(),
            folder: None,
        }
    }
}

/// Names and meanings of the options, for `--help` and error messages.
pub const OPTIONS: &[Switch] = &[
    Switch {
        name: "profile",
        help: "epson | tm-t88 (180 dpi, 512 dots) | clone (58 mm, no process id) | blind",
    },
    Switch {
        name: "width",
        help: "printable dots in a row",
    },
    Switch {
        name: "dpi",
        help: "dots per inch",
    },
    Switch {
        name: "columns",
        help: "characters in a line",
    },
    Switch {
        name: "process-id",
        help: "yes | no: answers process ids",
    },
    Switch {
        name: "blocks",
        help: "yes | no: understands GS ( at all",
    },
    Switch {
        name: "answers",
        help: "yes | no: answers anything",
    },
    Switch {
        name: "buffer",
        help: "receive buffer in bytes",
    },
    Switch {
        name: "busy-offline",
        help: "yes | no: stops reading while offline",
    },
    Switch {
        name: "speed",
        help: "mm of paper a second, 0 for no time",
    },
    Switch {
        name: "baud",
        help: "line rate, 0 for no time",
    },
    Switch {
        name: "ahead",
        help: "rows the parser runs ahead of the paper",
    },
    Switch {
        name: "near-end-sensor",
        help: "yes | no",
    },
    Switch {
        name: "blade",
        help: "rows between head and blade",
    },
    Switch {
        name: "vertical-unit",
        help: "units per inch of ESC J and ESC 3, 0 for dots",
    },
    Switch {
        name: "multi-byte",
        help: "yes | no: starts in Kanji mode",
    },
    Switch {
        name: "code-pages",
        help: "table numbers, separated by commas",
    },
    Switch {
        name: "keep-replies",
        help: "yes | no: a new connection hears old answers",
    },
    Switch {
        name: "second",
        help: "waits | refused | replaces: a second connection",
    },
    Switch {
        name: "xon-xoff",
        help: "yes | no: software flow control",
    },
    Switch {
        name: "maker",
        help: "text",
    },
    Switch {
        name: "model",
        help: "text",
    },
    Switch {
        name: "folder",
        help: "where receipts go as PNG",
    },
];

impl Options {
    /// Sets one option by name.
    ///
    /// # Errors
    /// A sentence that names the option and what it accepts.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "profile" => self.profile(value)?,
            "width" => self.width = number(name, value, 8..=2_040)? & !7,
            "dpi" => self.dpi = number(name, value, 50..=1_200)?,
            "columns" => self.columns = number(name, value, 0..=170)?,
            "process-id" => self.process_id = yes(name, value)?,
            "blocks" => self.blocks = yes(name, value)?,
            "answers" => self.answers = yes(name, value)?,
            "buffer" => self.buffer = number(name, value, 16..=16_777_216)?,
            "busy-offline" => self.busy_offline = yes(name, value)?,
            "speed" => self.speed = number(name, value, 0..=10_000)?,
            "baud" => self.baud = number(name, value, 0..=10_000_000)?,
            "ahead" => self.ahead = number(name, value, 1..=65_536)?,
            "near-end-sensor" => self.near_end_sensor = yes(name, value)?,
            "blade" => self.blade = number(name, value, 0..=1_000)?,
            "vertical-unit" => self.vertical_unit = number(name, value, 0..=1_440)?,
            "multi-byte" => self.multi_byte = yes(name, value)?,
            "code-pages" => {
                let each = value.split(',').filter(|n| !n.is_empty());
                self.code_pages = each
                    .map(|n| number(name, n.trim(), 0..=255))
                    .collect::<Result<_, _>>()?;
            }
            "keep-replies" => self.keep_replies = yes(name, value)?,
            "second" => {
                self.second = match value {
                    "waits" => Second::Waits,
                    "refused" => Second::Refused,
                    "replaces" => Second::Replaces,
                    _ => return Err("second is waits, refused or replaces".to_owned()),
                }
            }
            "xon-xoff" => self.xon_xoff = yes(name, value)?,
            "maker" => value.clone_into(&mut self.maker),
            "model" => value.clone_into(&mut self.model),
            "folder" => self.folder = Some(PathBuf::from(value)),
            _ => {
                let known: Vec<_> = OPTIONS.iter().map(|option| option.name).collect();
                return Err(format!(
                    "unknown option `{name}`; known are {}",
                    known.join(", ")
                ));
            }
        }
        Ok(())
    }

    fn profile(&mut self, value: &str) -> Result<(), String> {
        let folder = self.folder.take();
        *self = Self {
            folder,
            ..Self::default()
        };
        match value {
            "epson" => {}
            "tm-t88" => (self.width, self.dpi) = (512, 180),
            "clone" => {
                (self.width, self.process_id, self.blocks) = (384, false, false);
                (self.buffer, self.near_end_sensor) = (4_096, false);
                self.code_pages = vec![0, 2, 3, 4, 5, 16, 17, 18];
                (self.maker, self.model) = ("_GP".to_owned(), "POS-58".to_owned());
            }
            "blind" => self.answers = false,
            _ => return Err("profile is epson, tm-t88, clone or blind".to_owned()),
        }
        Ok(())
    }

    /// Characters of font A in a line.
    pub(super) fn columns(&self) -> usize {
        let fit = (self.width / 12).max(1);
        if self.columns == 0 {
            fit
        } else {
            self.columns.min(fit)
        }
    }

    /// Vertical motion units as dot rows.
    pub(super) fn rows_of_units(&self, units: u8) -> usize {
        match self.vertical_unit {
            0 => usize::from(units),
            unit => usize::from(units) * self.dpi as usize / unit as usize,
        }
    }

    /// Millimetres of paper as dot rows.
    pub(super) fn rows_of_mm(&self, mm: u64) -> u64 {
        mm * u64::from(self.dpi) * 10 / 254
    }
}

pub(super) fn number<T>(
    name: &str,
    value: &str,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, String>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let bad = || {
        format!(
            "{name} is a number from {} to {}",
            range.start(),
            range.end()
        )
    };
    let n = value.parse().map_err(|_| bad())?;
    if range.contains(&n) {
        Ok(n)
    } else {
        Err(bad())
    }
}

pub(super) fn yes(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "yes" | "on" | "true" | "1" => Ok(true),
        "no" | "off" | "false" | "0" => Ok(false),
        _ => Err(format!("{name} is yes or no")),
    }
}
