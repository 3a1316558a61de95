//! The five classes that every code of every fiscal device falls into, and what the worker makes
//! of them.

use driver_sdk::Fault;

/// What a device's code means for the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The device did nothing and recovers by itself.
    Wait,
    /// The device did nothing; a person must act.
    Operator,
    /// It will never work as it is.
    Stop,
    /// Nobody knows what happened.
    Doubt,
    /// A certified technician is needed.
    Service,
}

impl ErrorClass {
    /// The fault of this class. Before a commit it is what it says; after one it is a doubt unless
    /// the driver adds its proof ([`Fault::without_effect`]).
    #[must_use]
    pub fn fault(self, code: &str) -> Fault {
        match self {
            Self::Wait => Fault::transient(code),
            Self::Operator => Fault::operator(code),
            Self::Stop | Self::Service => Fault::permanent(code),
            Self::Doubt => Fault::in_doubt(code),
        }
    }

    /// True where the device needs a loud alarm and a technician.
    #[must_use]
    pub fn is_service(self) -> bool {
        self == Self::Service
    }
}
