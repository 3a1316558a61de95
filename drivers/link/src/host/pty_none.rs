//! Where the system has no pseudo-terminals.

use std::io;
use std::path::Path;
use std::sync::Arc;

use driver_sdk::VirtualDevice;
use tokio_util::sync::CancellationToken;

/// A hosted pseudo-terminal; there is none on this system.
#[derive(Debug)]
pub struct PseudoTerminal(std::convert::Infallible);

impl PseudoTerminal {
    /// What to open as a serial port.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self.0 {}
    }

    /// Waits until the hosting has ended, after its cancellation.
    pub async fn ended(self) {
        match self.0 {}
    }
}

/// Says what to use instead.
///
/// # Errors
/// Always: [`io::ErrorKind::Unsupported`].
pub fn serve_pty(
    _device: Arc<dyn VirtualDevice>,
    _cancel: CancellationToken,
) -> io::Result<PseudoTerminal> {
    let sentence = "there are no pseudo-terminals on Windows: use tcp";
    Err(io::Error::new(io::ErrorKind::Unsupported, sentence))
}
