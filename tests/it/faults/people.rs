//! Who uses the service while it breaks: systems that report and send again what has no receipt, subscribers that resume,
//! a responder. Each keeps a record of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use wardwatch::feed::cursor;
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::reporting_service_client::ReportingServiceClient;
use wardwatch::wire::pb::subscribe_request::Start;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, StaffingReport};

use super::history::{Exchange, Heard, Listened, Stream, What, Written, digest, now};
use super::load::{self, System};
use crate::support::hospital::reason;

/// Reports a writer has under way without a receipt.
const WINDOW: usize = 100;
/// How soon a writer whose receipts do not come takes its stream for dead. The service's own limits are longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the replicas are; they come back where they were.
#[derive(Clone, Debug)]
pub struct Addresses(pub Arc<Vec<String>>);

impl Addresses {
    /// A connection to any of them; which one, and the connection if it could be made.
    async fn any(&self, rng: &mut Rng) -> (usize, Option<Channel>) {
        let n = rng.usize(..self.0.len());
        let endpoint = Endpoint::from_shared(format!("http://{}", self.0[n])).unwrap();
        let endpoint = endpoint
            .connect_timeout(Duration::from_secs(2))
            .http2_keep_alive_interval(Duration::from_secs(5))
            .keep_alive_timeout(Duration::from_secs(5));
        (n, endpoint.connect().await.ok())
    }
}

/// A pause before the next try: short, and never the same for two.
async fn pause(rng: &mut Rng) {
    sleep(Duration::from_millis(rng.u64(20..250))).await;
}

/// A system that reports until it is told to finish, and then until everything has its receipt.
pub async fn write(places: Addresses, system: System, seed: u64, pace: Duration, finish: CancellationToken) -> Written {
    let mut rng = Rng::with_seed(seed);
    let mut written = Written::default();
    let mut open: VecDeque<StaffingReport> = VecDeque::new();
    while !(finish.is_cancelled() && open.is_empty()) {
        let (_, channel) = places.any(&mut rng).await;
        if let Some(channel) = channel {
            let mut exchange = Exchange::default();
            converse(
                channel,
                &mut Desk {
                    system,
                    pace,
                    rng: &mut rng,
                    written: &mut written,
                    open: &mut open,
                    exchange: &mut exchange,
                },
                &finish,
            )
            .await;
            written.exchanges.push(exchange);
        }
        pause(&mut rng).await;
    }
    written
}

/// What a writer has before it while it talks.
struct Desk<'a> {
    system: System,
    pace: Duration,
    rng: &'a mut Rng,
    written: &'a mut Written,
    open: &'a mut VecDeque<StaffingReport>,
    exchange: &'a mut Exchange,
}

impl Desk<'_> {
    /// The next message: new reports, sometimes with one of before once more, as a system does that is not sure.
    fn message(&mut self) -> Vec<StaffingReport> {
        let mut reports = Vec::new();
        for _ in 0..self.rng.usize(1..=5) {
            let (report, wrong) = load::next(self.rng, self.system);
            if wrong {
                self.written.wrong.insert(report.report_id.clone());
            }
            self.written.reports.insert(report.report_id.clone(), report.clone());
            reports.push(report);
        }
        if self.rng.u8(..) < 16
            && let Some(before) = self.written.exchanges.last().and_then(|x| x.sent.last())
        {
            reports.extend(self.written.reports.get(before).cloned());
        }
        self.open.extend(reports.iter().cloned());
        reports
    }
    fn receipted(&mut self, receipts: Vec<pb::ReportReceipt>) {
        let at = now();
        for receipt in receipts {
            self.open.pop_front();
            self.exchange.receipts.push((at, receipt));
        }
    }
}

/// One stream, until it breaks, or all is receipted and nothing more is to come.
async fn converse(channel: Channel, desk: &mut Desk<'_>, finish: &CancellationToken) {
    let (to, requests) = mpsc::channel::<pb::StreamReportsRequest>(1_000);
    let mut client = ReportingServiceClient::new(channel);
    let again: Vec<StaffingReport> = desk.open.iter().cloned().collect();
    desk.exchange.sent.extend(again.iter().map(|r| r.report_id.clone()));
    let _ = to.send(pb::StreamReportsRequest { reports: again }).await;
    let Ok(Ok(from)) = timeout(PATIENCE, client.stream_reports(ReceiverStream::new(requests))).await else { return };
    let mut from = from.into_inner();
    loop {
        let more = !finish.is_cancelled() && desk.open.len() < WINDOW;
        if finish.is_cancelled() && desk.open.is_empty() {
            return;
        }
        tokio::select! {
            message = timeout(PATIENCE, from.message()) => match message {
                Ok(Ok(Some(message))) => desk.receipted(message.receipts),
                _ => return,
            },
            () = sleep(desk.pace), if more => {
                let reports = desk.message();
                desk.exchange.sent.extend(reports.iter().map(|r| r.report_id.clone()));
                if to.send(pb::StreamReportsRequest { reports }).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What a subscriber wants.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub rules: Vec<String>,
    /// Begins each stream anew, with a snapshot, instead of resuming.
    pub snapshots: bool,
    /// Begins each stream with the log's first event.
    pub from_the_beginning: bool,
    /// Breaks each stream off after about so many messages.
    pub breaks_after: Option<u64>,
}

/// Seconds between heartbeats: the shortest that may be asked for.
const INTERVAL: i64 = 5;

/// A subscriber until it is told to end; what it heard is in `record` at any time.
pub async fn listen(places: Addresses, wish: Wish, seed: u64, record: Arc<Mutex<Listened>>, end: CancellationToken) {
    let mut rng = Rng::with_seed(seed);
    let mut cursor = None;
    while !end.is_cancelled() {
        let (replica, channel) = places.any(&mut rng).await;
        if let Some(channel) = channel {
            let start = cursor.clone().filter(|_| !(wish.snapshots || wish.from_the_beginning));
            let opening = open(channel, &wish, start.clone());
            let stream = Stream { replica, after: start, heard: Vec::new(), end: String::new(), ended: now() };
            if let Some(last) = follow(opening, stream, &wish, &mut rng, &record, &end).await {
                cursor = Some(last);
            }
        }
        pause(&mut rng).await;
    }
}

/// An empty record of a subscriber.
pub fn record(wish: &Wish) -> Arc<Mutex<Listened>> {
    let rules = wish.rules.iter().cloned().collect();
    Arc::new(Mutex::new(Listened { rules, interval: INTERVAL, reached: 0, streams: Vec::new() }))
}

async fn open(
    channel: Channel,
    wish: &Wish,
    after: Option<Vec<u8>>,
) -> Result<Streaming<pb::SubscribeResponse>, Status> {
    let filter = pb::AlertFilter { rules: wish.rules.clone(), ..Default::default() };
    let start = match after {
        Some(cursor) => Some(Start::AfterCursor(cursor.into())),
        None if wish.from_the_beginning => Some(Start::SinceTime(prost_types::Timestamp::default())),
        None if wish.snapshots => Some(Start::Snapshot(pb::Snapshot {})),
        None => None,
    };
    let heartbeat_interval = Some(prost_types::Duration { seconds: INTERVAL, nanos: 0 });
    let request = pb::SubscribeRequest { filter: Some(filter), start, heartbeat_interval, ..Default::default() };
    let mut client = AlertServiceClient::new(channel).max_decoding_message_size(16 << 20);
    let opened = timeout(PATIENCE, client.subscribe(request)).await;
    Ok(opened.map_err(|_| Status::deadline_exceeded("no stream"))??.into_inner())
}

/// Reads a stream to its end; the last cursor it gave.
async fn follow(
    opening: impl Future<Output = Result<Streaming<pb::SubscribeResponse>, Status>>,
    mut stream: Stream,
    wish: &Wish,
    rng: &mut Rng,
    record: &Mutex<Listened>,
    end: &CancellationToken,
) -> Option<Vec<u8>> {
    let most = wish.breaks_after.map_or(u64::MAX, |n| rng.u64(1..2 * n));
    let mut last = None;
    let status = match opening.await {
        Err(status) => Some(status),
        Ok(mut messages) => loop {
            let next = tokio::select! {
                () = end.cancelled() => break None,
                message = timeout(PATIENCE, messages.message()) => message,
            };
            match next {
                Ok(Ok(Some(message))) => {
                    let heard = heard(message);
                    if let Some((_, point)) = cursor::decode(&heard.cursor) {
                        last = Some(heard.cursor.clone());
                        let mut record = record.lock().unwrap();
                        record.reached = record.reached.max(point.position);
                    }
                    stream.heard.push(heard);
                }
                Ok(Ok(None)) => break Some(Status::ok("")),
                Ok(Err(status)) => break Some(status),
                Err(_) => break Some(Status::deadline_exceeded("silence")),
            }
            if stream.heard.len() as u64 >= most {
                break None;
            }
        },
    };
    stream.ended = now();
    stream.end = status
        .map(|s| {
            let why = reason(&s);
            if why.is_empty() { format!("{:?}", s.code()) } else { why }
        })
        .unwrap_or_default();
    record.lock().unwrap().streams.push(stream);
    last
}

fn heard(message: pb::SubscribeResponse) -> Heard {
    let what = match message.response {
        Some(Response::Opened(_)) | None => What::Opened,
        Some(Response::Events(events)) => What::Events(events.events.iter().map(|e| (e.position, digest(e))).collect()),
        Some(Response::SnapshotAlerts(alerts)) => {
            What::Snapshot(alerts.alerts.into_iter().map(|a| (a.name, a.etag)).collect())
        }
        Some(Response::SnapshotComplete(_)) => What::SnapshotComplete,
        Some(Response::Heartbeat(_)) => What::Heartbeat,
        Some(Response::Goodbye(_)) => What::Goodbye,
    };
    Heard { at: now(), cursor: message.cursor.to_vec(), what }
}

/// A responder who takes on an alert now and then, for three seconds.
pub async fn respond(places: Addresses, seed: u64, end: CancellationToken) {
    let mut rng = Rng::with_seed(seed);
    while !end.is_cancelled() {
        if let (_, Some(channel)) = places.any(&mut rng).await {
            let mut client = AlertServiceClient::new(channel);
            let open = pb::ListAlertsRequest { states: vec![pb::AlertState::Open.into()], ..Default::default() };
            let listed = timeout(PATIENCE, client.list_alerts(open)).await;
            if let Ok(Ok(page)) = listed
                && let Some(alert) = rng.choice(page.into_inner().alerts)
            {
                // It may have ended meanwhile, and the service may be away: then another time.
                let _ = timeout(PATIENCE, client.acknowledge_alert(load::acknowledge(&alert.name))).await;
            }
        }
        sleep(Duration::from_millis(rng.u64(200..800))).await;
    }
}
