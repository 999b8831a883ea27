//! Traces, out to a real receiver over gRPC and into the log.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::stream::unfold;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use wardwatch::clock::SystemClock;
use wardwatch::domain::Clock as _;
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::register_service_client::RegisterServiceClient;
use wardwatch::wire::pb::reporting_service_client::ReportingServiceClient;
use wardwatch::wire::pb::{self, StreamReportsRequest};

use crate::support::hospital::{adult, figures, ward};
use crate::support::process::{Process, wardwatch};
use crate::support::service::{Place, within};

/// From the examples of W3C Trace Context.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// Another, for the stream.
const TRACE_OF_STREAM: &str = "0af7651916cd43dd8448eb211c80319c";

/// A receiver that keeps what it is sent, with the name of the service that sent it.
#[derive(Clone, Debug, Default)]
struct Receiver(Arc<Mutex<Vec<(String, Span)>>>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for of_one in request.into_inner().resource_spans {
            let attributes = of_one.resource.unwrap_or_default().attributes;
            let service = attributes.into_iter().find(|a| a.key == "service.name").unwrap();
            let name = format!("{:?}", service.value.unwrap().value.unwrap());
            let spans = of_one.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.0.lock().unwrap().extend(spans.map(|span| (name.clone(), span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Receiver {
    async fn start(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(self.clone()));
        let sockets = unfold(listener, |l| async { Some((l.accept().await.map(|(socket, _)| socket), l)) });
        tokio::spawn(server.serve_with_incoming(sockets));
        address
    }
    fn spans(&self) -> Vec<(String, Span)> {
        self.0.lock().unwrap().clone()
    }
}

fn with_trace<T>(message: T, trace: &str) -> Request<T> {
    let mut request = Request::new(message);
    let header = format!("00-{trace}-{PARENT}-01");
    request.metadata_mut().insert("traceparent", header.parse().unwrap());
    request
}

fn serve(place: &Place, receiver: Option<SocketAddr>, log: &str) -> Process {
    let mut command = wardwatch(&["serve", "--database", &place.url()]);
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--set", &format!("log.level={log}")]);
    command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").env_remove("OTEL_SERVICE_NAME");
    if let Some(receiver) = receiver {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{receiver}"));
    }
    Process::launch(command)
}

async fn a_ward(process: &Process) {
    let mut register = RegisterServiceClient::new(process.channel().await);
    let request = pb::UpsertWardsRequest { wards: vec![adult(&ward(1))], validate_only: false };
    within(register.upsert_wards(request)).await.unwrap();
}

fn id(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_and_batches_are_exported_in_their_callers_traces_and_flushed_at_the_end() {
    let receiver = Receiver::default();
    let address = receiver.start().await;
    let place = Place::sqlite();
    let process = serve(&place, Some(address), "info");
    a_ward(&process).await;
    let mut reporting = ReportingServiceClient::new(process.channel().await);
    let now = SystemClock::default().now();
    let reports = vec![figures(&ward(1), now, 20, 4)];
    let call = pb::SubmitReportsRequest { reports, validate_only: false };
    within(reporting.submit_reports(with_trace(call, TRACE))).await.unwrap();
    let message = StreamReportsRequest { reports: vec![figures(&ward(1), now, 21, 4), figures(&ward(1), now, 22, 4)] };
    let (sender, requests) = tokio::sync::mpsc::channel(2);
    sender.send(message.clone()).await.unwrap();
    sender.send(message).await.unwrap();
    let request = with_trace(ReceiverStream::new(requests), TRACE_OF_STREAM);
    let mut stream = within(reporting.stream_reports(request)).await.unwrap().into_inner();
    let mut receipts = 0;
    while receipts < 4 {
        receipts += within(stream.message()).await.unwrap().unwrap().receipts.len();
    }
    drop(sender);
    assert!(within(stream.message()).await.unwrap().is_none());
    let mut alerts = AlertServiceClient::new(process.channel().await);
    let nobody = "alerts/8d7f3f2e-0000-8000-8000-000000000000".to_owned();
    within(alerts.get_alert(pb::GetAlertRequest { name: nobody })).await.expect_err("there is no such alert");
    drop((alerts, reporting, stream));
    process.signal("TERM");
    let (status, log) = process.wait().await;
    assert_eq!(status.code(), Some(0), "{log}");

    let spans = receiver.spans();
    assert!(spans.iter().all(|(service, _)| service.contains("wardwatch")), "{spans:?}");
    let named = |name: &str| -> Vec<&Span> { spans.iter().map(|(_, s)| s).filter(|s| s.name == name).collect() };
    let [call] = named("wardwatch.v1.ReportingService/SubmitReports")[..] else { panic!("{spans:?}") };
    assert_eq!((id(&call.trace_id), id(&call.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    let batches = named("reports");
    assert_eq!(batches.len(), 2, "one a batch, and none for the stream: {spans:?}");
    assert!(batches.iter().all(|s| id(&s.trace_id) == TRACE_OF_STREAM && id(&s.parent_span_id) == PARENT));
    assert!(named("wardwatch.v1.ReportingService/StreamReports").is_empty());
    let [get] = named("wardwatch.v1.AlertService/GetAlert")[..] else { panic!("{spans:?}") };
    assert!(get.parent_span_id.is_empty(), "who calls without a trace begins one");
    let code = get.attributes.iter().find(|a| a.key == "rpc.response.status_code").unwrap();
    assert!(format!("{:?}", code.value).contains("IntValue(5)"), "{code:?}");
    assert!(spans.iter().all(|(_, s)| s.events.is_empty()), "log lines do not leave with the spans: {spans:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_callers_trace_is_in_the_log_lines_of_its_call_also_when_nothing_is_exported() {
    let place = Place::sqlite();
    let process = serve(&place, None, "info,wardwatch::grpc::measured=debug");
    a_ward(&process).await;
    let mut alerts = AlertServiceClient::new(process.channel().await);
    within(alerts.list_alerts(with_trace(pb::ListAlertsRequest::default(), TRACE))).await.unwrap();
    drop(alerts);
    process.signal("TERM");
    let (_, log) = process.wait().await;
    let lines: Vec<serde_json::Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let ended: Vec<_> = lines.iter().filter(|l| l["message"] == "call ended").collect();
    assert!(ended.len() >= 2, "{log}");
    let traced: Vec<_> = ended.iter().filter(|l| l["span"]["trace_id"] == TRACE).collect();
    assert_eq!(traced.len(), 1, "{log}");
    assert_eq!(traced[0]["method"], "/wardwatch.v1.AlertService/ListAlerts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_not_there_delays_no_call_and_the_end_by_a_moment_only() {
    // Nobody listens there: the port was given back.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Place::sqlite();
    let process = serve(&place, Some(nobody), "info");
    a_ward(&process).await;
    let mut alerts = AlertServiceClient::new(process.channel().await);
    within(alerts.list_alerts(with_trace(pb::ListAlertsRequest::default(), TRACE))).await.unwrap();
    drop(alerts);
    let began = std::time::Instant::now();
    process.signal("TERM");
    let (status, log) = process.wait().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
}
