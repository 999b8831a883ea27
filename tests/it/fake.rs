//! A service that misbehaves on purpose: it breaks streams, falls silent, loses its history.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};
use wardwatch::client::{Client, pb};

use pb::alert_service_server::{AlertService, AlertServiceServer};
use pb::reporting_service_server::{ReportingService, ReportingServiceServer};
use pb::subscribe_request::Start as WireStart;
use pb::subscribe_response::Response as Sent;

type Answer<T> = Result<Response<T>, Status>;
type Messages<T> = ReceiverStream<Result<T, Status>>;

/// What one subscription sends before it falls silent or ends.
pub(crate) type Script = Vec<Result<pb::SubscribeResponse, Status>>;

/// The service; all streams share its state.
#[derive(Clone, Default)]
pub(crate) struct Fake(pub(crate) Arc<Mutex<State>>, Arc<Notify>);

/// What it shall do, and what it has seen.
#[derive(Default)]
pub(crate) struct State {
    /// After how many receipts each stream of reports breaks off, and how; none left: never.
    pub(crate) breaks: VecDeque<(usize, Status)>,
    /// Ids as they came, stream by stream.
    pub(crate) streams: Vec<Vec<String>>,
    /// What each subscription sends; `true`: the stream stays open, silent, after it.
    pub(crate) scripts: VecDeque<(Script, bool)>,
    /// How each subscription asked to start.
    pub(crate) starts: Vec<Option<WireStart>>,
}

impl Fake {
    /// Serves on a port of its own.
    pub(crate) async fn serve(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(ReportingServiceServer::new(self.clone()))
            .add_service(AlertServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Client::connect(&url).await.unwrap()
    }

    /// Waits until what it has seen is so.
    pub(crate) async fn wait_for(&self, so: impl Fn(&State) -> bool) {
        let wait = async {
            loop {
                let changed = self.1.notified();
                if so(&self.0.lock().unwrap()) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap();
    }
}

#[tonic::async_trait]
impl ReportingService for Fake {
    type StreamReportsStream = Messages<pb::StreamReportsResponse>;

    async fn stream_reports(
        &self,
        request: Request<Streaming<pb::StreamReportsRequest>>,
    ) -> Answer<Self::StreamReportsStream> {
        let (out, answer) = mpsc::channel(16);
        let (state, changed, mut reports) = (self.0.clone(), self.1.clone(), request.into_inner());
        let (number, break_off) = {
            let mut state = state.lock().unwrap();
            state.streams.push(Vec::new());
            (state.streams.len() - 1, state.breaks.pop_front())
        };
        tokio::spawn(async move {
            let mut left = break_off.as_ref().map_or(usize::MAX, |(n, _)| *n);
            while let Ok(Some(message)) = reports.message().await {
                assert!(message.reports.len() <= 1_000);
                let mut receipts = Vec::new();
                for report in message.reports {
                    state.lock().unwrap().streams[number].push(report.report_id.clone());
                    if left > 0 {
                        left -= 1;
                        receipts.push(receipt(report));
                    }
                }
                changed.notify_waiters();
                let _ = out.send(Ok(pb::StreamReportsResponse { receipts })).await;
                if left == 0 {
                    let _ = out.send(Err(break_off.unwrap().1)).await;
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(answer)))
    }
    async fn submit_reports(&self, _: Request<pb::SubmitReportsRequest>) -> Answer<pb::SubmitReportsResponse> {
        Err(Status::unimplemented(""))
    }
    async fn get_report(&self, _: Request<pb::GetReportRequest>) -> Answer<pb::GetReportResponse> {
        Err(Status::unimplemented(""))
    }
    async fn list_reports(&self, _: Request<pb::ListReportsRequest>) -> Answer<pb::ListReportsResponse> {
        Err(Status::unimplemented(""))
    }
    async fn submit_activity(&self, _: Request<pb::SubmitActivityRequest>) -> Answer<pb::SubmitActivityResponse> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl AlertService for Fake {
    type SubscribeStream = Messages<pb::SubscribeResponse>;

    async fn subscribe(&self, request: Request<pb::SubscribeRequest>) -> Answer<Self::SubscribeStream> {
        let (out, answer) = mpsc::channel(16);
        let (script, silent) = {
            let mut state = self.0.lock().unwrap();
            state.starts.push(request.into_inner().start);
            state.scripts.pop_front().unwrap_or_default()
        };
        tokio::spawn(async move {
            for message in script {
                let _ = out.send(message).await;
            }
            if silent {
                out.closed().await;
            }
        });
        Ok(Response::new(ReceiverStream::new(answer)))
    }
    async fn list_alerts(&self, _: Request<pb::ListAlertsRequest>) -> Answer<pb::ListAlertsResponse> {
        Err(Status::unimplemented(""))
    }
    async fn get_alert(&self, _: Request<pb::GetAlertRequest>) -> Answer<pb::GetAlertResponse> {
        Err(Status::unimplemented(""))
    }
    async fn list_alert_events(&self, _: Request<pb::ListAlertEventsRequest>) -> Answer<pb::ListAlertEventsResponse> {
        Err(Status::unimplemented(""))
    }
    async fn acknowledge_alert(&self, _: Request<pb::AcknowledgeAlertRequest>) -> Answer<pb::AcknowledgeAlertResponse> {
        Err(Status::unimplemented(""))
    }
    async fn unacknowledge_alert(
        &self,
        _: Request<pb::UnacknowledgeAlertRequest>,
    ) -> Answer<pb::UnacknowledgeAlertResponse> {
        Err(Status::unimplemented(""))
    }
    async fn close_alert(&self, _: Request<pb::CloseAlertRequest>) -> Answer<pb::CloseAlertResponse> {
        Err(Status::unimplemented(""))
    }
    async fn list_audit_entries(
        &self,
        _: Request<pb::ListAuditEntriesRequest>,
    ) -> Answer<pb::ListAuditEntriesResponse> {
        Err(Status::unimplemented(""))
    }
}

pub(crate) fn draining() -> Status {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(Duration::from_millis(10)));
    Status::with_error_details(Code::Unavailable, "going down", details)
}

/// Accepts a report with patients, and rejects one without.
fn receipt(report: pb::StaffingReport) -> pb::ReportReceipt {
    let error = report.patients.is_none().then(|| {
        let (field, description) = ("patients".to_owned(), "are missing".to_owned());
        let reason = pb::RejectReason::Missing.into();
        let violations = vec![pb::FieldViolation { field, reason, description }];
        pb::ReportError { reason, message: "no".into(), violations }
    });
    let outcome = if error.is_some() { pb::ReceiptOutcome::Rejected } else { pb::ReceiptOutcome::Accepted };
    pb::ReportReceipt { report_id: report.report_id, outcome: outcome.into(), error, ..Default::default() }
}

#[expect(clippy::unnecessary_wraps, reason = "a line of a script")]
pub(crate) fn sent(cursor: &'static [u8], sent: Sent) -> Result<pb::SubscribeResponse, Status> {
    Ok(pb::SubscribeResponse { cursor: Bytes::from_static(cursor), response: Some(sent) })
}

/// Opens with a heartbeat of 50 ms, so that silence is believed for 150 ms.
pub(crate) fn opened(cursor: &'static [u8]) -> Result<pb::SubscribeResponse, Status> {
    let heartbeat_interval = Some(Duration::from_millis(50).try_into().unwrap());
    sent(cursor, Sent::Opened(pb::Opened { heartbeat_interval, ..Default::default() }))
}

pub(crate) fn events(cursor: &'static [u8], positions: &[i64]) -> Result<pb::SubscribeResponse, Status> {
    let events = positions.iter().map(|&position| pb::AlertEvent { position, ..Default::default() }).collect();
    sent(cursor, Sent::Events(pb::AlertEvents { events }))
}
