//! The runtime of verbs that wait for something, and how a person ends them.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use super::context::Context;
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

/// Cancelled when a person (Ctrl+C) or the service manager asks the process to end.
pub(super) fn stop_asked() -> CancellationToken {
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        end_signal().await;
        asked.cancel();
    });
    stop
}

#[cfg(unix)]
async fn end_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
async fn end_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
