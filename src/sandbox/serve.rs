//! The sandbox as a program: what the verb `sandbox` runs.

use super::{
    cloud::{Sandbox, SandboxOptions},
    device::DeviceKind,
};
use jiff::SignedDuration;
use std::{io, net::SocketAddr};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How the verb `sandbox` starts.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Where API, page and socket listen; the loopback interface only. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Devices the hotel has from the start; one of each kind if empty.
    pub devices: Vec<(DeviceKind, String)>,
    /// IANA name of the hotel's time zone; `None`: that of [`super::HotelOptions`].
    pub time_zone: Option<String>,
    /// How far the cloud's clock is ahead of this PC's.
    pub clock_offset: SignedDuration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8720)),
            devices: Vec::new(),
            time_zone: None,
            clock_offset: SignedDuration::ZERO,
        }
    }
}

/// The sandbox cannot start.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the sandbox on {address}")]
pub struct ServeError {
    /// Where it was to listen.
    pub address: SocketAddr,
    /// Why it cannot.
    #[source]
    pub cause: io::Error,
}

/// A sandbox that runs until it is cancelled; the caller prints the addresses and tokens.
#[derive(Debug)]
pub struct Serving {
    /// The sandbox.
    pub sandbox: Sandbox,
    /// Where a person opens the page.
    pub page: String,
}

impl Serving {
    /// Runs until `cancel` is cancelled, then stops the sandbox.
    pub async fn run(self, cancel: CancellationToken) {
        cancel.cancelled().await;
        self.sandbox.stop();
    }
}

/// Opens a sandbox for the verb `sandbox`.
///
/// # Errors
/// The address cannot be opened, or is not on the loopback interface.
pub async fn serve(options: ServeOptions) -> Result<Serving, ServeError> {
    let failed = |cause| ServeError {
        address: options.listen,
        cause,
    };
    if !options.listen.ip().is_loopback() {
        let text = "the sandbox has no protection; it listens on the loopback interface only";
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, text)));
    }
    let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
    let mut start = SandboxOptions {
        listener: Some(listener),
        one_port: true,
        clock_offset: options.clock_offset,
        ..SandboxOptions::default()
    };
    if let Some(zone) = options.time_zone {
        start.hotel.time_zone = zone;
    }
    let sandbox = Sandbox::start(start).await.map_err(|cause| ServeError {
        address: options.listen,
        cause,
    })?;
    let devices = if options.devices.is_empty() {
        one_of_each()
    } else {
        options.devices
    };
    for (kind, name) in devices {
        sandbox.add_device(kind, &name);
    }
    let page = format!("{}/", sandbox.platform_address());
    Ok(Serving { sandbox, page })
}

fn one_of_each() -> Vec<(DeviceKind, String)> {
    let named = [
        (DeviceKind::Printer, "Reception printer"),
        (DeviceKind::KeyCutter, "Reception encoder"),
        (DeviceKind::FiscalMachine, "Fiscal printer"),
        (DeviceKind::PaymentTerminal, "Card terminal"),
        (DeviceKind::PassportScanner, "Passport scanner"),
    ];
    named.map(|(kind, name)| (kind, name.to_owned())).into()
}
