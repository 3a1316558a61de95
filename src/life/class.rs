//! What differs by the class of a device: ages, deadlines, repeats. PRODUCT defaults, each
//! settable per device.

use std::time::Duration;

use driver_sdk::Class;

/// The rules of one device: its class's, with the settings of the config applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The class they come from.
    pub class: Class,
    /// The age at which a command is no longer executed; `None`: never too old.
    pub expires: Option<Duration>,
    /// The longest silence of one step, and how long a doubt is asked about.
    pub deadline: Duration,
    /// How long a person has.
    pub operator_wait: Duration,
    /// One repeat, marked REPEAT, of paper in doubt.
    pub repeat_in_doubt: bool,
    /// Attempts that may commit, where the device proves that nothing happened.
    pub attempts_max: u32,
}

impl Rules {
    /// The defaults of a class.
    #[must_use]
    pub fn of(class: Class) -> Self {
        const MINUTE: u64 = 60;
        let (expires, deadline, operator_wait, attempts_max) = match class {
            // A guest takes the bill along; within a shift it is still wanted.
            Class::Printer => (Some(8 * 60 * MINUTE), 5 * MINUTE, MINUTE, 3),
            // A guest who waited a quarter of an hour has got a key some other way.
            Class::KeyCutter => (Some(15 * MINUTE), 90, 90, 1),
            // A sale stays taxable, however old the command.
            Class::FiscalMachine => (None, 3 * MINUTE, 15 * MINUTE, 2),
            // The guest at the terminal has walked away.
            Class::PaymentTerminal => (Some(2 * MINUTE), 3 * MINUTE, 3 * MINUTE, 1),
            Class::PassportScanner => (Some(10 * MINUTE), MINUTE, MINUTE, 1),
        };
        Self {
            class,
            expires: expires.map(Duration::from_secs),
            deadline: Duration::from_secs(deadline),
            operator_wait: Duration::from_secs(operator_wait),
            repeat_in_doubt: false,
            attempts_max,
        }
    }
}
