//! Copies of the database: made while the service works, on a schedule and by hand, and put back.

mod commands;
mod refused;
mod schedule;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wardwatch::client::{Client, pb};
use wardwatch::clock::SystemClock;
use wardwatch::domain::{Clock as _, Span, Time};

use crate::support::hospital::{adult, figures, ward};
use crate::support::process::{Process, said, wardwatch};
use crate::support::service::{Place, ReportStream, within};

const WARDS: usize = 6;

fn now() -> Time {
    SystemClock::default().now()
}

/// A folder with a database of a small hospital, and room for copies.
struct House {
    place: Place,
}

impl House {
    fn new() -> Self {
        Self { place: Place::sqlite() }
    }
    fn folder(&self) -> &Path {
        let Place::Sqlite(folder) = &self.place else { unreachable!("it is SQLite") };
        folder.path()
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }
    /// The service, its wards registered.
    async fn serve(&self) -> Process {
        let process = tokio::task::block_in_place(|| Process::serve(&self.place.url(), &[]));
        within(client(&process).await.upsert_wards((1..=WARDS).map(|n| adult(&ward(n))).collect())).await.unwrap();
        process
    }
    /// Names of the files there, sorted.
    fn files(&self) -> Vec<String> {
        names(self.folder())
    }
    /// A command on the database: exit code, stdout, stderr.
    async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        run(&[arguments, &["--database", &self.place.url()]].concat()).await
    }
    /// Makes a copy of this name, by the command.
    async fn backup(&self, name: &str) -> PathBuf {
        let file = self.path(name);
        let (code, out, err) = self.run(&["backup", "--to", text(&file)]).await;
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
        file
    }
    async fn position(&self) -> i64 {
        self.place.number("SELECT position FROM head").await
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = wardwatch(arguments);
    within(tokio::task::spawn_blocking(move || said(&command.output().unwrap()))).await.unwrap()
}

async fn client(process: &Process) -> Client {
    within(Client::connect(&format!("http://{}", process.address))).await.unwrap()
}

/// A ward beyond its limit, or back at it.
fn breach(n: usize, beyond: bool) -> pb::StaffingReport {
    figures(&ward(n), now() - Span::seconds(1), if beyond { 20 } else { 8 }, 2)
}

async fn report(process: &Process, wards: std::ops::RangeInclusive<usize>) {
    let mut reports = ReportStream::open(process.channel().await).await;
    for n in wards {
        assert!(reports.send(vec![breach(n, true)]).await);
        reports.receipts(1).await;
    }
}

/// The cursor after everything that is in the log now.
async fn newest(process: &Process) -> Vec<u8> {
    let listed = within(client(process).await.list_alerts(pb::ListAlertsRequest::default())).await.unwrap();
    listed.cursor.to_vec()
}

/// Someone who reports, one report after the other, until told to stop; counts the receipts.
struct Writer {
    receipts: Arc<AtomicUsize>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Writer {
    async fn start(process: &Process) -> Self {
        let (receipts, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let mut stream = ReportStream::open(process.channel().await).await;
        let (count, stopped) = (Arc::clone(&receipts), stop.clone());
        let task = tokio::spawn(async move {
            for n in 0.. {
                if stopped.is_cancelled() {
                    return;
                }
                assert!(stream.send(vec![breach(1 + n % WARDS, (n / WARDS).is_multiple_of(2))]).await);
                stream.receipts(1).await;
                count.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(1)).await;
            }
        });
        Self { receipts, stop, task }
    }
    fn receipts(&self) -> usize {
        self.receipts.load(Ordering::Relaxed)
    }
    async fn stop(self) {
        self.stop.cancel();
        within(self.task).await.unwrap();
    }
}

/// Drains it; it must end well.
async fn drain(process: Process) {
    process.signal("TERM");
    assert!(process.wait().await.0.success());
}

fn folder() -> TempDir {
    TempDir::new().unwrap()
}
