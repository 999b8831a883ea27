//! One stream of reports: a reader that hands them to the intake, a writer that sends the finished prefix of receipts.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
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
) -> BoxStream<'static, Result<pb::StreamReportsResponse, Status>> {
    let window = service.settings.unreceipted_per_stream;
    let (coming, pending) = mpsc::channel(window);
    let (answers, stream) = mpsc::channel(4);
    let (end, ended) = oneshot::channel();
    let (finish, finished) = oneshot::channel::<()>();
    let reader = service.clone();
    service.lifecycle.spawn("reports in", async move {
        let status = read(&reader, requests, &coming, (caller, allowance, origin)).await;
        // Nobody left to tell: the client has gone.
        let _: Result<(), _> = end.send(status);
    });
    service.lifecycle.spawn("receipts out", async move {
        if write(pending, ended, answers).await.is_ok() {
            // Nobody left to tell: the client has gone.
            let _: Result<(), ()> = finish.send(());
        }
    });
    // Both halves end at once when the service is cut. That must not look like a stream that has ended well: its client
    // would take what has no receipt for refused.
    let cut = futures_util::stream::once(finished).filter_map(|finished| {
        std::future::ready(finished.err().map(|_| Err(Problem::Draining(retry_after()).into())))
    });
    ReceiverStream::new(stream).chain(cut).boxed()
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

/// A stream of reports was not brought to its end.
struct Cut;

/// Sends receipts in order, as many as are ready in one message, then the stream's end.
async fn write(
    mut pending: mpsc::Receiver<Coming>,
    ended: oneshot::Receiver<Option<Status>>,
    answers: Answers,
) -> Result<(), Cut> {
    let mut next = pending.recv().await;
    while let Some(mut coming) = next.take() {
        let first = (&mut coming.receipts).await.map_err(|_| Cut)?;
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
        if !receipts.is_empty() {
            answers.send(Ok(pb::StreamReportsResponse { receipts })).await.map_err(|_| Cut)?;
        }
        if next.is_none() {
            next = pending.recv().await;
        }
    }
    match ended.await.map_err(|_| Cut)? {
        Some(status) => answers.send(Err(status)).await.map_err(|_| Cut),
        None => Ok(()),
    }
}

/// A fifth sooner or later, so that streams opened together do not come back together.
pub(super) fn aged(max: Duration) -> Duration {
    max.mul_f64(0.8 + 0.4 * fastrand::f64())
}

pub(super) fn retry_after() -> Duration {
    Duration::from_millis(fastrand::u64(100..1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a stream ends with when these were its two halves' ends.
    async fn end(receipts: Option<Vec<Receipt>>, ended: Result<Option<Status>, Cut>) -> (bool, Option<Status>) {
        let (coming, pending) = mpsc::channel(1);
        let (reply, receipts_to_come) = oneshot::channel();
        let room = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let one = Coming { receipts: receipts_to_come, _room: room, _span: Span::none() };
        coming.send(one).await.unwrap();
        drop(coming);
        if let Some(receipts) = receipts {
            reply.send(receipts).unwrap();
        } else {
            drop(reply);
        }
        let (end, out) = oneshot::channel();
        match ended {
            Ok(status) => end.send(status).unwrap(),
            Err(Cut) => drop(end),
        }
        let (answers, mut sent) = mpsc::channel(4);
        let well = write(pending, out, answers).await.is_ok();
        (well, sent.recv().await.and_then(Result::err))
    }

    #[tokio::test]
    async fn a_stream_ends_well_only_if_all_was_read_and_receipted() {
        assert!(matches!(end(Some(vec![]), Ok(None)).await, (true, None)));
        let (well, told) = end(Some(vec![]), Ok(Some(Status::aborted("x")))).await;
        assert_eq!((well, told.map(|s| s.code())), (true, Some(tonic::Code::Aborted)));
        assert!(!end(None, Ok(None)).await.0, "its receipts never came");
        assert!(!end(Some(vec![]), Err(Cut)).await.0, "its reader was cut");
    }
}
