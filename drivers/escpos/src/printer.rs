//! The conversation with one printer: what is asked, what it says, and what follows from it.
//!
//! It remembers between attempts what the printer can do and which questions are still out, so
//! that an answer is never taken for another's.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;
use driver_sdk::{Committed, Exchange, Fault, Harmless, Link, clock};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::codec::{Condition, RealTimeStatus, Replies, Reply, command};
use crate::marks::Marks;

/// Marks heard and not yet looked at; a printer that cannot be heard sends only the newest.
const MARKS_KEPT: usize = 64;
/// Bytes taken apart at once.
const HEARD_AT_ONCE: usize = 1_024;
/// How long a question is waited for. After it 8 192 zero bytes are tried once.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// The longest command that is completed with zero bytes after a loss. A printer's own limits of
/// a picture are beyond it, but zero bytes cost time on a slow line, and raw data is not ours.
const OWED_MAX: usize = 32 * 1024;
/// How long answers to an earlier question may still be under way.
const LATE: Duration = Duration::from_millis(500);

/// What a printer has shown that it can do; kept on the device's shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    /// It answers real-time questions.
    pub answers: Option<bool>,
    /// Questions in a row without an answer, while it has never answered.
    pub silent: u32,
    /// When the last of them was asked, in seconds of the cloud's clock.
    pub silent_since: i64,
    /// It answers process ids.
    pub process_ids: Option<bool>,
    /// It answers GS r.
    pub buffered: Option<bool>,
}

/// Harmless bytes: they put nothing on paper and change no document.
struct Harmlessly(&'static [u8]);

impl Exchange for Harmlessly {
    type Answer = ();
    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(self.0);
    }
    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<()>, Fault> {
        Ok(Some(()))
    }
}

/// The status burst asks. Automatic status only makes the printer talk. Zero bytes are nothing to
/// the text parser and white dots in a picture that an earlier connection left half sent.
/// "Recover and clear" acts only while an error is pending, and throws away what a failed job
/// left: it never prints.
impl Harmless for Harmlessly {}

/// One printer on one link.
#[derive(Debug)]
pub struct Printer {
    link: Link,
    replies: Replies,
    /// What it can do.
    pub known: Known,
    /// The newest status, pushed or asked for.
    pub status: Option<RealTimeStatus>,
    asked: RealTimeStatus,
    marks: VecDeque<[u8; 4]>,
    /// A mark came since the last look: late evidence, if nothing runs.
    marked: bool,
    /// The newest fence that was sent, and whether it came back.
    fence: Option<[u8; 4]>,
    drained: bool,
    buffered: u32,
    /// Bytes came that are no answer: what looks like one among them proves nothing.
    noise: bool,
    cleared: bool,
    held: bool,
    gone: bool,
    /// A question was being written when the future was dropped: the line is out of step.
    writing: bool,
    /// Bytes of a command the printer still waits for.
    owed: usize,
}

/// What a part met on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// All of it was taken.
    Taken,
    /// The printer says that it cannot print.
    Trouble(Condition),
    /// It took nothing for ten seconds and says nothing.
    Stalled,
}

impl Printer {
    /// A printer on a link.
    #[must_use]
    pub fn new(link: Link) -> Self {
        Self {
            link,
            replies: Replies::default(),
            known: Known::default(),
            status: None,
            asked: RealTimeStatus::default(),
            marks: VecDeque::new(),
            marked: false,
            fence: None,
            drained: false,
            buffered: 0,
            noise: false,
            cleared: false,
            held: false,
            gone: false,
            writing: false,
            owed: 0,
        }
    }

    /// The link's address.
    #[must_use]
    pub fn address(&self) -> &str {
        self.link.address()
    }

    /// Closes the line.
    pub async fn close(&mut self) {
        self.link.close().await;
        self.forget_line();
    }

    /// Opens the line and brings it into step: late answers are heard out or cut off.
    ///
    /// # Errors
    /// `LINK-UNREACHABLE`.
    pub async fn open(&mut self) -> Result<(), Fault> {
        if self.writing {
            self.close().await;
        }
        self.link.open().await?;
        if self.replies.outstanding() > 0 {
            let until = clock::now() + LATE;
            while self.replies.outstanding() > 0 && clock::now() < until {
                self.listen_until(until).await?;
            }
            if self.replies.outstanding() > 0 {
                self.close().await;
                self.link.open().await?;
            }
        }
        if self.listen(Duration::ZERO).await.is_err() {
            // The other side closed it while nothing ran: that is no trouble of this job.
            self.link.open().await?;
        }
        Ok(())
    }

    fn forget_line(&mut self) {
        self.replies.reset();
        self.status = None;
        self.held = false;
        self.gone = false;
        self.writing = false;
    }

    /// Hears for at most this long; returns as soon as something was said, and whether it was.
    ///
    /// # Errors
    /// `LINK-LOST`, `LINK-UNREACHABLE`.
    pub async fn listen(&mut self, within: Duration) -> Result<bool, Fault> {
        let said = match self.link.hear(within).await {
            Ok(said) => said,
            Err(fault) => {
                self.forget_line();
                return Err(fault);
            }
        };
        // In pieces: a device that talks without end has sent a megabyte by now.
        for piece in said.chunks(HEARD_AT_ONCE) {
            for reply in self.replies.take(piece) {
                self.note(reply);
            }
        }
        Ok(!said.is_empty())
    }

    /// The same up to a moment.
    ///
    /// # Errors
    /// `LINK-LOST`, `LINK-UNREACHABLE`.
    pub async fn listen_until(&mut self, until: Instant) -> Result<bool, Fault> {
        let within = until.saturating_duration_since(clock::now());
        self.listen(within).await
    }

    fn note(&mut self, reply: Reply) {
        match reply {
            Reply::Xon => self.held = false,
            Reply::Xoff => self.held = true,
            Reply::Automatic(block) => {
                self.known.answers = Some(true);
                self.status = Some(RealTimeStatus::from_automatic(block));
            }
            Reply::RealTime(question, byte) => {
                self.asked.note(question, byte);
                if self.replies.outstanding() == 0 {
                    self.status = Some(self.asked);
                }
            }
            Reply::Buffered(_) => self.buffered += 1,
            Reply::ProcessId(id) if Marks::is_fence(id) => {
                self.drained |= self.fence == Some(id);
            }
            Reply::ProcessId(id) => {
                if self.marks.len() >= MARKS_KEPT {
                    self.marks.pop_front();
                }
                self.marks.push_back(id);
                self.marked = true;
            }
            Reply::Cleared => self.cleared = true,
            Reply::PowerOff => self.gone = true,
            Reply::Stray(_) => self.noise = true,
            Reply::Identity(_) | Reply::OtherBlock(_) => {}
        }
    }

    /// Asks the four real-time questions in one burst and waits for all answers; `None` if the
    /// printer answered nothing.
    ///
    /// # Errors
    /// `LINK-LOST`, `LINK-UNREACHABLE`.
    pub async fn ask(&mut self, patience: Duration) -> Result<Option<RealTimeStatus>, Fault> {
        self.asked = RealTimeStatus::default();
        self.replies.asked();
        self.say(&command::STATUS_BURST).await?;
        let until = clock::now() + patience;
        let all = self.replies.outstanding();
        while self.replies.outstanding() > 0 {
            if clock::now() >= until {
                let partly = self.replies.outstanding() < all;
                self.replies.reset();
                if partly {
                    self.status = Some(self.asked);
                }
                return Ok(partly.then_some(self.asked));
            }
            self.listen_until(until).await?;
        }
        self.known.answers = Some(true);
        self.known.silent = 0;
        Ok(self.status)
    }

    /// Sends something harmless.
    ///
    /// # Errors
    /// The link's.
    pub async fn say(&mut self, bytes: &'static [u8]) -> Result<(), Fault> {
        self.writing = true;
        let said = self.link.say(Harmlessly(bytes)).await;
        self.writing = false;
        if said.is_err() {
            self.forget_line();
        }
        said
    }

    /// What keeps it from printing, by the newest status.
    #[must_use]
    pub fn trouble(&self) -> Option<Condition> {
        self.status.and_then(|status| status.trouble())
    }

    /// It told that it is being switched off.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Sends bytes of a job from `from` on, watching what the printer says meanwhile. Returns how
    /// many may have been taken in all, and what was met. A link that fails in the middle does not
    /// say how many it took: then all of them may have been.
    pub async fn send(
        &mut self,
        leave: Committed<'_>,
        bytes: &[u8],
        from: usize,
    ) -> (usize, Result<Met, Fault>) {
        let mut sent = from;
        let met = self.send_on(leave, bytes, &mut sent).await;
        let unsure = met.as_ref().is_err_and(|fault| !fault.has_no_effect());
        self.owed = if sent == 0 && !unsure {
            0
        } else {
            (bytes.len() - sent).min(OWED_MAX)
        };
        (if unsure { bytes.len() } else { sent }, met)
    }

    async fn send_on(
        &mut self,
        leave: Committed<'_>,
        bytes: &[u8],
        sent: &mut usize,
    ) -> Result<Met, Fault> {
        loop {
            if self.held {
                let until = clock::now() + Duration::from_secs(10);
                while self.held && clock::now() < until {
                    self.listen_until(until).await?;
                }
                if self.held {
                    return Ok(Met::Stalled);
                }
            }
            if let Some(condition) = self.trouble() {
                return Ok(Met::Trouble(condition));
            }
            if *sent == bytes.len() {
                return Ok(Met::Taken);
            }
            let taken = match self.link.act(leave, &bytes[*sent..]).await {
                Ok(taken) => taken,
                Err(fault) => {
                    self.forget_line();
                    return Err(fault);
                }
            };
            *sent += taken;
            if *sent < bytes.len() && !self.listen(Duration::ZERO).await? && taken == 0 {
                return Ok(Met::Stalled);
            }
        }
    }

    /// Sends bytes in real time or at the end of a job: what the printer says does not stop them.
    /// False if the line does not take them.
    ///
    /// # Errors
    /// The link's.
    pub async fn push(&mut self, leave: Committed<'_>, bytes: &[u8]) -> Result<bool, Fault> {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.link.act(leave, &bytes[sent..]).await {
                Ok(taken) => {
                    sent += taken;
                    let heard = sent < bytes.len() && self.listen(Duration::ZERO).await?;
                    if taken == 0 && !heard {
                        return Ok(false);
                    }
                }
                Err(fault) => {
                    self.forget_line();
                    return Err(fault);
                }
            }
        }
        Ok(true)
    }

    /// Throws away what the printer holds and has not printed. True if it says that it did.
    ///
    /// # Errors
    /// The link's.
    pub async fn purge(&mut self, leave: Committed<'_>) -> Result<bool, Fault> {
        self.cleared = false;
        self.push(leave, &command::CLEAR_BUFFERS).await?;
        let until = clock::now() + PATIENCE;
        while !self.cleared && clock::now() < until {
            self.listen_until(until).await?;
        }
        if self.cleared {
            self.owed = 0;
            return Ok(true);
        }
        let Some(status) = self.ask(PATIENCE).await? else {
            return Ok(false);
        };
        if !(status.cutter || status.recoverable) {
            return Ok(false);
        }
        self.push(leave, &command::RECOVER_AND_CLEAR).await?;
        let after = self.ask(PATIENCE).await?;
        let cleared = after.is_some_and(|status| !status.cutter && !status.recoverable);
        if cleared {
            self.owed = 0;
        }
        Ok(cleared)
    }

    /// Completes a picture that was left half sent, so that the next job's start is not taken for
    /// dots. Nothing is sent where nothing is owed.
    ///
    /// # Errors
    /// The link's.
    pub async fn complete_picture(&mut self) -> Result<(), Fault> {
        while self.owed > 0 {
            self.say(&command::UNWEDGE).await?;
            self.owed = self.owed.saturating_sub(command::UNWEDGE.len());
        }
        Ok(())
    }

    /// A picture of at most this many bytes may have been left half sent.
    pub fn may_owe(&mut self, bytes: usize) {
        self.owed = self.owed.max(bytes.min(OWED_MAX));
    }

    /// The highest count of an attempt's process ids heard since the last call. Those of other
    /// attempts are kept: they are late evidence of their own.
    pub fn take_marks(&mut self, of: Marks) -> Option<u32> {
        let mut highest = None;
        self.marks.retain(|id| match of.count(*id) {
            Some(count) => {
                highest = highest.max(Some(count));
                false
            }
            None => true,
        });
        highest
    }

    /// Sends a mark of no job behind everything that was sent, on whatever connection: the printer
    /// takes its bytes in order, so it answers after the last mark of an earlier job, if that
    /// one's turn still comes. Not while the printer asks for silence (XOFF).
    ///
    /// # Errors
    /// The link's.
    pub async fn send_fence(&mut self, leave: Committed<'_>) -> Result<(), Fault> {
        let id = Marks::fence();
        (self.fence, self.drained) = (Some(id), false);
        if self.held {
            return Ok(());
        }
        let bytes = command::process_id(id);
        if !self.push(leave, &bytes).await? {
            self.may_owe(bytes.len());
        }
        Ok(())
    }

    /// True if the fence came back: nothing sent before it waits to be taken.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.drained
    }

    /// True once after a mark was heard: somebody may have waited for it.
    pub fn heard_mark(&mut self) -> bool {
        std::mem::take(&mut self.marked)
    }

    /// Forgets answers to GS r, and noise: the question is asked anew.
    pub fn forget_buffered(&mut self) {
        self.buffered = 0;
        self.noise = false;
    }

    /// True if GS r was answered. The answer is a byte that noise may look like, so among noise
    /// there is none.
    #[must_use]
    pub fn is_buffered_answered(&self) -> bool {
        self.buffered > 0 && !self.noise
    }
}
