//! The printer as a thing that can be read, in either dialect. Everything here is harmless.

use driver_fiscal::verdict::LastDocument;
use driver_sdk::Fault;
use jiff::civil::DateTime;
use rust_decimal::Decimal;

use crate::frame::{Answer, Dialect};
use crate::reading::{Identity, Printed, Reading, Receipt, time, write_time};
use crate::sale::Command;
use crate::status::Status;
use crate::talk::Talk;
use crate::x::JournalRow;
use crate::{old, text, x};

/// No search of one day's journal reads more rows.
const JOURNAL_ROWS_MAX: usize = 2_000;

impl Talk {
    /// The status bytes.
    pub(super) async fn status(&mut self) -> Result<Status, Fault> {
        let answer = self.ask(&Command::new(74, [])).await?;
        Ok(Status::new(self.dialect(), &answer.status))
    }

    /// Who the printer is.
    pub(super) async fn identity(&mut self) -> Result<Identity, Fault> {
        let answer = self.ask(&Command::new(90, *b"1")).await?;
        let text = text::decode(&answer.data);
        let mut parts: Vec<_> = text.split(',').map(|part| part.trim().to_owned()).collect();
        // Serial and memory number come last; a register may leave the serial out, and then the
        // memory number is the last eight digits.
        let memory_and_more = parts.pop().ok_or_else(|| x::garbled(&answer))?;
        let memory: String = last_eight(&memory_and_more);
        let serial = parts.get(4).cloned().unwrap_or_default();
        let model = parts.into_iter().take(2).collect::<Vec<_>>().join(" ");
        let mut identity = Identity {
            model,
            serial,
            memory,
            tax_number: None,
        };
        if self.dialect().is_x() {
            let answer = self.ask(&Command::new(123, text::fields(&["1"]))).await?;
            let fields = x::fields(&answer)?;
            let filled = |index: usize| fields.get(index).filter(|it| !it.trim().is_empty());
            if let (Some(serial), Some(memory)) = (filled(0), filled(1)) {
                serial.trim().clone_into(&mut identity.serial);
                memory.trim().clone_into(&mut identity.memory);
            }
            identity.tax_number = filled(4).map(|it| it.trim().to_owned());
        }
        if identity.memory.len() != 8 {
            return Err(x::garbled(&answer));
        }
        Ok(identity)
    }

    /// The current or last receipt.
    pub(super) async fn receipt(&mut self) -> Result<Receipt, Fault> {
        if self.dialect().is_x() {
            x::receipt(&self.ask(&Command::new(76, [])).await?)
        } else {
            old::receipt(&self.ask(&Command::new(76, *b"T")).await?)
        }
    }

    /// The last UNP the printer saw.
    pub(super) async fn unp(&mut self) -> Result<Option<String>, Fault> {
        let filled = |text: &String| !text.trim().is_empty();
        if self.dialect().is_x() {
            let answer = self
                .ask(&Command::new(255, text::fields(&["UNP", "", ""])))
                .await?;
            return Ok(x::fields(&answer)?.into_iter().next().filter(filled));
        }
        let answer = self.ask(&Command::new(48, *b"*")).await?;
        Ok(old::last_issued(&answer).ok().map(|(_, unp)| unp))
    }

    /// Everything a verdict is made of.
    pub(super) async fn reading(&mut self, memory: &str) -> Result<Reading, Fault> {
        if !self.dialect().is_x() {
            return self.old_reading(memory).await;
        }
        let receipt = self.receipt().await?;
        let answer = self.ask(&Command::new(74, text::fields(&["0"]))).await?;
        let mut last = x::last(&answer, memory)?;
        let summer = x::is_summer(&answer);
        last.key = self.unp().await?;
        let answer = self.ask(&Command::new(123, text::fields(&["3"]))).await?;
        let fields = x::fields(&answer)?;
        Ok(Reading {
            last,
            receipt,
            z: Some(x::number(&answer, &fields, 2)?),
            z_at: fields.get(3).and_then(|at| time(at)),
            summer,
        })
    }

    async fn old_reading(&mut self, memory: &str) -> Result<Reading, Fault> {
        let receipt = self.receipt().await?;
        let issued = old::last_issued(&self.ask(&Command::new(48, *b"*")).await?);
        let (number, key) = match issued {
            Ok((number, unp)) => (number, Some(unp)),
            // Not in every model: then the number of the last document must do.
            Err(_) => {
                let answer = self.ask(&Command::new(113, [])).await?;
                let number = old::values(&answer)?.first().and_then(|it| it.parse().ok());
                let number = number.ok_or_else(|| x::garbled(&answer))?;
                (number, self.running().await?)
            }
        };
        let last = LastDocument {
            serial: memory.to_owned(),
            day: 0,
            number,
            total: receipt.amount,
            at: None,
            key,
        };
        Ok(Reading {
            last,
            receipt,
            z: None,
            z_at: None,
            summer: false,
        })
    }

    /// The running number of the last UNP an older printer saw, issued or not.
    pub(super) async fn running(&mut self) -> Result<Option<String>, Fault> {
        let answer = self.ask(&Command::new(48, [])).await?;
        Ok(old::running(&answer))
    }

    /// The printer's clock.
    pub(super) async fn time(&mut self) -> Result<DateTime, Fault> {
        let answer = self.ask(&Command::new(62, [])).await?;
        let text = if self.dialect().is_x() {
            x::fields(&answer)?.into_iter().next()
        } else {
            old::values(&answer)?.into_iter().next()
        };
        text.as_deref()
            .and_then(time)
            .ok_or_else(|| x::garbled(&answer))
    }

    /// VAT rates of the groups A to H.
    pub(super) async fn rates(&mut self) -> Result<Vec<Option<Decimal>>, Fault> {
        if self.dialect().is_x() {
            x::rates(&self.ask(&Command::new(50, [])).await?)
        } else {
            old::rates(&self.ask(&Command::new(97, [])).await?)
        }
    }

    /// Day ends that the fiscal memory still has room for.
    pub(super) async fn z_left(&mut self) -> Result<u32, Fault> {
        let answer = self.ask(&Command::new(68, [])).await?;
        if self.dialect().is_x() {
            return x::number(&answer, &x::fields(&answer)?, 0);
        }
        let first = old::values(&answer)?.first().and_then(|it| it.parse().ok());
        first.ok_or_else(|| x::garbled(&answer))
    }

    /// How many fiscal receipts the day has. X only.
    pub(super) async fn receipts_today(&mut self) -> Result<u32, Fault> {
        let name = text::fields(&["nFBonDailyCount", "", ""]);
        let answer = self.ask(&Command::new(255, name)).await?;
        x::number(&answer, &x::fields(&answer)?, 0)
    }

    /// When a document of the electronic journal was issued, where the printer tells it so that it
    /// can be read. X only.
    pub(super) async fn printed(&mut self, number: u32) -> Option<Printed> {
        let number = number.to_string();
        let question = text::fields(&["0", &number, "1"]);
        let answer = self.ask(&Command::new(125, question)).await.ok()?;
        let fields = x::fields(&answer).ok()?;
        let same = fields.first().is_some_and(|it| it.trim() == number);
        fields
            .get(2)
            .filter(|_| same)
            .and_then(|at| Printed::read(at))
    }

    /// The row of the electronic journal above a number that carries a UNP. X only.
    pub(super) async fn find(
        &mut self,
        unp: &str,
        above: u32,
        from: DateTime,
        to: DateTime,
    ) -> Result<Option<JournalRow>, Fault> {
        if !self.dialect().is_x() {
            return Ok(None);
        }
        let span = text::fields(&[&write_time(from), &write_time(to), "10"]);
        let answer = self.ask(&Command::new(124, span)).await?;
        let fields = x::fields(&answer)?;
        let (Some(first), Some(last)) = (fields.get(2), fields.get(3)) else {
            return Err(x::garbled(&answer));
        };
        let answer = self
            .ask(&Command::new(125, text::fields(&["9", first, last])))
            .await?;
        x::fields(&answer)?;
        for _ in 0..JOURNAL_ROWS_MAX {
            let answer = self.ask(&Command::new(125, text::fields(&["8"]))).await?;
            if is_end(&answer) {
                break;
            }
            if let Some(row) = x::journal_row(&answer)?
                && row.unp == unp
                && row.number > above
            {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// True for a printer of the dialect with error codes.
    pub(super) fn is_x(&self) -> bool {
        self.dialect() == Dialect::X
    }
}

/// The end of a listing is a negative code whose number the manual does not say.
fn is_end(answer: &Answer) -> bool {
    answer.data.is_empty() || answer.data.starts_with(b"-")
}

fn last_eight(text: &str) -> String {
    let count = text.chars().count();
    text.chars()
        .skip(count.saturating_sub(8))
        .collect::<String>()
        .trim()
        .to_owned()
}
