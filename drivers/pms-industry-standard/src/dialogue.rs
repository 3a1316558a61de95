//! The order of one command: ENQ until ACK, the message until ACK, then its result. Pure: what
//! happened in, what to do next out.
//!
//! Until the message is accepted, a NAK is proof that nothing was executed. After it, silence is
//! not: a message is sent again only after an explicit NAK.

/// How often things are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// ENQs before the lock system counts as busy.
    pub enquiries_max: u32,
    /// Sendings of the message, each after a NAK to the one before.
    pub sendings_max: u32,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// ACK was read.
    Ack,
    /// NAK was read.
    Nak,
    /// Nothing came in time.
    Silence,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send ENQ, after a short rest if one was sent before.
    Enquire {
        /// An ENQ was answered with NAK or not at all.
        again: bool,
    },
    /// Send the message. Only with leave to act.
    Send,
    /// Wait for the result.
    Listen,
    /// It ends here.
    End(End),
}

/// How it ends before a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// No ENQ was answered with ACK: nothing was sent.
    NotReady {
        /// The peer said NAK at least once: busy, and alive.
        heard: bool,
    },
    /// Every sending was answered with NAK: nothing was executed.
    NotAccepted,
    /// The message got no answer: the lock system may have it.
    NoAcceptance,
}

/// One command under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialogue {
    patience: Patience,
    enquiries: u32,
    sendings: u32,
    heard: bool,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Enquired,
    Sent,
    Over,
}

impl Dialogue {
    /// A new command; the first step is to send ENQ.
    #[must_use]
    pub fn begin(patience: Patience) -> (Self, Step) {
        let dialogue = Self {
            patience,
            enquiries: 1,
            sendings: 0,
            heard: false,
            stage: Stage::Enquired,
        };
        (dialogue, Step::Enquire { again: false })
    }

    /// What to do after an event.
    pub fn on(&mut self, event: Event) -> Step {
        match (self.stage, event) {
            (Stage::Enquired, Event::Ack) => {
                self.stage = Stage::Sent;
                self.sendings += 1;
                Step::Send
            }
            (Stage::Enquired, Event::Nak | Event::Silence) => {
                self.heard |= event == Event::Nak;
                self.enquire_again()
            }
            (Stage::Sent, Event::Ack) => {
                self.stage = Stage::Over;
                Step::Listen
            }
            (Stage::Sent, Event::Nak) if self.sendings < self.patience.sendings_max => {
                self.heard = true;
                self.stage = Stage::Enquired;
                self.enquiries = 1;
                Step::Enquire { again: true }
            }
            (Stage::Sent, Event::Nak) => self.end(End::NotAccepted),
            (Stage::Sent, Event::Silence) => self.end(End::NoAcceptance),
            (Stage::Over, Event::Ack | Event::Nak | Event::Silence) => Step::Listen,
        }
    }

    fn enquire_again(&mut self) -> Step {
        if self.enquiries < self.patience.enquiries_max {
            self.enquiries += 1;
            Step::Enquire { again: true }
        } else if self.sendings > 0 {
            self.end(End::NotAccepted)
        } else {
            self.end(End::NotReady { heard: self.heard })
        }
    }

    fn end(&mut self, end: End) -> Step {
        self.stage = Stage::Over;
        Step::End(end)
    }
}

#[cfg(test)]
mod tests;
