use std::collections::VecDeque;
use std::time::Duration;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Streaming;
use tracing::warn;

use super::retry::Retry;
use super::{Client, Error, pb};

/// Reports under way without a receipt: what the service allows a stream.
pub const WINDOW: usize = 1_024;
/// Reports in one message; the service takes 1,000.
const MESSAGE_REPORTS: usize = 500;
/// Bytes in one message; the service takes 1 MiB.
const MESSAGE_BYTES: usize = 256 << 10;
/// How long the service may stay away before the reporter gives up.
const GIVE_UP: Duration = Duration::from_mins(5);

/// Where reports go in. Dropping it ends the stream once all have their receipts.
#[derive(Clone, Debug)]
pub struct ReportSender<T>(mpsc::Sender<Pending<T>>);

/// Where receipts come out, in the order of the reports, each once.
#[derive(Debug)]
pub struct Receipts<T>(mpsc::Receiver<Result<(T, pb::ReportReceipt), Error>>);

/// The reporter has ended; its receipts say why.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the report stream has ended")]
pub struct Closed;

#[derive(Debug)]
struct Pending<T> {
    tag: T,
    report: pb::StaffingReport,
}

impl<T> ReportSender<T> {
    /// Sends a report; waits while the window is full. A report that was taken is resent after every break until its
    /// receipt has come.
    pub async fn send(&self, tag: T, report: pb::StaffingReport) -> Result<(), Closed> {
        self.0.send(Pending { tag, report }).await.map_err(|_| Closed)
    }
}

impl<T> Receipts<T> {
    /// The next receipt; `None` when the sender is dropped and every report has had its own. An error is the last.
    pub async fn next(&mut self) -> Option<Result<(T, pb::ReportReceipt), Error>> {
        self.0.recv().await
    }
}

pub(super) fn start<T: Send + 'static>(client: Client, window: usize) -> (ReportSender<T>, Receipts<T>) {
    let (reports, input) = mpsc::channel(MESSAGE_REPORTS);
    let (output, receipts) = mpsc::channel(window);
    let reporter =
        Reporter { client, window, input, output, unreceipted: VecDeque::new(), retry: Retry::new(Some(GIVE_UP)) };
    tokio::spawn(reporter.run());
    (ReportSender(reports), Receipts(receipts))
}

struct Reporter<T> {
    client: Client,
    window: usize,
    input: mpsc::Receiver<Pending<T>>,
    output: mpsc::Sender<Result<(T, pb::ReportReceipt), Error>>,
    /// Taken and without a receipt, oldest first: what a new stream begins with.
    unreceipted: VecDeque<Pending<T>>,
    retry: Retry,
}

/// Why a session ended well.
enum Done {
    AllReceipted,
    NobodyListens,
}

impl<T> Reporter<T> {
    async fn run(mut self) {
        loop {
            let Err(error) = self.session().await else { return };
            let delay = if self.retry.helps(&error) { self.retry.failed(error.retry_after()) } else { None };
            let Some(delay) = delay else {
                let _ = self.output.send(Err(error)).await;
                return;
            };
            warn!("{error}; {} reports will be sent again in {} ms", self.unreceipted.len(), delay.as_millis());
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.output.closed() => return,
            }
        }
    }

    /// One stream, from the first report to send until it breaks or all is done.
    async fn session(&mut self) -> Result<Done, Error> {
        if self.unreceipted.is_empty() {
            let Some(first) = self.input.recv().await else { return Ok(Done::AllReceipted) };
            self.unreceipted.push_back(first);
        }
        // Unbounded, yet never more than the window: only what is unreceipted goes in.
        let (outgoing, requests) = mpsc::unbounded_channel();
        for message in pack(self.unreceipted.iter().map(|p| p.report.clone())) {
            let _ = outgoing.send(message);
        }
        let answer = self.client.reporting().stream_reports(UnboundedReceiverStream::new(requests)).await;
        let stream = self.client.answer(answer)?;
        self.converse(outgoing, stream).await
    }

    async fn converse(
        &mut self,
        outgoing: mpsc::UnboundedSender<pb::StreamReportsRequest>,
        mut stream: Streaming<pb::StreamReportsResponse>,
    ) -> Result<Done, Error> {
        let mut outgoing = Some(outgoing);
        let mut fresh = Vec::new();
        while outgoing.is_some() || !self.unreceipted.is_empty() {
            let room = self.window.saturating_sub(self.unreceipted.len()).min(MESSAGE_REPORTS);
            tokio::select! {
                count = self.input.recv_many(&mut fresh, room), if outgoing.is_some() && room > 0 => {
                    if count == 0 {
                        outgoing = None;
                    }
                    if let Some(outgoing) = &outgoing {
                        self.send(&mut fresh, outgoing);
                    }
                }
                message = stream.message() => {
                    let message = message.map_err(|s| self.client.error(&s))?;
                    let Some(message) = message else { return Err(Error::Ended(self.client.url().to_owned())) };
                    self.retry.succeeded();
                    for receipt in message.receipts {
                        if !self.deliver(receipt).await? {
                            return Ok(Done::NobodyListens);
                        }
                    }
                }
            }
        }
        Ok(Done::AllReceipted)
    }

    fn send(&mut self, fresh: &mut Vec<Pending<T>>, outgoing: &mpsc::UnboundedSender<pb::StreamReportsRequest>) {
        for message in pack(fresh.iter().map(|p| p.report.clone())) {
            // If the stream is gone, reading from it says so, and these go with the next.
            let _ = outgoing.send(message);
        }
        self.unreceipted.extend(fresh.drain(..));
    }

    /// False: nobody listens any more.
    async fn deliver(&mut self, receipt: pb::ReportReceipt) -> Result<bool, Error> {
        match self.unreceipted.pop_front() {
            Some(p) if p.report.report_id == receipt.report_id => {
                Ok(self.output.send(Ok((p.tag, receipt))).await.is_ok())
            }
            Some(p) => Err(Error::Contract(format!(
                "a receipt for report '{}' came where '{}' was next",
                receipt.report_id, p.report.report_id
            ))),
            None => Err(Error::Contract(format!("a receipt for report '{}' came twice", receipt.report_id))),
        }
    }
}

/// Reports in as few messages as the bounds allow.
fn pack(reports: impl Iterator<Item = pb::StaffingReport>) -> Vec<pb::StreamReportsRequest> {
    let mut messages: Vec<pb::StreamReportsRequest> = Vec::new();
    let mut bytes = 0;
    for report in reports {
        // Key and length of a repeated field: at most 6 bytes.
        let size = report.encoded_len() + 6;
        match messages.last_mut() {
            Some(m) if m.reports.len() < MESSAGE_REPORTS && bytes + size <= MESSAGE_BYTES => {
                m.reports.push(report);
                bytes += size;
            }
            _ => {
                messages.push(pb::StreamReportsRequest { reports: vec![report] });
                bytes = size;
            }
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(id: &str) -> pb::StaffingReport {
        pb::StaffingReport { report_id: id.into(), ..Default::default() }
    }

    #[test]
    fn a_message_keeps_to_its_bounds_and_no_report_is_lost_on_the_way() {
        let reports: Vec<_> = (0..1_200).map(|n| report(&n.to_string())).collect();
        let messages = pack(reports.iter().cloned());
        assert_eq!(messages.iter().map(|m| m.reports.len()).collect::<Vec<_>>(), [500, 500, 200]);
        let large = "x".repeat(100 << 10);
        let messages = pack((0..5).map(|_| report(&large)));
        assert!(messages.iter().all(|m| m.encoded_len() <= MESSAGE_BYTES));
        assert_eq!(messages.iter().map(|m| m.reports.len()).sum::<usize>(), 5);
    }
}
