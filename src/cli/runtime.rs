//! The runtime of verbs that wait for something, and how a person ends them.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::end_signal::EndSignal;
use super::exit::Exit;

/// Runs a verb to its end.
pub(super) fn block_on(context: &Context, verb: impl Future<Output = Exit>) -> Exit {
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(verb),
        Err(cause) => {
            context.out.remark(format_args!(
                "this PC gives the program no threads: {cause}"
            ));
            Exit::Unavailable
        }
    }
}

/// Cancelled when a person (Ctrl+C), the service manager or the system asks the process to end.
pub(super) fn stop_asked() -> CancellationToken {
    let stop = CancellationToken::new();
    let asked = stop.clone();
    match EndSignal::listen() {
        Ok(signal) => {
            tokio::spawn(async move {
                signal.comes().await;
                asked.cancel();
            });
        }
        Err(error) => {
            tracing::error!(error = %error, "A wish to stop is not heard; it ends this process at once");
        }
    }
    stop
}
