//! Going down in order: a soft stop asks everyone to finish, a hard stop ends what has not. Tasks are owned, so that
//! nothing outlives the service unnoticed.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The two stops and the tasks they are for. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Drain: finish, say goodbye, take nothing new.
    pub soft: CancellationToken,
    /// Cut: end at once.
    pub hard: CancellationToken,
    /// Tasks to wait for before the process ends.
    pub tasks: TaskTracker,
    failed: Arc<AtomicBool>,
}

impl Lifecycle {
    /// Asks everyone to finish.
    pub fn begin_drain(&self) {
        self.soft.cancel();
    }
    /// Whether everyone was asked to finish.
    pub fn draining(&self) -> bool {
        self.soft.is_cancelled()
    }
    /// Ends what has not finished.
    pub fn cut(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }
    /// Whether a task ended by a panic: the process should end with an error.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
    /// Runs a task until it ends or is cut. If it panics the service drains: half a service is worse than a restart.
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let (hard, lifecycle) = (self.hard.clone(), self.clone());
        let task = tokio::spawn(async move { hard.run_until_cancelled(future).await });
        self.tasks.spawn(async move {
            if task.await.is_err_and(|e| e.is_panic()) {
                tracing::error!(task = name, "a task of the service panicked: going down");
                lifecycle.failed.store(true, Ordering::Relaxed);
                lifecycle.begin_drain();
            }
        });
    }
    /// Ends every task and waits for them.
    pub async fn finish(&self) {
        self.cut();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_takes_the_service_down_in_order() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn("clumsy", async { panic!("on purpose") });
        lifecycle.soft.cancelled().await;
        assert!(lifecycle.failed());
    }

    #[tokio::test]
    async fn finishing_ends_a_task_that_would_go_on_for_ever() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn("endless", std::future::pending());
        lifecycle.finish().await;
        assert!(lifecycle.tasks.is_empty() && !lifecycle.failed());
    }
}
