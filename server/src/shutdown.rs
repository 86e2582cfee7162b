use tokio::sync::watch;

/// How far a shutdown has got. It only moves on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Draining { reason: String },
    Aborting,
}

/// Asks a server to stop. Clones stop the same server.
#[derive(Clone, Debug)]
pub struct ShutdownHandle(watch::Sender<Stage>);

/// The stop signal of a server. If all of its handles are dropped, it never comes.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<Stage>);

/// A stop signal, and the handle that sends it.
pub fn shutdown() -> (ShutdownHandle, Shutdown) {
    let (sender, receiver) = watch::channel(Stage::Running);
    (ShutdownHandle(sender), Shutdown(receiver))
}

impl ShutdownHandle {
    /// Asks the server to end in order. Only the first `reason` is reported.
    pub fn drain(&self, reason: impl Into<String>) {
        self.0.send_if_modified(|stage| {
            let is_first = *stage == Stage::Running;
            if is_first {
                *stage = Stage::Draining { reason: reason.into() };
            }
            is_first
        });
    }

    /// Asks the server to end at once.
    pub fn abort(&self) {
        self.0.send_replace(Stage::Aborting);
    }
}

impl Shutdown {
    /// Waits until the server is to end, and returns the reason; `None` if it is to end at once.
    pub async fn requested(&mut self) -> Option<String> {
        match self.wait_for(|stage| *stage != Stage::Running).await {
            Stage::Draining { reason } => Some(reason),
            Stage::Running | Stage::Aborting => None,
        }
    }

    /// Waits until the server is to end at once.
    pub async fn aborted(&mut self) {
        self.wait_for(|stage| *stage == Stage::Aborting).await;
    }

    async fn wait_for(&mut self, is_reached: impl FnMut(&Stage) -> bool) -> Stage {
        if let Ok(stage) = self.0.wait_for(is_reached).await {
            return stage.clone();
        }
        // No handle is left to ask for it.
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn drains_for_the_first_reason_and_then_aborts() {
        let (handle, mut shutdown) = shutdown();
        assert_eq!(shutdown.requested().now_or_never(), None);
        handle.drain("first");
        handle.clone().drain("second");
        assert_eq!(shutdown.requested().await.as_deref(), Some("first"));
        assert_eq!(shutdown.aborted().now_or_never(), None);
        handle.abort();
        handle.drain("late");
        shutdown.aborted().await;
        assert_eq!(shutdown.requested().await, None);
    }

    #[tokio::test]
    async fn an_abort_need_not_be_preceded_by_a_drain() {
        let (handle, mut shutdown) = shutdown();
        handle.abort();
        assert_eq!(shutdown.requested().await, None);
        shutdown.aborted().await;
    }

    #[tokio::test]
    async fn never_comes_when_all_handles_are_dropped() {
        let (handle, mut shutdown) = shutdown();
        drop(handle);
        assert_eq!(shutdown.requested().now_or_never(), None);
        assert_eq!(shutdown.aborted().now_or_never(), None);
    }
}
