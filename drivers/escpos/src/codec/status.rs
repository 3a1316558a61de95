//! Status bits, decoded into what a person can act on.

/// Which real-time question (DLE EOT n).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RealTime {
    /// n = 1.
    Printer,
    /// n = 2.
    OfflineCause,
    /// n = 3.
    ErrorCause,
    /// n = 4.
    Paper,
}

impl RealTime {
    /// The four, in the order in which the burst asks them.
    pub const BURST: [Self; 4] = [
        Self::Printer,
        Self::OfflineCause,
        Self::ErrorCause,
        Self::Paper,
    ];
}

/// What is known of the printer from its status bits. Near end reads false where no sensor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RealTimeStatus {
    /// Not taking data.
    pub offline: bool,
    /// The cover is open.
    pub cover_open: bool,
    /// The feed button is held.
    pub feeding: bool,
    /// No paper.
    pub paper_out: bool,
    /// The roll comes to its end.
    pub near_end: bool,
    /// The cutter is stuck.
    pub cutter: bool,
    /// A mechanical error that DLE ENQ can end once it is put right.
    pub recoverable: bool,
    /// Switch it off and on.
    pub unrecoverable: bool,
    /// Ends by itself: the head is too hot.
    pub hot: bool,
    /// An error of a kind this byte does not name.
    pub error: bool,
}

/// What the same bits look like in an automatic status block (GS a).
pub type AutomaticStatus = RealTimeStatus;

/// What is wrong, the most useful thing to tell first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// The cover is open.
    CoverOpen,
    /// No paper.
    PaperOut,
    /// The cutter is stuck.
    Cutter,
    /// Switch it off and on.
    Unrecoverable,
    /// A mechanical error, such as a paper jam.
    Mechanical,
    /// The head is too hot; it goes on by itself.
    Hot,
    /// Somebody holds the feed button.
    Feeding,
    /// Offline without a cause we can name.
    Offline,
}

fn bit(byte: u8, n: u8) -> bool {
    byte & (1 << n) != 0
}

impl RealTimeStatus {
    /// Takes in the answer to one real-time question.
    pub fn note(&mut self, question: RealTime, byte: u8) {
        match question {
            RealTime::Printer => {
                self.offline = bit(byte, 3);
                self.feeding |= bit(byte, 6);
            }
            RealTime::OfflineCause => {
                self.cover_open = bit(byte, 2);
                self.feeding |= bit(byte, 3);
                self.paper_out |= bit(byte, 5);
                self.error = bit(byte, 6);
            }
            RealTime::ErrorCause => {
                self.recoverable = bit(byte, 2);
                self.cutter = bit(byte, 3);
                self.unrecoverable = bit(byte, 5);
                self.hot = bit(byte, 6);
            }
            RealTime::Paper => {
                // Any bit of a pair: one maker uses the two bits for two sensors.
                self.near_end = byte & 0x0C != 0;
                self.paper_out |= byte & 0x60 != 0;
            }
        }
    }

    /// The four bytes of an automatic status block.
    #[must_use]
    pub fn from_automatic(block: [u8; 4]) -> Self {
        let [first, second, third, _] = block;
        Self {
            offline: bit(first, 3),
            cover_open: bit(first, 5),
            feeding: bit(first, 6),
            recoverable: bit(second, 2),
            cutter: bit(second, 3),
            unrecoverable: bit(second, 5),
            hot: bit(second, 6),
            near_end: third & 0x03 != 0,
            paper_out: third & 0x0C != 0,
            error: false,
        }
    }

    /// What keeps it from printing; `None` if it is ready.
    #[must_use]
    pub fn trouble(&self) -> Option<Condition> {
        let found = [
            (self.cover_open, Condition::CoverOpen),
            (self.cutter, Condition::Cutter),
            (self.unrecoverable, Condition::Unrecoverable),
            (self.recoverable, Condition::Mechanical),
            (self.paper_out, Condition::PaperOut),
            (self.hot, Condition::Hot),
            (self.feeding, Condition::Feeding),
            (self.offline || self.error, Condition::Offline),
        ];
        found
            .into_iter()
            .find_map(|(is, condition)| is.then_some(condition))
    }

    /// DLE ENQ may end it.
    #[must_use]
    pub fn is_recoverable(&self) -> bool {
        (self.cutter || self.recoverable) && !self.cover_open && !self.unrecoverable
    }
}
