//! The SQLite file itself: removed, damaged, or on a disk that is full.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use tempfile::TempDir;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, ReceiptOutcome};

use super::cluster::{Base, Cluster};
use super::server::Server;
use super::storage::{breach, events, subscribe};
use crate::support::disk::SmallDisk;
use crate::support::process::get;
use crate::support::service::{ReportStream, eventually, within};

fn file(cluster: &Cluster) -> PathBuf {
    let Base::Sqlite(folder) = &cluster.base else { unreachable!("it is SQLite") };
    folder.path().join("wardwatch.db")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_file_is_removed_notices_within_a_second_and_ends() {
    let mut cluster = Cluster::sqlite();
    cluster.open_hospital().await;
    let mut alerts = subscribe(&cluster, 0).await;
    fs::remove_file(file(&cluster)).unwrap();
    let removed = Instant::now();
    let told = loop {
        match within(alerts.message()).await.unwrap().unwrap().response {
            Some(Response::Goodbye(goodbye)) => break goodbye.reason,
            other => assert!(matches!(other, Some(Response::Heartbeat(_))), "{other:?}"),
        }
    };
    // A second, and one more for a busy machine.
    assert!(removed.elapsed() < Duration::from_secs(2), "noticed after {:?}", removed.elapsed());
    assert_eq!(told, "SERVER_DRAINING");
    drop(alerts);
    let (status, log) = cluster.replicas[0].take().unwrap().wait().await;
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("was moved or deleted while it was open"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_file_is_damaged_receipts_nothing_more_says_what_to_do_and_ends() {
    let mut cluster = Cluster::sqlite();
    cluster.open_hospital().await;
    let mut reports = ReportStream::open(cluster.channel(0).await).await;
    assert!(reports.send(vec![breach(1, true)]).await);
    reports.receipts(1).await;
    let mut conn = sqlx::SqliteConnection::connect(&cluster.url(0)).await.unwrap();
    // Not while anybody reads; what is not moved into the file now would be read from beside it.
    while within(moved_into_file(&mut conn)).await != (0, 0, 0) {}
    scribble(&file(&cluster));
    // Whoever has read pages before must read them anew.
    sqlx::raw_sql("PRAGMA user_version = 7").execute(&mut conn).await.unwrap();
    // It may have noticed by itself meanwhile.
    let _ = reports.send(vec![breach(2, true)]).await;
    let (receipts, end) = reports.rest_open().await;
    assert!(receipts.is_empty() && end.is_some(), "{receipts:?} {end:?}");
    let (status, log) = cluster.replicas[0].take().unwrap().wait().await;
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("the database file is damaged: restore a backup"), "{log}");
}

/// Whether somebody was in the way, and the pages of the write-ahead log that are left, and those of them that were moved.
async fn moved_into_file(conn: &mut sqlx::SqliteConnection) -> (i32, i32, i32) {
    sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(conn).await.unwrap()
}

/// Everything behind the first page, which says that it is a database, is lost.
fn scribble(path: &Path) {
    let mut file = fs::File::options().write(true).open(path).unwrap();
    let size = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(4_096)).unwrap();
    let rest = usize::try_from(size - 4_096).unwrap();
    file.write_all(&vec![0xA5; rest]).unwrap();
}

/// The disk is full: reports wait, what is stored can be read, nothing is lost, and all goes on when there is space.
async fn full(disk: &SmallDisk, mut cluster: Cluster) {
    cluster.open_hospital().await;
    let admin = cluster.process(0).admin.clone();
    let mut alerts = subscribe(&cluster, 0).await;
    let mut reports = ReportStream::open(cluster.channel(0).await).await;
    assert!(reports.send(vec![breach(1, true)]).await);
    reports.receipts(1).await;
    assert_eq!(events(&mut alerts).await.len(), 1);
    disk.fill();
    let mut sent = 0;
    // There may be room on pages that are there; then there is none.
    let waiting = loop {
        assert!(reports.send((0..100).map(|n| breach(1 + n % 12, true)).collect()).await);
        sent += 100;
        if let Err(waits) = tokio::time::timeout(Duration::from_secs(2), reports.receipts(100)).await {
            break waits;
        }
        sent -= 100;
    };
    eprintln!("the disk is full: {waiting}");
    eventually("it is not ready", async || get(&admin, "/readyz").await.0 == 503).await;
    assert_eq!(get(&admin, "/livez").await.0, 200);
    let listed = within(cluster.alerts(0).await.list_alerts(pb::ListAlertsRequest::default())).await.unwrap();
    assert!(!listed.into_inner().alerts.is_empty(), "what is stored can be read");
    disk.relieve();
    let receipts = reports.receipts(sent).await;
    assert!(receipts.iter().all(|r| r.outcome() != ReceiptOutcome::Rejected), "{receipts:?}");
    for receipt in &receipts {
        let request = pb::GetReportRequest { name: receipt.name.clone() };
        within(cluster.reporting(0).await.get_report(request)).await.unwrap();
    }
    eventually("it is ready again", async || get(&admin, "/readyz").await.0 == 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_full_disk_is_waited_for_on_sqlite() {
    let Some(disk) = SmallDisk::mount(Server::folder(), 4) else { return };
    let folder = TempDir::new_in(disk.path()).unwrap();
    full(&disk, Cluster::sqlite_in(folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_full_disk_is_waited_for_on_postgresql() {
    let Some(disk) = SmallDisk::mount(Server::folder(), 160) else { return };
    let data = disk.path().join("data");
    let Some(server) = Server::start_in(Server::folder(), data, "").await else { return };
    full(&disk, Cluster::over(server, 1).await).await;
}
