//! Another version's schema under a running replica, and a database that was put back to an earlier time.

use std::fs;
use std::time::Duration;

use tokio::time::sleep;
use tonic::Code;
use wardwatch::wire::pb;
use wardwatch::wire::pb::subscribe_request::Start;

use super::cluster::{Base, Cluster};
use super::history::{Trouble, now};
use super::nemesis::Done;
use super::run::{judge, recorded};
use super::server::Server;
use super::storage::{breach, subscribe};
use crate::support::hospital::reason;
use crate::support::process::{refused, said, wardwatch};
use crate::support::service::{ReportStream, within};

/// What the next version does to the schema: it only adds (CONTRIBUTING.md), and notes it. It takes the tables in a
/// commit's order, reports before alerts: otherwise the two could wait for each other.
const NEXT: &str = "
ALTER TABLE report ADD COLUMN added_later bigint;
ALTER TABLE alert ADD COLUMN added_later text NOT NULL DEFAULT '';
CREATE INDEX alert_added_later ON alert (added_later);
CREATE TABLE added_later (id bigint PRIMARY KEY);
INSERT INTO _sqlx_migrations SELECT 99990101000000, 'add later', installed_on, TRUE, checksum, 1 FROM _sqlx_migrations LIMIT 1";

/// The newest migration is the next version's: replicas of this one go on while it is applied, and until they are
/// replaced; none of this version starts any more, and it says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_of_the_next_version_is_tolerated_by_replicas_that_run_and_refused_by_those_that_start() {
    let Some(mut cluster) = Cluster::postgres(2).await else { return };
    let disturb = async |cluster: &mut Cluster, _: &mut fastrand::Rng| {
        let mut done = Done::default();
        sleep(Duration::from_secs(2)).await;
        let (kind, from) = ("the schema was changed", now());
        cluster.shared().primary.sql(NEXT).await;
        // Meanwhile all that is stored waits, also what is due by time.
        done.troubles.push(Trouble { kind, from, to: now(), replica: None, storage_down: None });
        *done.counts.entry(kind).or_default() += 1;
        sleep(Duration::from_secs(3)).await;
        done
    };
    let (history, done) = recorded(&mut cluster, 9, disturb).await;
    judge("the next version's schema under load", &history, &done);
    let (code, said) = refused(&["--database", &cluster.url(0)]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the database is of a newer version (99990101000000)"), "{said}");
}

/// An empty database, and one with the schema of the version before: without migration neither is served, and `migrate`
/// brings both up to this version's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_the_version_before_is_refused_without_migration_and_brought_up_by_it() {
    let Some(server) = Server::start().await else { return };
    let url = server.url("ward");
    let (code, text) = refused(&["--database", &url, "--no-migrate"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("run `wardwatch migrate` first"), "{text}");
    let (code, text, _) = said(&wardwatch(&["migrate", "--database", &url]).output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    // Back to the version before: what its migration added is gone.
    server.sql("ALTER TABLE alert DROP COLUMN strike, DROP COLUMN forecast").await;
    server.sql("DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)").await;
    let (code, text) = refused(&["--database", &url, "--no-migrate"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("older version"), "{text}");
    let (code, text, _) = said(&wardwatch(&["migrate", "--database", &url]).output().unwrap());
    assert_eq!((code, text.lines().last().unwrap().starts_with("1 applied")), (Some(0), true), "{text}");
    let started = crate::support::process::Process::serve(&url, &["--no-migrate"]);
    assert_eq!(started.get("/livez").await.0, 200);
}

/// The cursor after everything that is in the log now.
async fn newest(cluster: &Cluster) -> Vec<u8> {
    let listed = within(cluster.alerts(0).await.list_alerts(pb::ListAlertsRequest::default())).await.unwrap();
    listed.into_inner().cursor.to_vec()
}

async fn resume(cluster: &Cluster, cursor: &[u8]) -> Option<(Code, String)> {
    let start = Some(Start::AfterCursor(cursor.to_vec().into()));
    let request = pb::SubscribeRequest { start, ..Default::default() };
    let ended = match within(cluster.alerts(0).await.subscribe(request)).await {
        Ok(answer) => within(answer.into_inner().message()).await.err()?,
        Err(status) => status,
    };
    Some((ended.code(), reason(&ended)))
}

async fn report(cluster: &Cluster, wards: std::ops::Range<usize>) {
    let mut reports = ReportStream::open(cluster.channel(0).await).await;
    for n in wards {
        assert!(reports.send(vec![breach(n, true)]).await);
        reports.receipts(1).await;
    }
}

fn changed() -> (Code, String) {
    (Code::OutOfRange, "CURSOR_EPOCH_CHANGED".to_owned())
}

/// A backup is put back: cursors from before it go on, those from after it are refused, also when other events have taken
/// their positions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_a_restored_sqlite_file_refuses_exactly_the_cursors_that_it_does_not_know() {
    let mut cluster = Cluster::sqlite();
    cluster.open_hospital().await;
    report(&cluster, 1..4).await;
    cluster.calm().await;
    let before = newest(&cluster).await;
    assert!(cluster.drain(0).await);
    let Base::Sqlite(folder) = &cluster.base else { unreachable!("it is SQLite") };
    let (file, backup) = (folder.path().join("wardwatch.db"), folder.path().join("backup"));
    fs::copy(&file, &backup).unwrap();
    cluster.start(0);
    report(&cluster, 4..7).await;
    let after = newest(&cluster).await;
    assert!(cluster.drain(0).await);
    let Base::Sqlite(folder) = &cluster.base else { unreachable!("it is SQLite") };
    assert!(!folder.path().join("wardwatch.db-wal").exists(), "after a good end the file is whole by itself");
    fs::rename(backup, file).unwrap();
    cluster.start(0);
    for _ in 0..2 {
        assert_eq!(resume(&cluster, &before).await, None);
        assert_eq!(resume(&cluster, &after).await, Some(changed()));
        report(&cluster, 7..12).await;
    }
}

/// A recovery to an earlier time behind the service's back: the service runs all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_a_point_in_time_recovery_behind_the_services_back_is_noticed_by_streams_and_cursors() {
    let Some(mut cluster) = Cluster::postgres(1).await else { return };
    cluster.open_hospital().await;
    report(&cluster, 1..4).await;
    cluster.calm().await;
    let before = newest(&cluster).await;
    // A base backup, and a server that is started from it: what came later is not there.
    let recovered = cluster.shared().primary.standby().await;
    let caught_up = cluster.number("SELECT position FROM head").await;
    let there = async || recovered.number("SELECT position FROM head").await == caught_up;
    crate::support::service::eventually("the backup is complete", there).await;
    recovered.promote();
    report(&cluster, 4..7).await;
    let after = newest(&cluster).await;
    let mut watching = subscribe(&cluster, 0).await;
    let shared = cluster.shared();
    shared.primary.kill();
    shared.ways[0].lead_to(recovered.address());
    shared.primary = recovered;
    let ended = loop {
        if let Err(status) = within(watching.message()).await {
            break status;
        }
    };
    assert_eq!((ended.code(), reason(&ended)), changed());
    for _ in 0..2 {
        assert_eq!(resume(&cluster, &before).await, None);
        assert_eq!(resume(&cluster, &after).await, Some(changed()));
        report(&cluster, 7..12).await;
    }
}
