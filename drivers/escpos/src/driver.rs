//! A receipt printer as a device: look, render, commit, print, and say what is proved.

mod errand;
mod evidence;
mod recover;
mod watch;

use std::time::Duration;

use driver_sdk::{
    Abilities, Attempt, Document, Driver, Fault, Grade, Job, Link, Proof, Run, Say, Verdict, Watch,
};
use serde::{Deserialize, Serialize};

use crate::codec::command;
use crate::marks::{MARKS_MAX, Marks};
use crate::plan::{Content, Plan, plan};
use crate::printer::{Known, PATIENCE, Printer};
use crate::raster::Shade;
use crate::render::{Kind, Renderer, Request};
use crate::settings::{BlankPages, Config, ProcessId, Profile, Status};
use crate::sheet::{self, Part};
use crate::trouble::{self, Cause};

use errand::Errand;

/// Shelf keys.
const KNOWN: &str = "printer";
const ATTEMPTS: &str = "attempts";

/// Questions without an answer after which a printer counts as one that never answers.
const SILENT_MAX: u32 = 3;
/// Such a printer is asked again after this many seconds.
const ASK_AGAIN_S: i64 = 3_600;
/// Dot rows a printer does in a second: 50 mm/s, a slow one.
const ROWS_A_SECOND: f64 = 400.0;

/// A receipt printer.
#[derive(Debug)]
pub struct ReceiptPrinter {
    printer: Printer,
    config: Config,
    renderer: Renderer,
    wire: Wire,
    recalled: bool,
}

/// What the link's address says of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// The connection is shared with other programs: it is held only for a job.
    pub held_for_a_job: bool,
    /// Bits a second, where the wire is the slow part.
    pub baud: Option<u32>,
}

impl Wire {
    /// From the link as the config file writes it.
    #[must_use]
    pub fn of(url: &str) -> Self {
        let serial = url.starts_with("serial:");
        let baud = url
            .split(['?', '&'])
            .find_map(|option| option.strip_prefix("baud="))
            .and_then(|rate| rate.parse().ok());
        Self {
            held_for_a_job: url.starts_with("tcp:"),
            baud: serial.then_some(baud.unwrap_or(9_600)),
        }
    }

    /// How long these bytes and rows take from the first byte to the end of the paper.
    fn time(self, bytes: usize, rows: usize) -> Duration {
        let wire = self
            .baud
            .map_or(0.0, |baud| bytes as f64 * 10.0 / f64::from(baud));
        Duration::from_secs_f64(wire + rows as f64 / ROWS_A_SECOND)
    }
}

/// What is needed to ask about an attempt later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bookmark {
    /// The attempt's process ids, where the printer has them.
    pub marks: Option<Marks>,
    /// The count of the last one.
    pub last: u32,
    /// Parts to a mark.
    pub every: u32,
    /// Parts in all copies.
    pub parts: u32,
    /// Copies.
    pub copies: u32,
    /// How long printing takes, in ms.
    pub print_ms: u64,
    /// The longest command that may be left half sent, in bytes.
    pub longest: usize,
}

/// Everything composed, before the first byte.
struct Composed {
    start: Vec<u8>,
    /// Bytes at the start that put nothing on paper and open no drawer.
    harmless: usize,
    copy: Vec<Part>,
    end: Vec<u8>,
    raw: bool,
    scaled_down: bool,
    probe: bool,
}

impl ReceiptPrinter {
    /// A printer on a link.
    #[must_use]
    pub fn new(link: Link, config: Config, renderer: Renderer, wire: Wire) -> Self {
        Self {
            printer: Printer::new(link),
            config,
            renderer,
            wire,
            recalled: false,
        }
    }

    /// Takes what the printer can do off the shelf.
    fn recall(&mut self, run: &Run) {
        if let Some(known) = run.shelf::<Known>(KNOWN) {
            self.printer.known = known;
        }
        self.recalled = true;
    }

    /// Puts it there if it is news.
    fn remember(&self, run: &Run) {
        let known = self.printer.known;
        if run.shelf::<Known>(KNOWN) != Some(known) {
            run.put(KNOWN, &known);
        }
    }

    /// The printer is asked before and during jobs.
    fn listens(&self, now: i64) -> bool {
        let known = self.printer.known;
        match self.config.status {
            Status::None => false,
            Status::Required => true,
            Status::Auto => {
                known.answers == Some(true)
                    || known.silent < SILENT_MAX
                    || now - known.silent_since >= ASK_AGAIN_S
            }
        }
    }

    fn has_process_ids(&self) -> bool {
        match self.config.process_id {
            ProcessId::Off => false,
            ProcessId::On => true,
            ProcessId::Auto => {
                self.config.profile == Profile::Epson
                    || self.printer.known.process_ids == Some(true)
            }
        }
    }

    /// The printer understands `GS (`.
    fn has_blocks(&self) -> bool {
        self.config.profile == Profile::Epson || self.printer.known.process_ids == Some(true)
    }

    /// Opens the line and looks.
    async fn ready(&mut self, now: i64) -> Result<bool, Fault> {
        self.printer.open().await?;
        self.look(now).await
    }

    /// Asks how the printer is. `Ok(true)`: it answers and is ready. `Ok(false)`: it has no
    /// status channel.
    async fn look(&mut self, now: i64) -> Result<bool, Fault> {
        self.printer.complete_picture().await?;
        if !self.listens(now) {
            return Ok(false);
        }
        let mut status = self.printer.ask(PATIENCE).await?;
        if status.is_none() {
            // A printer that lost its connection in a picture waits for the rest of it.
            self.printer.say(&command::UNWEDGE).await?;
            status = self.printer.ask(PATIENCE).await?;
        }
        let Some(mut status) = status else {
            return self.silent(now);
        };
        if status.is_recoverable() {
            // The error may have been put right by now; what a failed job left is thrown away.
            self.printer.say(&command::RECOVER_AND_CLEAR).await?;
            status = self.printer.ask(PATIENCE).await?.unwrap_or(status);
        }
        match status.trouble() {
            None => Ok(true),
            Some(condition) => Err(Cause::Says(condition).fault()),
        }
    }

    fn silent(&mut self, now: i64) -> Result<bool, Fault> {
        let known = &mut self.printer.known;
        if known.answers == Some(true) || self.config.status == Status::Required {
            let address = self.printer.address();
            return Err(Fault::transient("ESCPOS-SILENT").with("address", address));
        }
        known.silent = known.silent.saturating_add(2);
        known.silent_since = now;
        Ok(false)
    }

    /// `document`: of what is not rendered, as [`Content::read`] gives it.
    async fn compose(
        &self,
        plan: &Plan,
        document: Vec<u8>,
        listens: bool,
    ) -> Result<Composed, Fault> {
        let config = &self.config;
        let blocks = self.has_blocks();
        let mut composed = Composed {
            start: sheet::start(config, blocks, listens),
            harmless: 0,
            copy: Vec::new(),
            end: sheet::end(config),
            raw: false,
            scaled_down: false,
            probe: false,
        };
        match &plan.content {
            Content::Text(_) => {
                composed.copy = sheet::text(&document, config)
                    .map_err(|error| trouble::of_text(error, config))?;
            }
            Content::Dots(kind, document) => {
                let pages = self.renderer.render(&self.request(*kind, document)).await;
                let pages = pages.map_err(|failure| trouble::of_rendering(&failure, config))?;
                composed.scaled_down = pages.scaled_down;
                composed.copy = sheet::picture(&pages.dots, config);
            }
            Content::Raw(_) => {
                let bytes = document;
                // Nobody knows how much paper it takes; this bounds how long evidence is waited
                // for.
                let rows = bytes.len().min(2_000) + bytes.len() / 72;
                composed.start.clear();
                composed.end.clear();
                composed.copy.push(Part { bytes, rows });
                composed.raw = true;
                return Ok(composed);
            }
            Content::Test(device, at) => {
                composed.copy = sheet::test_page(device, at, config);
                composed.probe = config.process_id != ProcessId::Off && listens;
            }
        }
        if plan.repeat {
            composed.copy.insert(0, sheet::repeat_header());
        }
        if composed.probe {
            composed.copy.push(sheet::probe_notice());
        }
        sheet::finish(&mut composed.copy, config);
        let opens_drawer = sheet::opens_drawer_first(config);
        composed.harmless = if opens_drawer {
            0
        } else {
            composed.start.len()
        };
        Ok(composed)
    }

    fn request(&self, kind: Kind, document: &Document) -> Request {
        let config = &self.config;
        Request {
            kind,
            path: document.path().to_owned(),
            dots: config.dots,
            dpi: config.dpi(),
            rows_max: config.rows_max(),
            pages_max: config.pages_max,
            threshold: config.threshold,
            shade: if config.dither_pictures {
                Shade::Dither
            } else {
                Shade::Threshold
            },
            skip_blank: config.blank_pages == BlankPages::Skip,
        }
    }

    async fn print(&mut self, plan: Plan, run: &Run) -> Result<Proof, Fault> {
        self.recall(run);
        // The document is read while the line is opened and the printer looks at itself.
        let reading = plan.content.read();
        let (listens, document) = tokio::join!(self.ready(plan.now), reading);
        let listens = listens?;
        let composed = self.compose(&plan, document?, listens).await?;
        // An answer to an earlier attempt's GS r proves nothing for this one. Its marks are told
        // apart by themselves.
        self.printer.forget_buffered();

        let parts = u32::try_from(composed.copy.len()).unwrap_or(u32::MAX);
        let parts = parts.saturating_mul(plan.copies);
        let every = parts.div_ceil(MARKS_MAX).max(1);
        let uses_marks = !composed.raw && listens && (composed.probe || self.has_process_ids());
        let attempt: u32 = run
            .shelf(ATTEMPTS)
            .unwrap_or_else(|| fastrand::u32(..9_000));
        let marks = uses_marks.then(|| Marks::of_attempt(attempt));
        let rows: usize = composed.copy.iter().map(|part| part.rows).sum();
        let bytes: usize = composed.copy.iter().map(|part| part.bytes.len()).sum();
        let copies = plan.copies as usize;
        let print_time = self.wire.time(bytes * copies, rows * copies);
        if uses_marks {
            run.put(ATTEMPTS, &(attempt.wrapping_add(1) % 9_025));
        }
        self.remember(run);
        let bookmark = Bookmark {
            marks,
            last: parts.div_ceil(every),
            every,
            parts,
            copies: plan.copies,
            print_ms: u64::try_from(print_time.as_millis()).unwrap_or(u64::MAX),
            longest: composed
                .copy
                .iter()
                .map(|part| part.bytes.len())
                .max()
                .unwrap_or(0),
        };
        let leave = run.commit(&bookmark).await?;
        let mut errand = Errand::new(&mut self.printer, &self.config, run, leave, &bookmark);
        errand.send(&composed, plan.copies).await?;
        let grade = errand.evidence(&composed, listens, print_time).await;
        self.remember(run);
        let grade = grade?;
        if grade < self.config.proof {
            return Err(Fault::in_doubt("ESCPOS-UNPROVED").with("grade", grade));
        }
        Ok(proof(grade, plan.copies, composed.scaled_down))
    }
}

/// What exists on paper, and how well that is proved.
fn proof(grade: Grade, copies: u32, scaled_down: bool) -> Proof {
    let code = match grade {
        Grade::Done => "ESCPOS-PRINTED",
        Grade::Accepted => "ESCPOS-ACCEPTED",
        Grade::Sent => "ESCPOS-SENT",
    };
    let copies = match copies {
        1 => "1 copy".to_owned(),
        many => format!("{many} copies"),
    };
    let scaled = if scaled_down {
        " It was made smaller to fit the paper."
    } else {
        ""
    };
    Proof::new(
        grade,
        Say::new(code).with("copies", copies).with("scaled", scaled),
    )
}

impl Driver for ReceiptPrinter {
    type Plan = Plan;

    fn abilities(&self) -> Abilities {
        Abilities {
            reconcile: true,
            abort: true,
            harmless_repeat: false,
        }
    }

    fn prepare(&self, job: &Job) -> Result<Plan, Fault> {
        plan(job, &self.config)
    }

    async fn execute(&mut self, plan: Plan, run: &Run) -> Result<Proof, Fault> {
        let ended = self.print(plan, run).await;
        self.remember(run);
        ended
    }

    async fn reconcile(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        self.recover(attempt, run).await
    }

    async fn idle(&mut self, watch: &Watch) -> Result<(), Fault> {
        self.watch_over(watch).await
    }
}

#[cfg(test)]
mod tests;
