//! Tasks whose panics are reported.

use std::{any::Any, fmt::Display, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A group of tasks. Clones are handles to the same group.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    failed: CancellationToken,
    stopped: CancellationToken,
}

impl Tasks {
    /// A new group that can be waited for separately. If a critical task of it panics, this group
    /// [has failed](Self::failed) too.
    #[must_use]
    pub fn group(&self) -> Self {
        Self { tracker: TaskTracker::new(), ..self.clone() }
    }

    /// Runs `task`. If it panics, that is reported, and the other tasks go on.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(catch_panic(name, task));
    }

    /// Runs `task`, without which the server cannot go on, until it ends or is [stopped](Self::stop).
    /// If it panics, [`Self::failed`] returns.
    pub fn spawn_critical(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let (failed, stopped) = (self.failed.clone(), self.stopped.clone());
        self.tracker.spawn(async move {
            let outcome = stopped.run_until_cancelled(catch_panic(name, task)).await;
            if outcome.is_some_and(|outcome| outcome.is_none()) {
                failed.cancel();
            }
        });
    }

    /// The same for a `task` that may fail: then that is logged, and [`Self::failed`] returns.
    pub fn spawn_critical_fallible<E: Display>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let failed = self.failed.clone();
        self.spawn_critical(name, async move {
            if let Err(error) = task.await {
                tracing::error!(task = name, %error, "a task has failed");
                failed.cancel();
            }
        });
    }

    /// Waits until all tasks of this group have ended. No task may be spawned from then on.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Drops the critical tasks of all groups, as they are.
    pub fn stop(&self) {
        self.stopped.cancel();
    }

    /// Waits until a critical task has panicked or failed.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }
}

/// The output of `task`; `None` if it panicked, which is logged under `name`.
///
/// This is not an `async fn`, whose future would have room for `task` twice: as an argument, and
/// where it is polled.
pub fn catch_panic<T>(
    name: &'static str,
    task: impl Future<Output = T>,
) -> impl Future<Output = Option<T>> {
    AssertUnwindSafe(task).catch_unwind().map(move |outcome| match outcome {
        Ok(value) => Some(value),
        Err(panic) => {
            tracing::error!(
                task = name,
                panic = panic_message(&*panic),
                "a task has panicked, which is a bug"
            );
            None
        }
    })
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_one_task_does_not_affect_the_others() {
        let tasks = Tasks::default();
        tasks.spawn("one", async { panic!("on purpose") });
        tasks.spawn("two", async {});
        tasks.ended().await;
        assert!(!tasks.failed.is_cancelled());
    }

    #[tokio::test]
    async fn a_panic_of_a_critical_task_fails_all_groups() {
        let tasks = Tasks::default();
        tasks.group().spawn_critical("one", async { panic!("on purpose") });
        tasks.failed().await;
    }

    #[tokio::test]
    async fn a_failure_of_a_critical_task_fails_all_groups() {
        let tasks = Tasks::default();
        tasks.group().spawn_critical_fallible("one", async { Ok::<_, &str>(()) });
        tasks.group().spawn_critical_fallible("two", async { Err("on purpose") });
        tasks.failed().await;
    }
}
