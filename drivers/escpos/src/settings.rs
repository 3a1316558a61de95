//! The `[device.NAME.settings]` table. Everything has a default that is safe on a printer nobody
//! has described; each setting says when to change it.

use std::time::Duration;

use driver_sdk::{Complaints, Grade, Settings, SettingsError};
use serde::Deserialize;

use crate::codec::command::Cut;
use crate::raster::PictureCommand;
use crate::text::{CodeTable, Unmappable};

/// What a site can set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is known of the printer. `epson`: a TM model of the last ten years; it confirms what
    /// it printed and takes larger bands. `generic`: anything else, nothing is taken for granted.
    #[serde(default)]
    pub profile: Profile,
    /// Printable dots in a row. 576 for most 80 mm printers, 512 for the TM-T88 family (180 dpi),
    /// 384 for 58 mm. `nightporter test` prints a ruler: if its end is missing, lower it.
    #[serde(default = "dots_default")]
    pub dots: usize,
    /// Dots per inch of the head. Default: 180 for 512 dots, else 203.
    #[serde(default)]
    pub dpi: Option<u32>,
    /// Characters in a line. Default: as many of 12 dots as fit (48, 42 or 32). Change it where
    /// the printer's own font is narrower or wider.
    #[serde(default)]
    pub columns: Option<usize>,
    /// Code tables the printer has, best first, such as `["cp858", "windows-1250", "cp866=17"]`
    /// with the printer's own number after `=` where it differs from Epson's. Only CP437 is
    /// certain on an unknown printer; other characters are then drawn as dots, which is slower and
    /// always right. The test page shows what the printer makes of each table.
    #[serde(default = "code_tables_default")]
    pub code_tables: Vec<CodeTable>,
    /// A character in no table: `raster` draws the whole line as dots, `replace` prints a white
    /// question mark on black. Use `replace` only where speed matters more than the character.
    #[serde(default = "unmappable_default")]
    pub unmappable: Unmappable,
    /// The command for pictures: `gs-v0` (nearly every printer), `gs-l` (newer Epson models that
    /// print nothing with the first), `esc-star` (impact printers).
    #[serde(default = "picture_command_default")]
    pub picture_command: PictureCommand,
    /// Rows of a picture sent at once. Default: 128, `epson` 256. Lower it to 24 or 48 for
    /// Bluetooth, 9600 baud or a printer that prints garbage in the middle of pictures.
    #[serde(default)]
    pub band_rows: Option<usize>,
    /// A pause after each band, in ms. For printers without working flow control: try 50.
    #[serde(default, rename = "band_pause_ms", with = "millis")]
    pub band_pause: Duration,
    /// Luminance (0 to 255) below which a dot is black. Lower it if print is too bold.
    #[serde(default = "threshold_default")]
    pub threshold: u8,
    /// Pictures (PNG, JPEG) are shaded by scattered dots. For photographs; bar codes and QR codes
    /// in pictures become unreadable. PDFs are never shaded.
    #[serde(default)]
    pub dither_pictures: bool,
    /// A blank page in a PDF: `refuse` the document, or `skip` the page. Use `skip` where the
    /// hotel's bills end with an empty page.
    #[serde(default)]
    pub blank_pages: BlankPages,
    /// The most pages of a document.
    #[serde(default = "pages_max_default")]
    pub pages_max: usize,
    /// The longest receipt in mm. Raw data is not measured.
    #[serde(default = "length_max_mm_default")]
    pub length_max_mm: u32,
    /// The most copies of one command. More is refused: it is a mistake in Mews.
    #[serde(default = "copies_max_default")]
    pub copies_max: u32,
    /// How a receipt is cut: `partial`, `full`, `none`, or `old-partial` and `old-full` for
    /// printers that ignore the first two.
    #[serde(default = "cut_default")]
    pub cut: Cut,
    /// Empty lines before the cut. Raise it where the end of the text is cut off.
    #[serde(default)]
    pub feed_lines: u8,
    /// A cash drawer on the printer: `none`, `pin2` (the usual one) or `pin5`. It opens once for
    /// each command.
    #[serde(default)]
    pub drawer: Drawer,
    /// The drawer opens `before` or `after` the receipt.
    #[serde(default)]
    pub drawer_when: DrawerWhen,
    /// How long the drawer's pulse is, in ms. Raise it where the drawer only clicks.
    #[serde(default = "drawer_on_ms_default")]
    pub drawer_on_ms: u16,
    /// The pause after the pulse, in ms.
    #[serde(default = "drawer_off_ms_default")]
    pub drawer_off_ms: u16,
    /// Print density relative to the printer's own, -6 (70 %) to 8 (140 %). Epson TM only.
    #[serde(default)]
    pub density: Option<i8>,
    /// Whether the printer answers questions: `auto` finds out, `none` never asks (a cable with
    /// one direction), `required` prints only on a printer that answers.
    #[serde(default)]
    pub status: Status,
    /// Whether the printer confirms what it printed (process ids, `GS ( H`): `auto` uses it once
    /// the test page has shown it, `on`, `off`. A printer without it prints stray characters.
    #[serde(default)]
    pub process_id: ProcessId,
    /// The least evidence for success: `sent`, `accepted` or `done`. Less ends as unconfirmed.
    #[serde(default = "proof_default")]
    pub proof: Grade,
    /// How long a network connection is kept for the next command, in ms. Other programs cannot
    /// print on most network printers meanwhile.
    #[serde(default = "hold_default", rename = "hold_ms", with = "millis")]
    pub hold: Duration,
    /// How often an idle printer is asked how it is, in seconds. 0: never.
    #[serde(default = "watch_default", rename = "watch_s", with = "seconds")]
    pub watch: Duration,
}

/// What is known of the printer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Nothing.
    #[default]
    Generic,
    /// An Epson TM of the last ten years: process ids, `GS (`.
    Epson,
}

/// A blank page in a PDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlankPages {
    /// The document is refused.
    #[default]
    Refuse,
    /// The page is left out.
    Skip,
}

/// The cash drawer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drawer {
    /// None.
    #[default]
    None,
    /// On connector pin 2.
    Pin2,
    /// On connector pin 5.
    Pin5,
}

/// When the drawer opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrawerWhen {
    /// Before the first copy.
    Before,
    /// After the last copy.
    #[default]
    After,
}

/// Whether the printer answers questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Found out, and remembered.
    #[default]
    Auto,
    /// Never asked.
    None,
    /// A printer that is silent is not ready.
    Required,
}

/// Whether the printer confirms what it printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessId {
    /// Used once the test page has shown it; always with the profile `epson`.
    #[default]
    Auto,
    /// Used.
    On,
    /// Not used.
    Off,
}

impl Config {
    /// The settings of a device, every value checked.
    ///
    /// # Errors
    /// A place in the file, what is wrong, and what is possible.
    pub fn parse(settings: &Settings) -> Result<Self, SettingsError> {
        settings.parse_and_check(Self::check)
    }

    fn check(&self, complaints: &mut Complaints<'_>) {
        let dots = (128..=1_024).contains(&self.dots) && self.dots.is_multiple_of(8);
        complaints.unless(
            dots,
            "dots",
            "`dots` must be a multiple of 8 from 128 to 1024",
        );
        // Where they are not said, what follows from bad dots is not told as well.
        let mut within = |key: &str, value: u64, least: u64, most: u64| {
            let fact = format!("`{key}` must be {least} to {most}");
            complaints.unless((least..=most).contains(&value), key, fact);
        };
        within("columns", self.columns.map_or(8, wide), 8, 100);
        within("dpi", u64::from(self.dpi()), 60, 600);
        within("band_rows", wide(self.band_rows()), 8, 1_000);
        within("pages_max", wide(self.pages_max), 1, 1_000);
        within("length_max_mm", u64::from(self.length_max_mm), 50, 50_000);
        within("copies_max", u64::from(self.copies_max), 1, 100);
        within("drawer_on_ms", u64::from(self.drawer_on_ms), 2, 510);
        within("drawer_off_ms", u64::from(self.drawer_off_ms), 2, 510);
        let tables = "`code_tables` must name a table, such as \"cp437\"";
        complaints.unless(!self.code_tables.is_empty(), "code_tables", tables);
        let density = self.density.is_none_or(|steps| (-6..=8).contains(&steps));
        complaints.unless(density, "density", "`density` must be -6 to 8");
        let pause = self.band_pause <= Duration::from_secs(2);
        complaints.unless(
            pause,
            "band_pause_ms",
            "`band_pause_ms` must be at most 2000",
        );
    }

    /// Characters in a line.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns.unwrap_or(self.dots / crate::text::CELL_WIDTH)
    }

    /// Dots per inch.
    #[must_use]
    pub fn dpi(&self) -> u32 {
        let usual = if self.dots == 512 { 180 } else { 203 };
        self.dpi.unwrap_or(usual)
    }

    /// Rows of a picture sent at once.
    #[must_use]
    pub fn band_rows(&self) -> usize {
        let usual = match self.profile {
            Profile::Generic => 128,
            Profile::Epson => 256,
        };
        self.band_rows.unwrap_or(usual)
    }

    /// The longest receipt in dot rows.
    #[must_use]
    pub fn rows_max(&self) -> usize {
        let tenths_of_mm_an_inch = 254;
        let rows = u64::from(self.length_max_mm) * 10 * u64::from(self.dpi());
        usize::try_from(rows / tenths_of_mm_an_inch).expect("50 m of 600 dpi fit")
    }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn dots_default() -> usize {
    576
}
fn code_tables_default() -> Vec<CodeTable> {
    vec![CodeTable::named("cp437").expect("a known table")]
}
fn unmappable_default() -> Unmappable {
    Unmappable::Raster
}
fn picture_command_default() -> PictureCommand {
    PictureCommand::GsV0
}
/// On A4 squeezed to a receipt's width three times the words stay readable, against 128.
fn threshold_default() -> u8 {
    180
}
fn pages_max_default() -> usize {
    50
}
fn length_max_mm_default() -> u32 {
    5_000
}
fn copies_max_default() -> u32 {
    20
}
/// Many models have only this one.
fn cut_default() -> Cut {
    Cut::Partial
}
fn drawer_on_ms_default() -> u16 {
    100
}
fn drawer_off_ms_default() -> u16 {
    500
}
fn proof_default() -> Grade {
    Grade::Sent
}
/// A rush of bills goes over one connection; then other programs have their turn.
fn hold_default() -> Duration {
    Duration::from_secs(1)
}
fn watch_default() -> Duration {
    Duration::from_secs(60)
}

mod millis {
    use super::{Deserialize, Duration};
    pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

mod seconds {
    use super::{Deserialize, Duration};
    pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests;
