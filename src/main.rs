//! Nightporter: arguments, the drivers of this build, and off it goes. The only file that knows
//! which drivers are shipped.

use std::process::ExitCode;
use std::sync::Arc;

use nightporter::cli;
use nightporter::config::Build;

fn main() -> ExitCode {
    let build = Build {
        kinds: driver_bundle::KINDS,
        dials: Arc::new(driver_link::Dialers::new()),
    };
    cli::main(std::env::args_os(), &build).into()
}
