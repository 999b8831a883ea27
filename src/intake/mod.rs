//! An input becomes a fact: drain what queued, judge, commit, publish, answer. No timer, no pipelining.

mod acting;
mod attempt;
mod commit;
mod draft;
mod engine;
mod outage;
mod subjects;
mod sweep;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::domain::{Act, ActRefusal, AlertId, Receipt, Report, Responder, Span};
use crate::metrics::IntakeMeter;
use crate::register::Register;
use crate::store::Store;

/// How the intake works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Reports taken in and not yet answered, of all streams together; beyond it callers wait (engine.md section 9).
    pub unreceipted: usize,
    /// Most reports in one commit (performance.md section 3: 2,000-4,000).
    pub batch: usize,
    /// Time between sweeps of due subjects; T1 allows 2 s.
    pub sweep_every: Span,
    /// How old a report may be.
    pub report_retention: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self { unreceipted: 16_384, batch: 2_000, sweep_every: Span::millis(500), report_retention: Span::days(35) }
    }
}

/// A formally valid report with its canonical bytes and their digest.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The report.
    pub report: Report,
    /// As it will be stored.
    pub payload: Bytes,
    /// Of the payload.
    pub digest: i64,
    /// The authenticated subject that sent it, for the audit alone; empty without authentication.
    pub by: Arc<str>,
}

/// A report to judge, or the receipt of one already refused, which keeps its place.
pub type Item = Result<Submitted, Box<Receipt>>;

/// One caller's reports, answered together.
#[derive(Debug)]
struct Work {
    items: Vec<Item>,
    validate_only: bool,
    reply: oneshot::Sender<Vec<Receipt>>,
    /// Given back when the work is answered.
    _room: Option<OwnedSemaphorePermit>,
}

/// Who acts, for the audit alone: the method called, and the authenticated subject.
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// The method.
    pub method: String,
    /// The authenticated subject; empty without authentication.
    pub subject: String,
}

/// What a responder asks of an alert.
#[derive(Clone, Debug)]
pub struct Action {
    /// Which alert.
    pub alert: AlertId,
    /// What is asked.
    pub act: Act,
    /// In which role, through which system.
    pub by: Responder,
    /// Present: refused unless the alert is as it was when this was read.
    pub etag: Option<String>,
    /// Who it was.
    pub actor: Actor,
}

/// The alert as it is after an action, encoded; or why it is as it was.
pub type Acted = Result<Bytes, ActRefusal>;

#[derive(Debug)]
enum Message {
    Work(Work),
    Act(Box<Action>, oneshot::Sender<Acted>),
    /// Answer when all that came before is committed and nothing is due.
    Settle(oneshot::Sender<()>),
}

/// The intake has ended: the service is going down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the intake has ended")]
pub struct Ended;

/// A handle on the intake.
#[derive(Clone, Debug)]
pub struct Intake {
    queue: mpsc::Sender<Message>,
    room: Arc<Semaphore>,
    capacity: usize,
}

/// What the intake works with.
#[derive(Debug)]
pub struct Parts {
    /// Where facts are kept.
    pub store: Arc<dyn Store>,
    /// The rulebook in force.
    pub register: Arc<Register>,
    /// Now.
    pub clock: SharedClock,
    /// Bumped to the newest position after each commit with events.
    pub committed: watch::Sender<i64>,
    /// Since when something waits to be stored; `None` while nothing does.
    pub waiting: watch::Sender<Option<Instant>>,
    /// Ends the intake when storage does not come back in time.
    pub hard: CancellationToken,
    /// How it works.
    pub settings: Settings,
    /// Counts what it does.
    pub meter: IntakeMeter,
}

impl Intake {
    /// A handle, and the loop to run. The loop ends when the last handle is dropped and all is answered.
    pub fn new(parts: Parts) -> (Self, impl Future<Output = ()> + Send) {
        let capacity = parts.settings.unreceipted;
        // Every queued message holds at least one report's room, so the queue is never the narrower bound.
        let (queue, messages) = mpsc::channel(capacity);
        let intake = Self { queue, room: Arc::new(Semaphore::new(capacity)), capacity };
        (intake, engine::Engine::new(parts).run(messages))
    }

    /// Hands reports over, in order, waiting while the intake is full; resolves to the coming receipts.
    ///
    /// # Errors
    /// When the intake has ended.
    pub async fn submit(
        &self,
        items: Vec<Item>,
        validate_only: bool,
    ) -> Result<oneshot::Receiver<Vec<Receipt>>, Ended> {
        let need = u32::try_from(items.len().clamp(1, self.capacity)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(need).await.map_err(|_| Ended)?;
        let (reply, receipts) = oneshot::channel();
        let work = Work { items, validate_only, reply, _room: Some(room) };
        self.queue.send(Message::Work(work)).await.map_err(|_| Ended)?;
        Ok(receipts)
    }

    /// Carries out what a responder asks, and returns when it is durable, or refused.
    ///
    /// # Errors
    /// When the intake has ended.
    pub async fn act(&self, action: Action) -> Result<Acted, Ended> {
        let (reply, acted) = oneshot::channel();
        self.queue.send(Message::Act(Box::new(action), reply)).await.map_err(|_| Ended)?;
        acted.await.map_err(|_| Ended)
    }

    /// Returns when all that was handed over before is committed and nothing is due by the clock: what tests and the
    /// demo wait for instead of sleeping.
    pub async fn settled(&self) {
        let (reply, settled) = oneshot::channel();
        if self.queue.send(Message::Settle(reply)).await.is_ok() {
            let _ = settled.await;
        }
    }
}
