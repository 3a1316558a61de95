//! How a person, the service manager or the system asks this process to end. One half for each
//! system; both are heard from the moment they are made.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{self, CtrlBreak, CtrlC, CtrlClose, CtrlShutdown};

/// Ctrl+C, and what a service manager sends.
#[cfg(unix)]
pub(super) struct EndSignal {
    pressed: Signal,
    terminated: Signal,
}

#[cfg(unix)]
impl EndSignal {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            pressed: signal(SignalKind::interrupt())?,
            terminated: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn comes(mut self) {
        tokio::select! {
            biased;
            _ = self.pressed.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }
}

/// Ctrl+C, Ctrl+Break, a console window that is closed, the end of Windows itself. The last two
/// leave a few seconds; what has not ended by then is left as by a power cut. That somebody logs
/// off ends no service.
#[cfg(windows)]
pub(super) struct EndSignal {
    pressed: CtrlC,
    broken: CtrlBreak,
    closed: CtrlClose,
    shut_down: CtrlShutdown,
}

#[cfg(windows)]
impl EndSignal {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            pressed: windows::ctrl_c()?,
            broken: windows::ctrl_break()?,
            closed: windows::ctrl_close()?,
            shut_down: windows::ctrl_shutdown()?,
        })
    }

    pub(super) async fn comes(mut self) {
        tokio::select! {
            biased;
            _ = self.pressed.recv() => {}
            _ = self.broken.recv() => {}
            _ = self.closed.recv() => {}
            _ = self.shut_down.recv() => {}
        }
    }
}
