//! The status bytes: six or eight, bit 7 always set.

use driver_fiscal::class::ErrorClass;
use driver_sdk::Fault;

use crate::frame::Dialect;

/// The status bytes of one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    dialect: Dialect,
    bytes: Vec<u8>,
}

impl Status {
    /// The bytes as they came.
    #[must_use]
    pub fn new(dialect: Dialect, bytes: &[u8]) -> Self {
        Self {
            dialect,
            bytes: bytes.to_vec(),
        }
    }

    fn bit(&self, byte: usize, bit: u8) -> bool {
        self.bytes
            .get(byte)
            .is_some_and(|value| value & 1 << bit != 0)
    }

    /// The command was not understood: unknown, or its syntax is wrong. Nothing was done.
    #[must_use]
    pub fn not_understood(&self) -> bool {
        self.bit(0, 1) || self.bit(0, 0)
    }

    /// The command is not permitted now, or a sum overflowed.
    #[must_use]
    pub fn not_permitted(&self) -> bool {
        self.bit(1, 1) || self.bit(1, 0)
    }

    /// A fiscal receipt is open.
    #[must_use]
    pub fn fiscal_open(&self) -> bool {
        self.bit(2, 3)
    }

    /// A non-fiscal receipt is open.
    #[must_use]
    pub fn other_open(&self) -> bool {
        self.bit(2, 5)
    }

    /// What must be put right before a sale, worst first.
    #[must_use]
    pub fn blocker(&self) -> Option<Fault> {
        let fault = |class: ErrorClass, code: &str| Some(class.fault(code));
        if self.bytes.len() < 6 {
            return fault(ErrorClass::Wait, "DATECS-STATUS");
        }
        let (old, x) = (!self.dialect.is_x(), self.dialect.is_x());
        if self.bit(4, 0) || self.bit(4, 4) || (old && self.bit(5, 0)) {
            return fault(ErrorClass::Service, "DATECS-MEMORY");
        }
        if (x && self.bit(4, 6)) || (old && self.bit(5, 2)) {
            return fault(ErrorClass::Service, "DATECS-MEMORY");
        }
        if self.bit(2, 2) {
            return fault(ErrorClass::Service, "DATECS-JOURNAL-FULL");
        }
        if self.bit(0, 4) {
            return fault(ErrorClass::Service, "DATECS-MECHANISM");
        }
        let set = [(4, 1), (4, 2), (5, 3), (5, 4)];
        if set.iter().any(|(byte, bit)| !self.bit(*byte, *bit)) || (x && !self.bit(5, 1)) {
            return fault(ErrorClass::Service, "DATECS-NOT-FISCAL");
        }
        if old && self.bit(1, 2) {
            return fault(ErrorClass::Service, "DATECS-RESET");
        }
        if self.bit(2, 0) {
            return fault(ErrorClass::Operator, "DATECS-PAPER");
        }
        if self.bit(0, 6) {
            return fault(ErrorClass::Operator, "DATECS-COVER");
        }
        if old && self.bit(4, 6) {
            return fault(ErrorClass::Operator, "DATECS-HEAD-HOT");
        }
        if self.bit(0, 2) {
            return fault(ErrorClass::Operator, "DATECS-CLOCK-UNSET");
        }
        None
    }

    /// What is worth a warning, with its code.
    #[must_use]
    pub fn warning(&self) -> Option<Fault> {
        if self.bit(4, 3) {
            return Some(Fault::operator("DATECS-MEMORY-NEAR"));
        }
        if self.bit(2, 4) || (!self.dialect.is_x() && self.bit(2, 6)) {
            return Some(Fault::operator("DATECS-JOURNAL-NEAR"));
        }
        if self.bit(2, 1) {
            return Some(Fault::operator("DATECS-PAPER-NEAR"));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [u8; 8] = [0x80, 0x80, 0x80, 0x80, 0x86, 0x9A, 0x80, 0x80];

    fn with(byte: usize, bit: u8) -> Status {
        let mut bytes = GOOD;
        bytes[byte] |= 1 << bit;
        Status::new(Dialect::X, &bytes)
    }

    #[test]
    fn the_sheets_good_status_blocks_nothing() {
        let good = Status::new(Dialect::X, &GOOD);
        assert!(good.blocker().is_none() && good.warning().is_none());
        assert!(!good.fiscal_open() && !good.not_understood());
        assert!(Status::new(Dialect::OldP, &GOOD[..6]).blocker().is_none());
        let open = [0x80, 0x80, 0x88, 0x80, 0x86, 0x9A, 0x80, 0x80];
        assert!(Status::new(Dialect::X, &open).fiscal_open());
    }

    #[test]
    fn every_bit_that_blocks_has_its_code() {
        for (byte, bit, code) in [
            (0, 6, "DATECS-COVER"),
            (0, 4, "DATECS-MECHANISM"),
            (0, 2, "DATECS-CLOCK-UNSET"),
            (2, 0, "DATECS-PAPER"),
            (2, 2, "DATECS-JOURNAL-FULL"),
            (4, 0, "DATECS-MEMORY"),
            (4, 4, "DATECS-MEMORY"),
            (4, 6, "DATECS-MEMORY"),
        ] {
            let fault = with(byte, bit).blocker().expect("blocks");
            assert_eq!(fault.code(), code, "{byte}.{bit}");
        }
        let mut unfiscal = GOOD;
        unfiscal[5] = 0x80;
        let fault = Status::new(Dialect::X, &unfiscal)
            .blocker()
            .expect("blocks");
        assert_eq!(fault.code(), "DATECS-NOT-FISCAL");
    }

    #[test]
    fn the_bits_of_the_older_dialect_have_their_codes() {
        for (byte, bit, code) in [
            (1, 2, "DATECS-RESET"),
            (4, 6, "DATECS-HEAD-HOT"),
            (5, 0, "DATECS-MEMORY"),
            (5, 2, "DATECS-MEMORY"),
        ] {
            let mut bytes = GOOD[..6].to_vec();
            bytes[byte] |= 1 << bit;
            let status = Status::new(Dialect::OldP, &bytes);
            assert_eq!(
                status.blocker().expect("blocks").code(),
                code,
                "{byte}.{bit}"
            );
        }
        let mut bytes = GOOD[..6].to_vec();
        bytes[2] |= 1 << 6;
        let near = Status::new(Dialect::OldC, &bytes).warning().expect("near");
        assert_eq!(near.code(), "DATECS-JOURNAL-NEAR");
    }

    #[test]
    fn what_comes_near_is_a_warning() {
        for (byte, bit) in [(2, 1), (2, 4), (4, 3)] {
            assert!(with(byte, bit).blocker().is_none());
            assert!(with(byte, bit).warning().is_some(), "{byte}.{bit}");
        }
    }

    #[test]
    fn a_short_status_is_not_taken_for_a_good_one() {
        assert!(Status::new(Dialect::OldP, &[0x80]).blocker().is_some());
    }
}
