//! Calls under their conventional names.

use tokio_stream::StreamExt as _;
use wardwatch::wire::pb::{self, SubscribeRequest};

use super::scrape::{Scrape, until};
use crate::support::acting::ack;
use crate::support::hospital::{clock, figures, morning, ward};
use crate::support::service::{Place, within};

const ALERTS: &str = "wardwatch.v1.AlertService";
const REPORTING: &str = "wardwatch.v1.ReportingService";

fn handled(scrape: &Scrape, service: &str, method: &str, code: &str) -> Option<f64> {
    let labels = [("grpc_service", service), ("grpc_method", method), ("grpc_code", code)];
    scrape.get("grpc_server_handled_total", &labels)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unary_call_is_counted_by_its_code_and_timed() {
    let service = Place::sqlite().serve_by(&clock()).await;
    service.register_many(1).await;
    service.report(figures(&ward(1), morning(), 20, 4)).await;
    let nobody = "alerts/8d7f3f2e-0000-8000-8000-000000000000";
    service.acknowledge(ack(nobody)).await.expect_err("there is no such alert");
    let answered = |s: &Scrape| handled(s, ALERTS, "AcknowledgeAlert", "NotFound") == Some(1.0);
    let scrape = until(&service, "the refusal is counted", answered).await;
    let submit = [("grpc_type", "unary"), ("grpc_service", REPORTING), ("grpc_method", "SubmitReports")];
    let value = |name| scrape.value(name, &submit);
    assert_eq!(value("grpc_server_started_total"), 1.0);
    assert_eq!((value("grpc_server_msg_received_total"), value("grpc_server_msg_sent_total")), (1.0, 1.0));
    assert_eq!(value("grpc_server_handling_seconds_count"), 1.0);
    assert_eq!(handled(&scrape, REPORTING, "SubmitReports", "OK"), Some(1.0));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_just_goes_away_is_counted_as_cancelled() {
    let service = Place::sqlite().serve_by(&clock()).await;
    let mut stream = within(service.alerts().subscribe(SubscribeRequest::default())).await.unwrap().into_inner();
    within(stream.next()).await.unwrap().unwrap();
    let open = [("grpc_service", ALERTS), ("grpc_method", "Subscribe")];
    let while_open = Scrape::of(&service).await;
    assert_eq!(while_open.value("wardwatch_open_streams", &open), 1.0);
    assert_eq!(handled(&while_open, ALERTS, "Subscribe", "Canceled"), None);
    drop(stream);
    let cancelled = |s: &Scrape| handled(s, ALERTS, "Subscribe", "Canceled") == Some(1.0);
    let scrape = until(&service, "its going is counted", cancelled).await;
    assert_eq!(scrape.value("wardwatch_open_streams", &open), 0.0);
    let timed = [("grpc_method", "Subscribe")];
    assert_eq!(scrape.get("grpc_server_handling_seconds_count", &timed), None, "a stream's life is no latency");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_messages_of_a_stream_are_counted_and_its_good_end_is_ok() {
    let service = Place::sqlite().serve_by(&clock()).await;
    service.register_many(1).await;
    let mut stream = service.stream().await;
    for n in 0..3 {
        assert!(stream.send(vec![figures(&ward(1), morning(), 20 + n, 4)]).await);
        stream.receipts(1).await;
    }
    let (rest, end) = stream.rest().await;
    assert!(rest.is_empty() && end.is_none());
    let ended = |s: &Scrape| handled(s, REPORTING, "StreamReports", "OK") == Some(1.0);
    let scrape = until(&service, "the stream's end is counted", ended).await;
    let stream = [("grpc_type", "bidi_stream"), ("grpc_method", "StreamReports")];
    let value = |name| scrape.value(name, &stream);
    assert_eq!((value("grpc_server_msg_received_total"), value("grpc_server_msg_sent_total")), (3.0, 3.0));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_that_nobody_serves_are_one_series_however_they_are_called() {
    let service = Place::sqlite().serve_by(&clock()).await;
    for n in 0..5 {
        let mut grpc = tonic::client::Grpc::new(service.another_connection().await);
        within(grpc.ready()).await.unwrap();
        let path = format!("/wardwatch.v1.AlertService/Nothing{n}").parse().unwrap();
        let codec = tonic_prost::ProstCodec::<pb::GetAlertRequest, pb::GetAlertResponse>::default();
        let request = tonic::Request::new(pb::GetAlertRequest::default());
        within(grpc.unary(request, path, codec)).await.expect_err("nobody serves it");
    }
    let counted = |s: &Scrape| handled(s, "unknown", "unknown", "Unimplemented") == Some(5.0);
    let scrape = until(&service, "all are counted as one", counted).await;
    assert!(!scrape.text.contains("Nothing"));
    service.stop().await;
}
