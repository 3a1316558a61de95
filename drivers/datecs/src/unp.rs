//! The unique number of a sale (UNP, Bulgaria): device serial, workplace, running number. The
//! worker owns the running number and never repeats one.

use serde::{Deserialize, Serialize};

/// `DT000001-0001-0000042`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unp {
    serial: String,
    workplace: String,
    running: u32,
}

impl Unp {
    /// `None` unless the text has the form `[A-Z]{2}[0-9]{6}-[0-9A-Za-z]{4}-[0-9]{7}`.
    pub fn parse(text: &str) -> Option<Self> {
        let (serial, rest) = text.trim().split_once('-')?;
        let (workplace, running) = rest.split_once('-')?;
        let letters = serial
            .get(..2)?
            .bytes()
            .all(|byte| byte.is_ascii_uppercase());
        let digits = serial.get(2..)?.bytes().all(|byte| byte.is_ascii_digit());
        let place = workplace.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let number = running.bytes().all(|byte| byte.is_ascii_digit());
        let lengths = (serial.len(), workplace.len(), running.len()) == (8, 4, 7);
        (letters && digits && place && number && lengths).then(|| Self {
            serial: serial.to_owned(),
            workplace: workplace.to_owned(),
            running: running.parse().unwrap_or(u32::MAX),
        })
    }

    /// The next number: above what the worker used last and above what the printer saw last.
    /// `None` when the device's serial or the workplace cannot stand in a UNP.
    pub fn next(
        serial: &str,
        workplace: &str,
        used: Option<u32>,
        printer: Option<&str>,
    ) -> Option<Self> {
        // An older printer may tell the running number alone.
        let bare = |text: &str| text.parse().ok();
        let seen = printer.and_then(|text| match Self::parse(text) {
            Some(seen) => (seen.serial == serial).then_some(seen.running),
            None => bare(text),
        });
        let running = used.max(seen).map_or(1, |last| last.saturating_add(1));
        Self::parse(&format!("{serial}-{workplace}-{running:07}"))
    }

    /// The running number.
    pub fn running(&self) -> u32 {
        self.running
    }
}

impl std::fmt::Display for Unp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{:07}", self.serial, self.workplace, self.running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number_is_above_both_memories() {
        let next =
            |used, seen| Unp::next("DT000001", "0001", used, seen).map(|unp| unp.to_string());
        let text = |running: &str| Some(format!("DT000001-0001-{running}"));
        assert_eq!(next(None, None), text("0000001"));
        assert_eq!(
            next(Some(41), Some("DT000001-0001-0000007")),
            text("0000042")
        );
        assert_eq!(
            next(Some(3), Some("DT000001-0001-0000041")),
            text("0000042")
        );
        assert_eq!(
            next(Some(3), Some("ZZ000009-0001-0000041")),
            text("0000004")
        );
    }

    #[test]
    fn only_the_laws_form_is_a_number() {
        for bad in [
            "",
            "DT00001-0001-0000001",
            "dt000001-0001-0000001",
            "DT000001-00!1-0000001",
        ] {
            assert_eq!(Unp::parse(bad), None, "{bad}");
        }
        assert_eq!(Unp::next("SERIAL", "0001", None, None), None);
        assert_eq!(
            Unp::next("DT000001", "0001", Some(9_999_999), None),
            None,
            "used up"
        );
    }
}
