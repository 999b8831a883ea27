//! Going down in order: a soft stop asks everyone to finish, a hard stop ends what has not. Tasks are owned, so that
//! nothing outlives the service unnoticed.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
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
    /// Has files that may change looked at.
    pub reload: Reload,
    failed: Arc<AtomicBool>,
}

/// Asks everyone who reads files that may change to look at them at once: SIGHUP. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Reload(watch::Sender<()>);

/// One reader of files, who hears when to look at them.
#[derive(Debug)]
pub struct Looks(watch::Receiver<()>);

/// For so long after the store was last reached traffic may still come (contract: ready within 10 s).
const LATELY: Duration = Duration::from_secs(10);

/// Whether traffic should come: the store was reached lately and takes what is offered, and the service is not going down.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<State>);

#[derive(Debug)]
struct State {
    ready: AtomicBool,
    seen: Mutex<Option<Instant>>,
    waiting: watch::Receiver<Option<Instant>>,
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
    /// Drains because something broke: the process should end with an error.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
        self.begin_drain();
    }
    /// Whether something broke.
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
                lifecycle.fail();
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

impl Reload {
    /// Asks.
    pub fn ask(&self) {
        self.0.send_replace(());
    }
    /// For one reader: it hears of everything asked from now on.
    pub fn looks(&self) -> Looks {
        Looks(self.0.subscribe())
    }
}

impl Looks {
    /// Returns when it is time to look: asked since the last time, or `every` has passed.
    pub async fn changed(&mut self, every: Duration) {
        // An error means that nobody is left who could ask.
        if let Ok(Err(_)) = tokio::time::timeout(every, self.0.changed()).await {
            tokio::time::sleep(every).await;
        }
    }
}

impl Readiness {
    /// Not ready yet; `waiting` says since when something waits to be stored, if anything does.
    pub fn new(waiting: watch::Receiver<Option<Instant>>) -> Self {
        Self(Arc::new(State { ready: AtomicBool::new(false), seen: Mutex::default(), waiting }))
    }
    /// The store was reached just now.
    pub fn seen(&self) {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
    /// Decides anew, and returns the answer.
    pub fn look(&self, draining: bool) -> bool {
        let seen = *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = self.0.waiting.borrow().is_some_and(|since| since.elapsed() >= LATELY);
        let ready = !draining && !stuck && seen.is_some_and(|at| at.elapsed() < LATELY);
        if self.0.ready.swap(ready, Ordering::Relaxed) != ready {
            tracing::info!(ready, draining, "readiness changed");
        }
        ready
    }
    /// The answer last decided.
    pub fn get(&self) -> bool {
        self.0.ready.load(Ordering::Relaxed)
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
    async fn traffic_comes_while_the_store_answers_and_takes_what_is_offered() {
        let (waiting, receiver) = watch::channel(None);
        let readiness = Readiness::new(receiver);
        assert!(!readiness.look(false), "nothing was heard of the store yet");
        readiness.seen();
        assert!(readiness.look(false) && readiness.get());
        assert!(!readiness.look(true), "not while it goes down");
        waiting.send_replace(Some(Instant::now()));
        assert!(readiness.look(false), "a moment is no outage");
        waiting.send_replace(Instant::now().checked_sub(LATELY));
        readiness.seen();
        assert!(!readiness.look(false), "it can be read, but takes nothing");
        waiting.send_replace(None);
        assert!(readiness.look(false));
    }

    #[tokio::test]
    async fn who_reads_files_looks_when_asked_and_every_so_often() {
        let (short, long) = (Duration::from_millis(20), Duration::from_hours(1));
        let reload = Reload::default();
        let (mut one, mut other) = (reload.looks(), reload.looks());
        let began = Instant::now();
        one.changed(short).await;
        assert!(began.elapsed() >= short);
        reload.clone().ask();
        // Both hear at once, also of what was asked before they waited.
        one.changed(long).await;
        other.changed(long).await;
        drop(reload);
        let began = Instant::now();
        one.changed(short).await;
        assert!(began.elapsed() >= short, "with nobody left to ask time goes on");
    }

    #[tokio::test]
    async fn finishing_ends_a_task_that_would_go_on_for_ever() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn("endless", std::future::pending());
        lifecycle.finish().await;
        assert!(lifecycle.tasks.is_empty() && !lifecycle.failed());
    }
}
