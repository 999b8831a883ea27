//! Storage that is away in every way it can be: streams wait, nothing is claimed, and all goes on when it is back.

use std::time::{Duration, Instant};

use sqlx::Connection as _;
use tokio::time::timeout;
use tonic::Streaming;
use wardwatch::domain::Span;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, ReceiptOutcome};

use super::cluster::{Base, Cluster};
use super::history::now;
use super::proxy::Way;
use crate::support::hospital::{figures, ward};
use crate::support::process::get;
use crate::support::service::{ReportStream, eventually, within};

/// The lock that every write takes first, held by another one until released.
#[derive(Debug)]
pub enum Lock {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

/// Takes the lock; returns when it is held.
pub async fn lock(cluster: &Cluster) -> Lock {
    match &cluster.base {
        Base::Sqlite(_) => {
            let mut conn = sqlx::SqliteConnection::connect(&cluster.url(0)).await.unwrap();
            // It waits for whoever has it, as long as SQLite's own patience lasts.
            sqlx::raw_sql("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE").execute(&mut conn).await.unwrap();
            Lock::Sqlite(conn)
        }
        Base::Postgres(shared) => {
            let mut conn = sqlx::PgConnection::connect(&shared.primary.url("ward")).await.unwrap();
            sqlx::raw_sql("BEGIN; SELECT position FROM head FOR UPDATE").execute(&mut conn).await.unwrap();
            Lock::Postgres(conn)
        }
    }
}

impl Lock {
    pub async fn release(self) {
        match self {
            Self::Sqlite(conn) => conn.close().await.unwrap(),
            Self::Postgres(conn) => conn.close().await.unwrap(),
        }
    }
}

/// All goes on so soon after storage is back: 2 s are promised, the rest is for a busy machine that also runs this
/// test. How long it took is printed.
const SOON: Duration = Duration::from_secs(5);

/// A report with which ward `n` is beyond its limit, or back at it.
pub fn breach(n: usize, beyond: bool) -> pb::StaffingReport {
    figures(&ward(n), now() - Span::seconds(1), if beyond { 30 } else { 16 }, 2)
}

/// A subscriber to what wards are beyond the limit, from now on.
pub async fn subscribe(cluster: &Cluster, replica: usize) -> Streaming<pb::SubscribeResponse> {
    let heartbeat_interval = Some(prost_types::Duration { seconds: 5, nanos: 0 });
    let filter = Some(pb::AlertFilter { rules: vec!["ratio.over_limit".into()], ..Default::default() });
    let request = pb::SubscribeRequest { filter, heartbeat_interval, ..Default::default() };
    let mut stream = within(cluster.alerts(replica).await.subscribe(request)).await.unwrap().into_inner();
    assert!(matches!(within(stream.message()).await.unwrap().unwrap().response, Some(Response::Opened(_))));
    stream
}

/// The next events, heartbeats passed over.
pub async fn events(stream: &mut Streaming<pb::SubscribeResponse>) -> Vec<pb::AlertEvent> {
    loop {
        match within(stream.message()).await.unwrap().expect("the stream goes on").response {
            Some(Response::Events(events)) => return events.events,
            Some(Response::Heartbeat(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Storage goes, stays away, and comes back: streams stay, nothing is claimed, and all goes on by itself.
async fn goes_and_comes_back(
    mut cluster: Cluster,
    long: bool,
    take: impl AsyncFnOnce(&mut Cluster) -> Option<Lock>,
    give: impl AsyncFnOnce(&mut Cluster, Option<Lock>),
) {
    cluster.open_hospital().await;
    let admin = cluster.process(0).admin.clone();
    let mut alerts = subscribe(&cluster, 0).await;
    let mut reports = ReportStream::open(cluster.channel(0).await).await;
    assert!(reports.send(vec![breach(1, true)]).await);
    assert_eq!(reports.receipts(1).await[0].outcome(), ReceiptOutcome::Accepted);
    assert_eq!(events(&mut alerts).await[0].alert.as_ref().unwrap().ward, ward(1));
    eventually("it is ready", async || get(&admin, "/readyz").await.0 == 200).await;

    let lock = take(&mut cluster).await;
    let reported = breach(2, true);
    assert!(reports.send(vec![reported.clone()]).await);
    // H1: the subscriber hears that the service lives, and nothing else.
    let beat = within(alerts.message()).await.unwrap().unwrap().response;
    assert!(matches!(beat, Some(Response::Heartbeat(_))), "{beat:?}");
    if long {
        eventually("it is not ready", async || get(&admin, "/readyz").await.0 == 503).await;
    }
    assert_eq!(get(&admin, "/livez").await.0, 200);
    let silence = timeout(Duration::from_millis(100), reports.message()).await;
    assert!(silence.is_err(), "R4: {silence:?}");

    give(&mut cluster, lock).await;
    let back = Instant::now();
    let receipt = reports.receipts(1).await.remove(0);
    assert_eq!(receipt.report_id, reported.report_id);
    let raised = events(&mut alerts).await;
    let took = back.elapsed();
    assert_eq!(raised[0].alert.as_ref().unwrap().ward, ward(2));
    eprintln!("went on after {took:?}");
    assert!(took < SOON, "it went on after {took:?}");
    let stored = pb::GetReportRequest { name: receipt.name };
    within(cluster.reporting(0).await.get_report(stored)).await.unwrap();
    eventually("it is ready again", async || get(&admin, "/readyz").await.0 == 200).await;
}

fn primary(cluster: &mut Cluster) -> &mut super::server::Server {
    &mut cluster.shared().primary
}

fn way(cluster: &mut Cluster, way: Way) {
    cluster.shared().ways[0].set(way);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_locked_sqlite_file_is_waited_for() {
    let take = async |cluster: &mut Cluster| Some(lock(cluster).await);
    goes_and_comes_back(Cluster::sqlite(), true, take, async |_, lock| lock.unwrap().release().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_killed_postgresql_is_waited_for() {
    let Some(cluster) = Cluster::postgres(1).await else { return };
    let take = async |cluster: &mut Cluster| {
        primary(cluster).kill();
        None
    };
    goes_and_comes_back(cluster, true, take, async |cluster, _| primary(cluster).run().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_restarted_postgresql_is_waited_for() {
    let Some(cluster) = Cluster::postgres(1).await else { return };
    let take = async |cluster: &mut Cluster| {
        primary(cluster).stop();
        None
    };
    goes_and_comes_back(cluster, false, take, async |cluster, _| primary(cluster).run().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_postgresql_that_stands_still_is_waited_for() {
    let Some(cluster) = Cluster::postgres(1).await else { return };
    let take = async |cluster: &mut Cluster| {
        primary(cluster).freeze();
        None
    };
    goes_and_comes_back(cluster, true, take, async |cluster, _| primary(cluster).thaw()).await;
}

/// Connections that die without a word: sqlx sets no keepalive (issue 3540) and leaks the places of such connections in its
/// pool (issue 4349). A pool of four would be used up by the fifth read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_connections_that_die_without_a_word_are_given_up_and_leak_nothing() {
    let Some(cluster) = Cluster::postgres(1).await else { return };
    let take = async |cluster: &mut Cluster| {
        way(cluster, Way::Dead);
        None
    };
    let give = async |cluster: &mut Cluster, _| way(cluster, Way::Open);
    goes_and_comes_back(cluster, true, take, give).await;
}

/// The same while new connections can be made all the time: the pool must not run dry of places, over and over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_over_and_over_do_not_use_up_the_pool() {
    let Some(mut cluster) = Cluster::postgres(1).await else { return };
    cluster.open_hospital().await;
    let mut reports = ReportStream::open(cluster.channel(0).await).await;
    let mut alerts = subscribe(&cluster, 0).await;
    for n in 0..8 {
        way(&mut cluster, Way::OldDead);
        assert!(reports.send(vec![breach(1 + n, true)]).await);
        assert_eq!(reports.receipts(1).await[0].outcome(), ReceiptOutcome::Accepted);
        assert_eq!(events(&mut alerts).await[0].alert.as_ref().unwrap().ward, ward(1 + n));
        way(&mut cluster, Way::Open);
    }
    let primary = &cluster.shared().primary;
    let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wardwatch' AND state LIKE 'idle in%'";
    assert_eq!(primary.number(open).await, 0, "no transaction is left open");
}

/// A cancelled `begin` poisons sqlx's pool (issue 4393). Callers that give up all the time must leave no trace of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_give_up_poison_nothing() {
    let Some(mut cluster) = Cluster::postgres(1).await else { return };
    cluster.open_hospital().await;
    let held = lock(&cluster).await;
    for n in 0..40 {
        let mut client = cluster.reporting(0).await;
        let request = pb::SubmitReportsRequest { reports: vec![breach(1 + n % 12, true)], validate_only: false };
        let mut alerts = cluster.alerts(0).await;
        let list = pb::ListAlertsRequest::default();
        // Dropped in the middle, as by a client that goes away.
        let _ = timeout(Duration::from_millis(5 + n as u64 % 7), client.submit_reports(request)).await;
        let _ = timeout(Duration::from_millis(n as u64 % 3), alerts.list_alerts(list)).await;
    }
    held.release().await;
    let request = pb::SubmitReportsRequest { reports: vec![breach(1, true)], validate_only: false };
    let receipts = within(cluster.reporting(0).await.submit_reports(request)).await.unwrap().into_inner().receipts;
    assert_eq!(receipts[0].outcome(), ReceiptOutcome::Accepted);
    let stuck = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wardwatch' AND state LIKE 'idle in%'";
    let server = primary(&mut cluster);
    assert_eq!(server.number(stuck).await, 0, "no transaction is left open");
    assert!(!server.logged().contains("deadlock"), "{}", server.logged());
}
