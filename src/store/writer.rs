use tokio::sync::{mpsc, oneshot};

use crate::store::calls::Scribe;
use crate::store::{ActivityChange, Batch, Committed, ConfigChange, ConfigOutcome, Result, StoreError, Trim};

/// Orders that may wait for the writer. Callers batch by themselves, so few ever do.
const QUEUE: usize = 64;

type Answer<T> = oneshot::Sender<Result<T>>;

/// What the writer can be told to do.
#[derive(Debug)]
enum Order {
    Commit(Batch, Answer<Committed>),
    Barrier(Answer<()>),
    Change(ConfigChange, Answer<ConfigOutcome>),
    Activity(ActivityChange, Answer<()>),
    Trim(Trim, Answer<u64>),
    Close(oneshot::Sender<()>),
}

/// A handle on the task that owns the writing connection. A caller that goes away does not stop what it ordered.
#[derive(Debug)]
pub(super) struct Writer(mpsc::Sender<Order>);

impl Writer {
    /// Starts the task.
    pub(super) fn start(scribe: impl Scribe) -> Self {
        let (orders, queue) = mpsc::channel(QUEUE);
        tokio::spawn(serve(scribe, queue));
        Self(orders)
    }
    pub(super) async fn commit(&self, batch: Batch) -> Result<Committed> {
        self.ask(|answer| Order::Commit(batch, answer)).await
    }
    pub(super) async fn barrier(&self) -> Result<()> {
        self.ask(Order::Barrier).await
    }
    pub(super) async fn change_config(&self, change: ConfigChange) -> Result<ConfigOutcome> {
        self.ask(|answer| Order::Change(change, answer)).await
    }
    pub(super) async fn put_activity(&self, change: ActivityChange) -> Result<()> {
        self.ask(|answer| Order::Activity(change, answer)).await
    }
    pub(super) async fn trim(&self, trim: Trim) -> Result<u64> {
        self.ask(|answer| Order::Trim(trim, answer)).await
    }
    /// Returns when all that was ordered before is done and the connection is closed.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.0.send(Order::Close(done)).await.is_ok() {
            // An error means that the task is gone, which is what was asked for.
            let _ = closed.await;
        }
    }
    async fn ask<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let closed = || StoreError::Unavailable("the store is closed".into());
        self.0.send(order(answer)).await.map_err(|_| closed())?;
        // Once taken from the queue every order is answered, unless the task broke off half way.
        answered.await.map_err(|_| StoreError::Unknown("the writer broke off".into()))?
    }
}

async fn serve(mut scribe: impl Scribe, mut queue: mpsc::Receiver<Order>) {
    // Whether the caller still waits for the answer is its own affair.
    while let Some(order) = queue.recv().await {
        match order {
            Order::Commit(batch, answer) => drop(answer.send(scribe.commit(&batch).await)),
            Order::Barrier(answer) => drop(answer.send(scribe.barrier().await)),
            Order::Change(change, answer) => drop(answer.send(scribe.change_config(&change).await)),
            Order::Activity(change, answer) => drop(answer.send(scribe.put_activity(&change).await)),
            Order::Trim(trim, answer) => drop(answer.send(scribe.trim(&trim).await)),
            Order::Close(done) => {
                queue.close();
                scribe.close().await;
                let _ = done.send(());
                break;
            }
        }
    }
}
