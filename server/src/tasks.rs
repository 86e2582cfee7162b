//! Tasks that do not fail unseen.

use std::{any::Any, fmt::Display, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tasks of a server.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    broken: CancellationToken,
}

impl Tasks {
    /// Other tasks, to be waited for apart from these. If a vital one of them panics, these are
    /// [broken](Self::broken) too.
    #[must_use]
    pub fn group(&self) -> Self {
        Self { tracker: TaskTracker::new(), broken: self.broken.clone() }
    }

    /// Runs `task`. If it panics, that is reported, and the others go on.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(caught(name, task));
    }

    /// Runs `task`, without which there is no server: if it panics, [`Self::broken`] says so.
    pub fn spawn_critical(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let broken = self.broken.clone();
        self.tracker.spawn(async move {
            if caught(name, task).await.is_none() {
                broken.cancel();
            }
        });
    }

    /// Runs `task`, without which there is no server: if it fails or panics, that is reported, and
    /// [`Self::broken`] says so.
    pub fn spawn_critical_fallible<E: Display>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let broken = self.broken.clone();
        self.spawn_critical(name, async move {
            if let Err(error) = task.await {
                tracing::error!(task = name, %error, "a task has failed");
                broken.cancel();
            }
        });
    }

    /// Waits until all tasks have ended. There are to be no new ones.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Waits until a vital task has panicked.
    pub async fn broken(&self) {
        self.broken.cancelled().await;
    }
}

/// What `task` gives; `None` if it panicked, which is reported under `name`.
///
/// It is no `async fn`, which would have room for `task` twice: once as its argument, and once where
/// it is run.
pub fn caught<T>(
    name: &'static str,
    task: impl Future<Output = T>,
) -> impl Future<Output = Option<T>> {
    AssertUnwindSafe(task).catch_unwind().map(move |outcome| match outcome {
        Ok(value) => Some(value),
        Err(panic) => {
            tracing::error!(
                task = name,
                panic = message(&*panic),
                "a task has panicked, which is a bug"
            );
            None
        }
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_leaves_the_others_alone() {
        let tasks = Tasks::default();
        tasks.spawn("one", async { panic!("on purpose") });
        tasks.spawn("two", async {});
        tasks.ended().await;
        assert!(!tasks.broken.is_cancelled());
    }

    #[tokio::test]
    async fn a_vital_task_that_panics_is_noticed() {
        let tasks = Tasks::default();
        tasks.group().spawn_critical("one", async { panic!("on purpose") });
        tasks.broken().await;
    }

    #[tokio::test]
    async fn a_critical_task_that_fails_is_noticed() {
        let tasks = Tasks::default();
        tasks.group().spawn_critical_fallible("one", async { Ok::<_, &str>(()) });
        tasks.group().spawn_critical_fallible("two", async { Err("on purpose") });
        tasks.broken().await;
    }
}
