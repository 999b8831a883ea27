//! The service as a process of its own over a SQLite file, a reporter, and what the kernel says of the process.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wardwatch::clock::SystemClock;
use wardwatch::domain::{Clock, Span, Time};
use wardwatch::wire::pb::register_service_client::RegisterServiceClient;
use wardwatch::wire::pb::subscribe_request::Start;
use wardwatch::wire::pb::{self, ReceiptOutcome, StaffingReport, SubscribeRequest};
use wardwatch::wire::timestamp_to;

use super::raw::{GOOD, Raw};
use crate::support::hospital::{adult, figures, outcomes, ward};
use crate::support::process::Process;
use crate::support::service::{Place, ReportStream, within};

/// Wards that report.
const WARDS: usize = 20;

/// A service with wards, and who reports for them.
#[derive(Debug)]
pub struct House {
    pub process: Process,
    pub place: Place,
    reports: ReportStream,
    reported: usize,
    began: Time,
}

impl House {
    /// A service with these settings beside the defaults.
    pub async fn open(settings: &[&str]) -> Self {
        let place = Place::sqlite();
        let process = serve(&place, settings);
        let wards = (1..=WARDS).map(|n| adult(&ward(n))).collect();
        let mut register = RegisterServiceClient::new(process.channel().await);
        within(register.upsert_wards(pb::UpsertWardsRequest { wards, validate_only: false })).await.unwrap();
        let reports = ReportStream::open(process.channel().await).await;
        Self { process, place, reports, reported: 0, began: SystemClock::default().now() - Span::minutes(30) }
    }
    /// Cuts its power and starts it again on the same file: what was in memory is not.
    pub async fn cut(self, settings: &[&str]) -> Self {
        let Self { process, place, reports, reported, began } = self;
        drop(reports);
        process.kill().await;
        let process = serve(&place, settings);
        let reports = ReportStream::open(process.channel().await).await;
        Self { process, place, reports, reported, began }
    }
    pub fn address(&self) -> SocketAddr {
        self.process.address.parse().unwrap()
    }
    /// The next report: its ward's figures are other than before.
    fn next_report(&mut self) -> StaffingReport {
        let n = self.reported;
        self.reported += 1;
        let at = self.began + Span::millis(i64::try_from(n).unwrap());
        figures(&ward(1 + n % WARDS), at, [20, 16, 40, 24, 17][n / WARDS % 5], 2)
    }
    /// Takes in some reports, which change alerts; the newest position of the log, and how long the receipts took.
    pub async fn report(&mut self, count: usize) -> (i64, Duration) {
        let mut took = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            let size = left.min(500);
            let message: Vec<_> = (0..size).map(|_| self.next_report()).collect();
            let sent = Instant::now();
            assert!(self.reports.send(message).await);
            let receipts = self.reports.receipts(size).await;
            took += sent.elapsed();
            assert!(outcomes(&receipts).iter().all(|o| *o == ReceiptOutcome::Accepted), "{receipts:?}");
            left -= size;
        }
        (self.newest().await, took)
    }
    /// The newest position of the log.
    pub async fn newest(&self) -> i64 {
        self.place.number("SELECT position FROM head").await
    }
    /// A subscription's first cursor when it asks for the log from its beginning on.
    pub async fn beginning(&self) -> Bytes {
        let mut raw = Raw::connect(self.address(), GOOD).await;
        let request = SubscribeRequest { start: Some(Start::SinceTime(timestamp_to(Time::default()))), ..everything() };
        let id = raw.subscribe(&request);
        raw.opened().await;
        raw.streams[&id].cursor.clone()
    }
    /// Bytes of memory the process has now.
    pub fn resident(&self) -> usize {
        self.status("VmRSS:")
    }
    /// The most it ever had.
    pub fn most_resident(&self) -> usize {
        self.status("VmHWM:")
    }
    fn status(&self, key: &str) -> usize {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = text.lines().find(|l| l.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
    }
    /// Most bytes that the kernel holds for one of its connections.
    pub fn most_held_by_kernel(&self) -> usize {
        let port = format!(":{:04X}", self.address().port());
        let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let held = |line: &str| {
            let mut columns = line.split_whitespace().skip(1);
            let ours = columns.next()?.ends_with(&port);
            let queue = columns.nth(2)?.split(':').next().map(|n| usize::from_str_radix(n, 16))?;
            queue.ok().filter(|_| ours)
        };
        sockets.lines().filter_map(held).max().unwrap_or_default()
    }
    /// File descriptors it has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }
}

fn serve(place: &Place, settings: &[&str]) -> Process {
    // A line for each of ten thousand subscribers says nothing here.
    let mut arguments = vec!["--set", "log.level=warn,wardwatch::cli=info"];
    arguments.extend(settings.iter().flat_map(|s| ["--set", s]));
    Process::serve(&place.url(), &arguments)
}

/// Everything from now on.
pub fn everything() -> SubscribeRequest {
    let filter = Some(pb::AlertFilter { include_forecasts: true, ..Default::default() });
    SubscribeRequest { filter, ..Default::default() }
}

/// Everything after a cursor.
pub fn after(cursor: &Bytes) -> SubscribeRequest {
    SubscribeRequest { start: Some(Start::AfterCursor(cursor.clone())), ..everything() }
}

/// Bytes for each of `count`, of a growth.
pub fn each(before: usize, now: usize, count: usize) -> usize {
    now.saturating_sub(before) / count
}
