//! Questions and effects as single POSTs.

use std::time::Duration;

use bytes::BytesMut;
use driver_fiscal::verdict::LastDocument;
use driver_sdk::{Exchange, Fault, Harmless};

use jiff::civil::Date;

use super::EpsonDriver;
use crate::answer::{Answer, last_document};
use crate::settings::ZReport;
use crate::xml::{self, Element};

/// Longer than the printer's own time-out in the link's address (30 s).
const RECEIPT_MAX: Duration = Duration::from_secs(45);

pub(super) struct Effect(Vec<u8>);

impl Effect {
    pub fn receipt(body: Vec<u8>) -> Self {
        Self(body)
    }

    /// Voids the open document.
    pub fn reset(operator: u8) -> Self {
        let reset = Element::new("resetPrinter").with("operator", operator);
        Self(xml::envelope(&command("printerCommand", reset)))
    }

    /// Closes the day.
    pub fn z(operator: u8, report: ZReport) -> Self {
        let name = match report {
            ZReport::Z => "printZReport",
            ZReport::Xz => "printXZReport",
        };
        let z = Element::new(name)
            .with("operator", operator)
            .with("timeout", 30_000);
        Self(xml::envelope(&command("printerFiscalReport", z)))
    }
}

impl Exchange for Effect {
    type Answer = Answer;

    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(&self.0);
    }

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Answer>, Fault> {
        Ok(Answer::read(input))
    }

    fn patience(&self) -> Duration {
        RECEIPT_MAX
    }
}

/// A command that only reads.
struct Question(Element);

impl Exchange for Question {
    type Answer = Answer;

    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(&xml::envelope(&command("printerCommand", self.0.clone())));
    }

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Answer>, Fault> {
        Ok(Answer::read(input))
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(15)
    }
}

impl Harmless for Question {}

impl EpsonDriver {
    pub(super) async fn status(&self) -> Result<Answer, Fault> {
        let question = Element::new("queryPrinterStatus")
            .with("operator", self.settings.operator)
            .with("statusType", 1);
        self.requests.ask(Question(question)).await
    }

    pub(super) async fn last(&self) -> Result<LastDocument, Fault> {
        let question = Element::new("directIO")
            .with("command", 1387)
            .with("data", "01");
        let answer = self.requests.ask(Question(question)).await?;
        let record = answer.info("responseData").filter(|_| answer.success);
        // Older firmware does not know the question: no baseline, no document.
        record
            .and_then(last_document)
            .ok_or_else(|| Fault::permanent("EPSON-NO-RECORD"))
    }

    /// The journal's text of a document of a day.
    pub(super) async fn journal(&self, number: u32, day: Date) -> Result<Vec<String>, Fault> {
        let question = Element::new("queryContentByNumbers")
            .with("operator", self.settings.operator)
            .with("dataType", 1)
            .with("day", format!("{:02}", day.day()))
            .with("month", format!("{:02}", day.month()))
            .with("year", day.year())
            .with("fromNumber", number)
            .with("toNumber", number);
        let answer = self.requests.ask(Question(question)).await?;
        if !answer.success {
            return Err(answer.fault());
        }
        Ok(answer.lines().into_iter().map(str::to_owned).collect())
    }
}

/// A root with one command.
fn command(root: &str, inner: Element) -> Element {
    let mut root = Element::new(root);
    root.children.push(inner);
    root
}
