//! How much one identity may ask for.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Code;
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;
use tower::ServiceExt;
use wardwatch::clock::SystemClock;
use wardwatch::domain::Clock;
use wardwatch::wire::pb;

use super::rig::{As, Guarded, Permissions};
use crate::support::hospital::{beds, reason};
use crate::support::service::{eventually, within};

#[tokio::test]
async fn an_identity_has_so_many_streams_whatever_its_connections_and_others_have_theirs() {
    let mut permissions = Permissions::new();
    let wall = permissions.token_with("wall", "subscriber", "RJ1", "", "streams = 3");
    let other = permissions.token("other", "subscriber", "RJ1");
    let guarded = Guarded::start(permissions).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut alerts = guarded.by(&wall).await.alerts();
        let stream = within(alerts.subscribe(pb::SubscribeRequest::default())).await.unwrap().into_inner();
        open.push((alerts, stream));
    }
    let mut fourth = guarded.by(&wall).await.alerts();
    let refused = within(fourth.subscribe(pb::SubscribeRequest::default())).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_STREAMS"));
    assert!(refused.get_details_retry_info().is_some(), "it is told when to come back");
    let mut others = guarded.by(&other).await.alerts();
    assert!(within(others.subscribe(pb::SubscribeRequest::default())).await.is_ok());
    drop(open.pop());
    let again = async || fourth.clone().list_alerts(pb::ListAlertsRequest::default()).await.is_ok();
    eventually("its place is free again", again).await;
}

/// A stream of reports whose bytes a test sends as it likes.
struct Bytewise {
    to: mpsc::UnboundedSender<Bytes>,
    answer: Body,
}

struct Sent(mpsc::UnboundedReceiver<Bytes>);

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

impl Bytewise {
    async fn open(by: &As) -> Self {
        let (to, from) = mpsc::unbounded_channel();
        let request = http::Request::post("/wardwatch.v1.ReportingService/StreamReports")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", by.bearer.header())
            .body(Body::new(Sent(from)))
            .unwrap();
        let answer = within(by.channel.clone().oneshot(request)).await.unwrap().into_body();
        Self { to, answer }
    }
    /// A message of a mebibyte less one byte without reports, but for so many bytes of its end.
    fn send(&self, missing: usize) {
        // A field that nobody knows, of 2^20 - 6 bytes.
        let field = [0x7a, 0xfa, 0xff, 0x3f];
        let mut message = vec![0; (1 << 20) - 2 + 5];
        message[..5].copy_from_slice(&[0, 0, 0x0f, 0xff, 0xfe]);
        message[5..9].copy_from_slice(&field);
        message.truncate(message.len() - missing);
        self.to.send(message.into()).unwrap();
    }
    /// The status it ends with.
    async fn status(mut self) -> String {
        drop(self.to);
        loop {
            let frame = within(poll_fn(|cx| Pin::new(&mut self.answer).poll_frame(cx))).await.unwrap().unwrap();
            if let Some(trailers) = frame.trailers_ref() {
                return trailers["grpc-status"].to_str().unwrap().to_owned();
            }
        }
    }
}

#[tokio::test]
async fn messages_that_do_not_come_whole_are_bounded_and_hold_up_nobody_else_on_their_connection() {
    let mut permissions = Permissions::new();
    let [wild, calm] = ["wild", "calm"].map(|name| permissions.token(name, "reporter", "RJ1"));
    let guarded = Guarded::start(permissions).await.with_wards().await;
    let (by, calm) = (guarded.by(&wild).await, guarded.by(&calm).await);
    // As behind a gateway, which has one connection for all.
    let others = As { channel: by.channel.clone(), bearer: calm.bearer };
    // Sixteen are all the memory that an identity's messages have.
    let mut halves = Vec::new();
    for _ in 0..16 {
        let half = Bytewise::open(&by).await;
        half.send(1);
        halves.push(half);
    }
    let mut refused = 0;
    for n in 0..20 {
        let one_more = Bytewise::open(&by).await;
        one_more.send(1);
        // The first of them may come before all of the sixteen have; then it is one of these that is refused.
        refused += usize::from(one_more.status().await == "8");
        let report = beds("organisations/RJ1/wards/A1", SystemClock::default().now(), 10 + n);
        let request = pb::SubmitReportsRequest { reports: vec![report], validate_only: false };
        assert!(within(others.reporting().submit_reports(request)).await.is_ok(), "another identity is not held up");
    }
    assert!(refused > 15, "{refused} of 20 were refused");
    drop(halves);
    let again = async || {
        let whole = Bytewise::open(&by).await;
        whole.send(0);
        whole.status().await == "0"
    };
    eventually("there is room again", again).await;
}

/// They have connected and say nothing, or ask how the service is, which asks nobody who they are.
#[tokio::test]
async fn strangers_who_have_all_connections_keep_out_nobody_who_may_call() {
    let mut permissions = Permissions::new();
    let wall = permissions.token("wall", "subscriber", "RJ1");
    let guarded = Guarded::start_with(permissions, |settings| settings.limits.connections = 6).await;
    let address = guarded.service.running.address;
    let mut board = guarded.by(&wall).await.alerts();
    let mut stream = within(board.subscribe(pb::SubscribeRequest::default())).await.unwrap().into_inner();
    within(stream.message()).await.unwrap();
    // The rig has one more; it has called nothing.
    let mut silent = Vec::new();
    let mut asking = Vec::new();
    for _ in 0..2 {
        silent.push(TcpStream::connect(address).await.unwrap());
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
        let mut health = HealthClient::new(within(endpoint.connect()).await.unwrap());
        let mut watch = within(health.watch(HealthCheckRequest::default())).await.unwrap().into_inner();
        within(watch.message()).await.unwrap();
        asking.push(watch);
    }
    let mut inside = Vec::new();
    for _ in 0..5 {
        let mut newcomer = guarded.by(&guarded.root).await.info();
        within(newcomer.get_server_info(pb::GetServerInfoRequest {})).await.unwrap();
        inside.push(newcomer);
    }
    for mut watch in asking {
        assert!(within(watch.message()).await.is_err(), "it made room");
    }
    assert!(!comes_in(address).await, "those who were let in make room for nobody");
    within(inside[0].get_server_info(pb::GetServerInfoRequest {})).await.unwrap();
    // Silence, or a heartbeat.
    let heard = timeout(Duration::from_millis(10), stream.message()).await;
    assert!(heard.is_err() || heard.unwrap().unwrap().is_some(), "the board's stream goes on");
}

#[tokio::test]
async fn an_address_has_its_share_of_the_connections_and_no_more() {
    let guarded = Guarded::start_with(Permissions::new(), |settings| settings.limits.connections_per_address = 2).await;
    // The rig's own has called nothing: it makes room.
    let [first, second] = [guarded.by(&guarded.root).await, guarded.by(&guarded.root).await];
    for one in [&first, &second] {
        assert!(within(one.info().get_server_info(pb::GetServerInfoRequest {})).await.is_ok());
    }
    let refused = !comes_in(guarded.service.running.address).await;
    assert!(refused, "the third is closed");
    assert!(within(second.info().get_server_info(pb::GetServerInfoRequest {})).await.is_ok());
    drop(second);
    eventually("its place is free again", async || comes_in(guarded.service.running.address).await).await;
}

/// Whether one more connection is taken: then its call is asked for a credential.
async fn comes_in(address: SocketAddr) -> bool {
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    let Ok(channel) = within(endpoint.connect()).await else { return false };
    let mut info = pb::server_service_client::ServerServiceClient::new(channel);
    let answer = within(info.get_server_info(pb::GetServerInfoRequest {})).await;
    answer.is_err_and(|status| status.code() == Code::Unauthenticated)
}

#[tokio::test]
async fn whoever_sends_more_reports_than_it_may_is_told_when_to_come_back_and_others_are_not_held_up() {
    let mut permissions = Permissions::new();
    let wild = permissions.token_with("wild", "reporter", "RJ1", "", "reports_per_second = 1");
    let calm = permissions.token("calm", "reporter", "RJ1");
    let guarded = Guarded::start(permissions).await.with_wards().await;
    let now = SystemClock::default().now().as_micros();
    let report = |n: i64| {
        let at = wardwatch::domain::Time::from_micros(now - n * 1_000_000);
        beds("organisations/RJ1/wards/A1", at, 10)
    };
    // A burst has room for one full message.
    let request = pb::SubmitReportsRequest { reports: (0..1_000).map(report).collect(), validate_only: true };
    let mut by = guarded.by(&wild).await.reporting();
    assert_eq!(within(by.submit_reports(request)).await.unwrap().into_inner().receipts.len(), 1_000);
    let request = |count| pb::SubmitReportsRequest { reports: (0..count).map(report).collect(), validate_only: true };
    let refused = within(by.submit_reports(request(30))).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_REPORTS"));
    let after = refused.get_details_retry_info().and_then(|info| info.retry_delay).unwrap();
    assert!((Duration::from_secs(20)..Duration::from_secs(31)).contains(&after), "{after:?}");
    let mut calm = guarded.by(&calm).await.reporting();
    assert!(within(calm.submit_reports(request(30))).await.is_ok());
}
