use std::convert::Infallible;

use tribune_cli::Signals;

use crate::shutdown::ShutdownHandle;

/// Drains a server at the first of `signals`, when `on_drain` is called too, and aborts it at the
/// second.
pub async fn shut_down_on_signals(
    mut signals: Signals,
    server: &ShutdownHandle,
    on_drain: impl FnOnce(),
) -> Infallible {
    let signal = signals.next_stop().await;
    server.drain(signal.reason());
    on_drain();
    signals.next_stop().await;
    server.abort();
    std::future::pending().await
}
