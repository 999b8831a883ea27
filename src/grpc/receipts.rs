//! One stream of reports: a reader that hands them to the intake, a writer that sends the finished prefix of receipts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use tracing::Span;

use crate::access::Caller;
use crate::domain::Receipt;
use crate::grpc::quota::Allowance;
use crate::grpc::reporting::{MOST_REPORTS, Reporting, items, too_many};
use crate::grpc::status::{self, Problem};
use crate::telemetry::trace::{self, Origin};
use crate::wire::{self, pb};

/// Receipts to come for one message, and the room they take in the stream's window.
struct Coming {
    receipts: oneshot::Receiver<Vec<Receipt>>,
    _room: OwnedSemaphorePermit,
    /// Lasts from the message until its receipts are there.
    _span: Span,
}

type Answers = mpsc::Sender<Result<pb::StreamReportsResponse, Status>>;

/// Answers a stream of reports. Both halves are owned tasks: a client that goes away loses no report it sent.
pub(super) fn answer(
    service: &Reporting,
    requests: Streaming<pb::StreamReportsRequest>,
    caller: Caller,
    allowance: Allowance,
    origin: Option<Origin>,
) -> ReceiverStream<Result<pb::StreamReportsResponse, Status>> {
    let window = service.settings.unreceipted_per_stream;
    let (coming, pending) = mpsc::channel(window);
    let (answers, stream) = mpsc::channel(4);
    let (end, ended) = oneshot::channel();
    let reader = service.clone();
    service.lifecycle.spawn("reports in", async move {
        let status = read(&reader, requests, &coming, (caller, allowance, origin)).await;
        // Nobody left to tell: the client has gone.
        let _: Result<(), _> = end.send(status);
    });
    service.lifecycle.spawn("receipts out", write(pending, ended, answers));
    ReceiverStream::new(stream)
}

/// Reads until the client has finished (`None`), or until the stream must end otherwise.
async fn read(
    service: &Reporting,
    mut requests: Streaming<pb::StreamReportsRequest>,
    coming: &mpsc::Sender<Coming>,
    (caller, allowance, origin): (Caller, Allowance, Option<Origin>),
) -> Option<Status> {
    let window = service.settings.unreceipted_per_stream;
    let room = Arc::new(Semaphore::new(window));
    let age = tokio::time::sleep(aged(service.settings.max_stream_age));
    tokio::pin!(age);
    let dismissed = caller.ended();
    tokio::pin!(dismissed);
    loop {
        let message = tokio::select! {
            biased;
            () = service.lifecycle.soft.cancelled() => return Some(Problem::Draining(retry_after()).into()),
            () = &mut age => return Some(Problem::StreamAge(retry_after()).into()),
            why = &mut dismissed => {
                caller.refuse(why, "StreamReports");
                return Some(Problem::Refused(why).into());
            }
            message = requests.message() => message,
        };
        let reports = match message {
            Ok(Some(message)) => message.reports,
            Ok(None) => return None,
            Err(error) => return Some(status::inbound(error)),
        };
        if reports.len() > MOST_REPORTS {
            return Some(too_many(reports.len()).into());
        }
        if let Err(problem) = allowance.take(reports.len().max(1)) {
            return Some(problem.into());
        }
        let span = trace::batch(reports.len(), origin.as_ref());
        let need = u32::try_from(reports.len().clamp(1, window)).unwrap_or(u32::MAX);
        let room = Arc::clone(&room).acquire_many_owned(need).await.ok()?;
        let Ok(receipts) = service.intake.submit(items(reports, &service.register.rulebook(), &caller), false).await
        else {
            return Some(Problem::Draining(retry_after()).into());
        };
        coming.send(Coming { receipts, _room: room, _span: span }).await.ok()?;
    }
}

/// Sends receipts in order, as many as are ready in one message, then the stream's end.
async fn write(mut pending: mpsc::Receiver<Coming>, ended: oneshot::Receiver<Option<Status>>, answers: Answers) {
    let mut next = pending.recv().await;
    while let Some(mut coming) = next.take() {
        let Ok(first) = (&mut coming.receipts).await else {
            let _ = answers.send(Err(Problem::Draining(retry_after()).into())).await;
            return;
        };
        let mut receipts: Vec<_> = first.iter().map(wire::receipt_to).collect();
        drop(coming);
        while receipts.len() < MOST_REPORTS {
            let Ok(mut more) = pending.try_recv() else { break };
            match more.receipts.try_recv() {
                Ok(ready) => receipts.extend(ready.iter().map(wire::receipt_to)),
                Err(why) => {
                    if why == TryRecvError::Closed {
                        // To ask the same one again would be a panic; another closed one says the same.
                        more.receipts = oneshot::channel().1;
                    }
                    next = Some(more);
                    break;
                }
            }
        }
        if !receipts.is_empty() && answers.send(Ok(pb::StreamReportsResponse { receipts })).await.is_err() {
            return;
        }
        if next.is_none() {
            next = pending.recv().await;
        }
    }
    if let Ok(Some(status)) = ended.await {
        let _ = answers.send(Err(status)).await;
    }
}

/// A fifth sooner or later, so that streams opened together do not come back together.
pub(super) fn aged(max: Duration) -> Duration {
    max.mul_f64(0.8 + 0.4 * fastrand::f64())
}

pub(super) fn retry_after() -> Duration {
    Duration::from_millis(fastrand::u64(100..1_000))
}
