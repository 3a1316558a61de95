//! One document: what must be true before the first byte, the POST, and what its answer proves.

use driver_fiscal::audit;
use driver_fiscal::class::ErrorClass;
use driver_fiscal::document::{BillRef, Kind, Original, Reason, Refund};
use driver_fiscal::verdict::{Judgement, LastDocument};
use driver_fiscal::{address, mapping, payload};
use driver_sdk::{Committed, Fault, FiscalWork, Job, Proof, Run};
use jiff::civil::Date;

use super::ask::Effect;
use super::clock::SHELF_CLOCK;
use super::record::{issued, judged, not_issued, sending};
use super::{Bookmark, EpsonDriver, Issue, Mark, Watchglass, What};
use crate::answer::{Answer, NewDocument, new_document};
use crate::codes::meaning;
use crate::customer::{self, Codes};
use crate::ready::{self, Does};
use crate::{receipt, status, xml};

impl EpsonDriver {
    pub(super) fn plan_issue(&self, work: &FiscalWork, job: &Job) -> Result<Issue, Fault> {
        address::check(
            work,
            self.requests.address(),
            self.settings.machine_id.as_deref(),
        )?;
        let italian = mapping::italian(work)?;
        let is_refund = italian.is_some_and(|data| data.is_refund);
        let bill = BillRef {
            id: work.bill.id,
            number: work.bill.number.clone(),
        };
        let serial = italian.and_then(|data| data.printer_serial.clone());
        let wanted = serial.filter(|serial| !is_refund && !serial.trim().is_empty());
        if let Some(bytes) = payload::ready(work)? {
            let total = mapping::checked_total(work, &self.settings.currency)?;
            let ready = ready::ready(&bytes)?;
            payload::same_total(ready.total, total)?;
            if (ready.does != Does::Sell) != (total < 0 || is_refund) {
                let what = match ready.does {
                    Does::Sell => "it sells, the bill gives back",
                    Does::Refund | Does::Void => "it gives back, the bill sells",
                };
                return Err(payload::refused(what));
            }
            let marked = ready::names(&ready.texts, &receipt::bill_mark(&bill));
            return Ok(Issue {
                bill,
                total: ready.total,
                wanted,
                what: What::Ready(ready.body, marked, ready.does),
            });
        }
        let mut document = mapping::document(work, &self.settings.rules())?;
        if let Kind::Refund(refund) = &mut document.kind {
            let time = italian.and_then(|data| data.receipt_time);
            refund.original.at = time.map(|at| job.zone.to_datetime(at));
        }
        let codes = match &document.buyer {
            Some(buyer) => customer::codes(buyer, &self.settings)?,
            None => Codes::default(),
        };
        Ok(Issue {
            bill,
            total: document.total,
            wanted,
            what: What::Built(Box::new(document), codes),
        })
    }

    pub(super) async fn issue(
        &mut self,
        issue: &Issue,
        time: Watchglass,
        run: &Run,
    ) -> Result<Proof, Fault> {
        let status = self.status().await?;
        if let Some(fault) = status::blocker(&status)? {
            return Err(fault);
        }
        if let Some(fault) = status::certificate_over(&status, time.now().date()) {
            let code = fault.code();
            tracing::error!(code, "The fiscal printer needs a certified technician");
            return Err(fault);
        }
        if status::printer(&status)?.open() {
            return Err(Fault::operator("FISCAL-OPEN-ELSEWHERE"));
        }
        let baseline = self.last().await?;
        if let Some(wanted) = issue
            .wanted
            .as_ref()
            .filter(|it| !it.trim().eq_ignore_ascii_case(&baseline.serial))
        {
            let expected: String = wanted.chars().take(40).collect();
            return Err(Fault::permanent("FISCAL-WRONG-PRINTER")
                .with("expected", expected)
                .with("device", &baseline.serial));
        }
        let open = status::day_open(&status);
        let drift = run.shelf(SHELF_CLOCK);
        if let Some(fault) = self.clock_blocker(&baseline, open, time.now(), drift) {
            return Err(fault);
        }
        let (body, kind) = self.body(issue, time.now().date(), run)?;
        self.notice_day(&baseline, open, run);
        let mark = Mark {
            baseline,
            total: issue.total,
            currency: self.settings.currency.clone(),
            sent_at: time.now(),
            bill: issue.bill.clone(),
            kind: kind.to_owned(),
            on_paper: on_paper(issue, run),
        };
        run.audit(audit::SENDING, &sending(&mark, &body));
        let leave = run
            .commit(&Bookmark::Document(Box::new(mark.clone())))
            .await?;
        let sent_at = time.now();
        self.unanswered = Some(driver_sdk::clock::now());
        let answer = self.requests.effect(leave, Effect::receipt(body)).await?;
        let answered_at = time.now();
        let class = meaning(&answer.code, answer.status).0;
        if answer.success || class != ErrorClass::Doubt {
            self.unanswered = None;
        }
        if !answer.success {
            return Err(self.refused(&answer, &mark, leave, run).await);
        }
        let new = new_document(&answer).ok_or_else(|| Fault::in_doubt("EPSON-NO-NUMBER"))?;
        let now = self.last().await?;
        let (document, how) = self.read_back(&mark, &new, now).await?;
        self.notice_document(&document, (sent_at, answered_at), run);
        Ok(issued(&mark, &document, how, Some(&answer), run))
    }

    fn body(
        &self,
        issue: &Issue,
        today: Date,
        run: &Run,
    ) -> Result<(Vec<u8>, &'static str), Fault> {
        match &issue.what {
            What::Ready(body, _, does) => {
                let kind = match does {
                    Does::Sell => "ready document",
                    Does::Refund => "ready refund",
                    Does::Void => "ready void",
                };
                Ok((body.clone(), kind))
            }
            What::Built(document, codes) => {
                let original = |refund: &Refund| original(refund, run);
                let root = receipt::build(document, original, codes, today, &self.settings)?;
                let kind = match &document.kind {
                    Kind::Sale => "sale",
                    Kind::Refund(refund) => match refund.reason {
                        Reason::Refund => "refund",
                        Reason::OperatorError => "void",
                    },
                };
                Ok((xml::envelope(&root), kind))
            }
        }
    }

    /// What a successful answer proves, with the printer's memory: the record shows the very
    /// document of the answer, or, where another till was faster, the electronic journal does.
    async fn read_back(
        &self,
        mark: &Mark,
        new: &NewDocument,
        now: LastDocument,
    ) -> Result<(LastDocument, &'static str), Fault> {
        let doubt = || Fault::in_doubt("EPSON-NO-NUMBER");
        let before = (mark.baseline.day, mark.baseline.number);
        let total = new.total.unwrap_or(mark.total);
        let same_printer = now.serial == mark.baseline.serial;
        if !same_printer || (new.day, new.number) <= before || total != mark.total {
            return Err(doubt());
        }
        if (new.day, new.number) == (now.day, now.number) {
            return if now.total == mark.total {
                Ok((now, "answer and record"))
            } else {
                Err(doubt())
            };
        }
        let day = new.at.ok_or_else(doubt)?.date();
        if self.journal_names(mark, new.number, day).await != Some(true) {
            return Err(doubt());
        }
        let document = LastDocument {
            day: new.day,
            number: new.number,
            total,
            at: new.at,
            ..mark.baseline.clone()
        };
        Ok((document, "answer and electronic journal"))
    }

    /// A refusal, with the proof that nothing was issued where the printer gives one. The open
    /// document is ours to reset only where no other till uses the printer.
    async fn refused(
        &self,
        answer: &Answer,
        mark: &Mark,
        leave: Committed<'_>,
        run: &Run,
    ) -> Fault {
        let class = meaning(&answer.code, answer.status).0;
        if class == ErrorClass::Doubt {
            return answer.fault();
        }
        if class.is_service() {
            let (code, status) = (answer.shown_code(), answer.status);
            tracing::error!(
                code,
                status,
                "The fiscal printer needs a certified technician"
            );
        }
        let nothing_left = async {
            let printer = status::printer(&self.status().await?)?;
            if printer.fiscal_open() && self.settings.only_till && class == ErrorClass::Stop {
                self.requests
                    .effect(leave, Effect::reset(self.settings.operator))
                    .await?;
            }
            let printer = status::printer(&self.status().await?)?;
            let now = self.last().await?;
            Ok::<_, Fault>(!printer.open() && judged(mark, &now) == Judgement::Unchanged)
        };
        if nothing_left.await.is_ok_and(|nothing| nothing) {
            not_issued(mark, "refused", Some(answer), None, run);
            return answer.fault().without_effect();
        }
        Fault::in_doubt("EPSON-UNPROVED")
            .with("code", answer.shown_code())
            .with("status", answer.status)
    }
}

/// What the journal can prove the document by: the bill's number, unless an earlier document of
/// ours carries it too.
fn on_paper(issue: &Issue, run: &Run) -> Option<String> {
    let carries = match &issue.what {
        What::Ready(_, marked, _) => *marked,
        What::Built(..) => true,
    };
    let earlier = run.shelf::<Original>(&Original::shelf_key(issue.bill.id));
    (carries && earlier.is_none()).then(|| receipt::bill_mark(&issue.bill))
}

/// What is known of the original: what the hotel system says first, our own memory for the rest.
fn original(refund: &Refund, run: &Run) -> Original {
    let remembered = refund
        .corrected
        .and_then(|bill| run.shelf::<Original>(&Original::shelf_key(bill)));
    match remembered {
        Some(ours) if same_document(&refund.original, &ours) => refund.original.clone().or(ours),
        Some(_) | None => refund.original.clone(),
    }
}

/// Two halves of two documents make no reference: what both sides name must agree.
fn same_document(theirs: &Original, ours: &Original) -> bool {
    let agree = |theirs: &Option<String>, ours: &Option<String>| match (theirs, ours) {
        (Some(theirs), Some(ours)) => {
            let plain = |text: &str| text.trim().trim_start_matches('0').to_ascii_uppercase();
            plain(theirs) == plain(ours)
        }
        (Some(_) | None, _) => true,
    };
    agree(&theirs.number, &ours.number)
        && agree(&theirs.day, &ours.day)
        && agree(&theirs.serial, &ours.serial)
}
