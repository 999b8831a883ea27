//! A primary is lost and its standby promoted: with synchronous replication nothing receipted is lost; without, what was
//! lost is noticed by exactly those who had seen it.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tonic::Code;
use wardwatch::wire::pb::subscribe_request::Start;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, ReceiptOutcome};

use super::cluster::{Cluster, Shared};
use super::nemesis::{self, Done, Fault};
use super::proxy::{Proxy, Way};
use super::run::{judge, recorded};
use super::server::Server;
use super::storage::{breach, events, subscribe};
use crate::support::hospital::{reason, ward};
use crate::support::service::{ReportStream, eventually, within};

async fn with_standby(replicas: usize) -> Option<Cluster> {
    let mut cluster = Cluster::postgres(replicas).await?;
    let Shared { primary, standby, .. } = cluster.shared();
    *standby = Some(primary.standby().await);
    primary.require_standby().await;
    Some(cluster)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_a_promoted_synchronous_standby_has_everything_that_was_receipted() {
    let Some(mut cluster) = with_standby(2).await else { return };
    let disturb = async |cluster: &mut Cluster, rng: &mut fastrand::Rng| {
        let mut done = Done::default();
        for fault in [Fault::Failover, Fault::StandbyFreeze, Fault::Failover] {
            sleep(Duration::from_secs(1)).await;
            nemesis::one(cluster, rng, fault, 0, &mut done).await;
        }
        done
    };
    let (history, done) = recorded(&mut cluster, 5, disturb).await;
    judge("failover to a synchronous standby", &history, &done);
}

/// A commit waits for the standby, and by `doubt` comes to be seen on the primary alone: a receipt for it would be lost with
/// the primary.
/// Nor is it shown to subscribers after a crash.
async fn nothing_is_receipted_that_only_the_primary_has(crashed: bool, doubt: impl AsyncFnOnce(&mut Server)) {
    let Some(mut cluster) = with_standby(1).await else { return };
    cluster.open_hospital().await;
    let mut reports = ReportStream::open(cluster.channel(0).await).await;
    assert!(reports.send(vec![breach(1, true)]).await);
    reports.receipts(1).await;
    // Or it would be a sweep's commit that waits.
    cluster.calm().await;
    let mut alerts = subscribe(&cluster, 0).await;
    let Shared { primary, standby, ways } = cluster.shared();
    let held = standby.take().expect("it has one");
    held.freeze();
    assert!(reports.send(vec![breach(2, true)]).await);
    let waits = format!("SELECT count(*) FROM pg_stat_activity WHERE {WAITING}");
    eventually("the commit waits for the standby", async || primary.number(&waits).await > 0).await;
    doubt(primary).await;
    eventually("the primary shows it", async || primary.number("SELECT count(*) FROM report").await == 2).await;
    let early = timeout(Duration::from_secs(3), reports.message()).await;
    assert!(early.is_err(), "it was receipted before the standby had it: {early:?}");
    if crashed {
        let shown = timeout(Duration::from_millis(100), events(&mut alerts)).await;
        assert!(shown.is_err(), "it was shown before the standby had it: {shown:?}");
    }

    primary.kill();
    held.thaw();
    held.promote();
    ways[0].lead_to(held.address());
    let receipt = reports.receipts(1).await.remove(0);
    assert!(matches!(receipt.outcome(), ReceiptOutcome::Accepted | ReceiptOutcome::Duplicate), "{receipt:?}");
    assert_eq!(held.number("SELECT count(*) FROM report").await, 2, "what was receipted is there");
    if crashed {
        assert_eq!(events(&mut alerts).await[0].alert.as_ref().unwrap().ward, ward(2), "and now it is shown");
    }
}

/// Backends whose commit waits for the synchronous standby.
const WAITING: &str = "wait_event = 'SyncRep'";

/// Started again after a crash, the primary shows what the standby has not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_what_only_the_crashed_primary_has_is_not_receipted() {
    let crash = async |primary: &mut Server| {
        primary.kill();
        primary.run().await;
    };
    nothing_is_receipted_that_only_the_primary_has(true, crash).await;
}

/// Somebody cancels the wait: PostgreSQL then reports success, with a warning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_a_commit_whose_wait_for_the_standby_is_cancelled_is_not_receipted() {
    let cancel = async |primary: &mut Server| {
        primary.sql(&format!("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE {WAITING}")).await;
    };
    nothing_is_receipted_that_only_the_primary_has(false, cancel).await;
}

/// Somebody ends the connection that waits: whether it was committed, PostgreSQL no longer says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_a_commit_whose_connection_is_terminated_while_it_waits_is_not_receipted() {
    let terminate = async |primary: &mut Server| {
        primary.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {WAITING}")).await;
    };
    nothing_is_receipted_that_only_the_primary_has(false, terminate).await;
}

/// Cursor and position of each message up to and including the `count`th event.
async fn cursors(cluster: &Cluster, count: i64) -> Vec<(i64, Vec<u8>)> {
    let start = Some(Start::SinceTime(prost_types::Timestamp::default()));
    let request = pb::SubscribeRequest { start, ..Default::default() };
    let mut stream = within(cluster.alerts(0).await.subscribe(request)).await.unwrap().into_inner();
    let mut found = Vec::new();
    while found.last().is_none_or(|(position, _)| *position < count) {
        let message = within(stream.message()).await.unwrap().unwrap();
        let (_, point) = wardwatch::feed::cursor::decode(&message.cursor).expect("each message has a cursor");
        found.push((point.position, message.cursor.to_vec()));
    }
    found
}

/// What a resume after a cursor is answered: the reason, if it is refused at once or on the stream.
async fn resumed(cluster: &Cluster, cursor: &[u8]) -> Option<String> {
    let start = Some(Start::AfterCursor(cursor.to_vec().into()));
    let request = pb::SubscribeRequest { start, ..Default::default() };
    match within(cluster.alerts(0).await.subscribe(request)).await {
        Ok(answer) => within(answer.into_inner().message()).await.err().map(|status| reason(&status)),
        Err(status) => Some(reason(&status)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_a_promotion_that_lost_the_tail_refuses_exactly_the_cursors_beyond_the_fork() {
    let Some(mut cluster) = Cluster::postgres(1).await else { return };
    let to_primary = {
        let address = cluster.shared().primary.address();
        Proxy::start(address).await
    };
    let Shared { primary, standby, .. } = cluster.shared();
    *standby = Some(primary.standby_by_way_of(to_primary.address.port()).await);
    cluster.open_hospital().await;
    let mut reports = ReportStream::open(cluster.channel(0).await).await;
    for n in 1..=4 {
        assert!(reports.send(vec![breach(n, true)]).await);
        reports.receipts(1).await;
    }
    cluster.calm().await;
    let Shared { primary, standby, .. } = cluster.shared();
    let kept = primary.number("SELECT position FROM head").await;
    let has_it = async || standby.as_ref().unwrap().number("SELECT position FROM head").await == kept;
    eventually("the standby has it", has_it).await;
    to_primary.set(Way::Dead);
    for n in 5..=8 {
        assert!(reports.send(vec![breach(n, true)]).await);
        reports.receipts(1).await;
    }
    let before = cursors(&cluster, kept + 4).await;
    let mut watching = subscribe(&cluster, 0).await;

    let Shared { primary, standby, ways } = cluster.shared();
    primary.kill();
    let next = standby.take().expect("it has one");
    next.promote();
    assert_eq!(next.number("SELECT position FROM head").await, kept, "the tail is lost");
    ways[0].lead_to(next.address());
    *primary = next;
    // Who watched has seen what is no more, and is told so.
    let ended = loop {
        match within(watching.message()).await {
            Ok(message) => assert!(matches!(message.unwrap().response, Some(Response::Heartbeat(_)))),
            Err(status) => break status,
        }
    };
    assert_eq!((ended.code(), reason(&ended)), (Code::OutOfRange, "CURSOR_EPOCH_CHANGED".to_owned()));
    for again in 0..2 {
        for (position, cursor) in &before {
            let expected = (*position > kept).then(|| "CURSOR_EPOCH_CHANGED".to_owned());
            assert_eq!(resumed(&cluster, cursor).await, expected, "at {position}, the fork at {kept}, try {again}");
        }
        // The second time other events stand at the lost positions.
        for n in 9..=12 {
            assert!(reports.send(vec![breach(n, true)]).await);
            reports.receipts(1).await;
        }
    }
}
