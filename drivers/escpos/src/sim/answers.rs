//! What the printer says: status bits, blocks, and what faults do to them on the way out.

use tokio::time::Instant;

use super::machine::Machine;
use super::switches::{Deaf, Mute, Purge};

/// Answers nobody takes are kept up to here; older process ids give way to newer ones first.
const UNREAD_MAX: usize = 256;
/// From here on only the newest process id is kept (GS ( H: "the last one is transmitted").
const BUSY_ANSWERS: usize = 16;
/// Bytes no ESC/POS answer starts with, and an XON and a NUL among them.
pub(super) const GARBAGE: &[u8] = &[0xff, 0x00, 0xa5, 0x11, 0xc0, 0x80];

impl Machine {
    pub(super) fn is_offline(&self) -> bool {
        let faults = &self.faults;
        let by_hand = faults.cover_open || faults.offline || faults.feed_button;
        let by_itself = faults.paper_out() || faults.hot;
        by_hand || by_itself || faults.cutter_error || faults.defect
    }

    fn near_end(&self) -> bool {
        let faults = &self.faults;
        self.options.near_end_sensor && (faults.paper_out() || faults.near_end)
    }

    /// DLE EOT n.
    pub(super) fn status(&self, n: u8) -> u8 {
        let faults = &self.faults;
        let bits = match n {
            1 => bit(3, self.is_offline()) | bit(6, faults.feed_button),
            2 => {
                let error = faults.cutter_error || faults.defect || faults.hot;
                bit(2, faults.cover_open)
                    | bit(3, faults.feed_button)
                    | bit(5, faults.paper_out())
                    | bit(6, error)
            }
            3 => bit(3, faults.cutter_error) | bit(5, faults.defect) | bit(6, faults.hot),
            _ => (bit(2, self.near_end()) * 3) | (bit(5, faults.paper_out()) * 3),
        };
        0x12 | bits
    }

    /// The four bytes of GS a.
    pub(super) fn automatic_status(&self) -> [u8; 4] {
        let faults = &self.faults;
        [
            0x10 | bit(3, self.is_offline())
                | bit(5, faults.cover_open)
                | bit(6, faults.feed_button),
            bit(3, faults.cutter_error) | bit(5, faults.defect) | bit(6, faults.hot),
            (bit(0, self.near_end()) * 3) | (bit(2, faults.paper_out()) * 3),
            0,
        ]
    }

    /// Pushes the status when something that was asked for has changed.
    pub(super) fn tell_changes(&mut self, now: Instant) {
        let (new, old) = (self.automatic_status(), self.told_status);
        let online = self.auto_status & 0x02 != 0 && (new[0] ^ old[0]) & 0x68 != 0;
        let error = self.auto_status & 0x04 != 0 && new[1] != old[1];
        let paper = self.auto_status & 0x08 != 0 && new[2] != old[2];
        if online || error || paper {
            self.answer(new.to_vec(), now);
        }
        self.told_status = new;
    }

    /// GS r: the parser has come this far.
    pub(super) fn answer_buffered(&mut self, n: u8, now: Instant) {
        match n {
            1 | 49 => {
                let byte = bit(0, self.near_end()) * 3;
                self.answer(vec![byte], now);
            }
            2 | 50 => self.answer(vec![0], now),
            _ => {}
        }
    }

    /// GS I.
    pub(super) fn answer_identity(&mut self, n: u8, now: Instant) {
        let text = match n {
            1 | 49 => return self.answer(vec![0x20], now),
            2 | 50 => return self.answer(vec![0x02], now),
            65 => "1.00 SIM",
            66 => &self.options.maker,
            67 => &self.options.model,
            68 => "SIM0000001",
            _ => return,
        };
        let block = [&[0x5f], text.as_bytes(), &[0]].concat();
        self.answer(block, now);
    }

    /// GS ( H: everything before this mark is on paper.
    pub(super) fn answer_process_id(&mut self, id: [u8; 4], now: Instant) {
        if self.faults.lose_ids > 0 {
            if self.faults.lose_ids != u32::MAX {
                self.faults.lose_ids -= 1;
            }
            let id = String::from_utf8_lossy(&id).into_owned();
            return self.say(format!("the answer to process id {id} got lost"));
        }
        if self.out.len() >= BUSY_ANSWERS {
            self.out.retain(|answer| !answer.starts_with(&[0x37, 0x22]));
        }
        self.answer([&[0x37, 0x22], &id[..], &[0]].concat(), now);
    }

    /// Says something, unless a fault keeps it from being heard.
    pub(super) fn answer(&mut self, bytes: Vec<u8>, now: Instant) {
        let deaf = match self.faults.deaf {
            Deaf::No => false,
            Deaf::Yes => true,
            Deaf::Until(end) => now < end,
        };
        let mute = matches!(self.faults.mute, Mute::Hung | Mute::Silent);
        if deaf || mute || !self.options.answers || self.faults.power_off {
            return;
        }
        if self.faults.garbage {
            self.push_out(GARBAGE.to_vec());
        }
        self.push_out(bytes);
    }

    pub(super) fn push_out(&mut self, bytes: Vec<u8>) {
        if self.out.len() >= UNREAD_MAX {
            self.out.pop_front();
        }
        self.out.push_back(bytes);
    }

    /// XOFF when little room is left, XON when most of it is back.
    pub(super) fn flow(&mut self) {
        if !self.options.xon_xoff {
            return;
        }
        let full = self.received.len() + 256 >= self.options.buffer;
        let drained = !full && self.received.len() * 2 <= self.options.buffer;
        if full && !self.xoff {
            self.xoff = true;
            self.push_out(vec![0x13]);
        } else if drained && self.xoff {
            self.xoff = false;
            self.push_out(vec![0x11]);
        }
    }

    /// Would a purge be honoured now?
    pub(super) fn purges(&self) -> bool {
        match self.faults.purge {
            Purge::Honoured => true,
            Purge::Ignored => false,
            Purge::NotWithoutPaper => !self.faults.paper_out(),
        }
    }
}

fn bit(n: u8, on: bool) -> u8 {
    u8::from(on) << n
}
