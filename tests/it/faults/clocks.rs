//! The system's clock is set on and back under the running service (libfaketime gives it a clock of its own).

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;
use wardwatch::domain::{Span, Time};
use wardwatch::wire::pb::{self, AlertEventType, ReceiptOutcome};
use wardwatch::wire::to_time;

use super::cluster::Cluster;
use super::history::now;
use super::load::{GROUP, WARDS};
use crate::support::hospital::{figures, report, ward};
use crate::support::service::{eventually, within};

/// The library that fakes the clock; `tests/run` installs it.
///
/// # Panics
/// When it is not there.
fn library() -> PathBuf {
    let found = fs::read_dir("/usr/lib").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path().join("faketime/libfaketimeMT.so.1");
        path.exists().then_some(path)
    });
    found.into_iter().next().expect("libfaketime is installed: tests/run does it (Debian: apt-get install faketime)")
}

/// A clock that is ahead of ours by what a file says.
struct Fake(TempDir);

impl Fake {
    fn new() -> Self {
        let fake = Self(TempDir::new().unwrap());
        // PostgreSQL's user reads it too.
        fs::set_permissions(fake.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fake.set(0);
        fake
    }
    /// Sets it to so many minutes ahead.
    fn set(&self, minutes: i64) {
        let next = self.0.path().join("next");
        fs::write(&next, format!("{minutes:+}m\n")).unwrap();
        fs::rename(next, self.file()).unwrap();
    }
    fn file(&self) -> PathBuf {
        self.0.path().join("offset")
    }
    /// Gives it to a process.
    fn give(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library());
        command.env("FAKETIME_TIMESTAMP_FILE", self.file());
        command.env("FAKETIME_NO_CACHE", "1");
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
}

async fn submit(cluster: &Cluster, reports: Vec<pb::StaffingReport>) {
    let request = pb::SubmitReportsRequest { reports, validate_only: false };
    let receipts = within(cluster.reporting(0).await.submit_reports(request)).await.unwrap().into_inner().receipts;
    assert!(receipts.iter().all(|r| r.outcome() == ReceiptOutcome::Accepted), "{receipts:?}");
}

/// Rises of a rule's alerts so far.
async fn rises(cluster: &Cluster, rule: &str) -> usize {
    let count = usize::try_from(cluster.number("SELECT count(*) FROM event").await).unwrap();
    let all = super::reading::events(cluster.alerts(0).await, count).await;
    let rose = |e: &pb::AlertEvent| matches!(e.r#type(), AlertEventType::Raised | AlertEventType::Reopened);
    all.iter().filter(|e| rose(e) && e.alert.as_ref().is_some_and(|a| a.rule == rule)).count()
}

fn cover(at: Time, registrars: i32) -> pb::StaffingReport {
    let grade = |grade: pb::MedicalGrade, at_work| pb::GradeCover {
        grade: grade.into(),
        at_work: Some(at_work),
        ..Default::default()
    };
    let grades = vec![grade(pb::MedicalGrade::Registrar, registrars), grade(pb::MedicalGrade::Consultant, 1)];
    let medical_cover = Some(pb::MedicalCover { grades });
    pb::StaffingReport { cover_group: GROUP.into(), medical_cover, ..report("", at, "MEDROTA") }
}

/// Two hours on, and one back: what fell overdue did so once, and what follows from another subject is still published.
async fn set_on_and_back(fake: &Fake, cluster: &Cluster) {
    cluster.open_hospital().await;
    submit(cluster, (1..=WARDS).map(|n| figures(&ward(n), now() - Span::seconds(1), 30, 2)).collect()).await;
    fake.set(120);
    let overdue = async || rises(cluster, "report.overdue").await;
    eventually("all wards are overdue", async || overdue().await == WARDS).await;
    let last = cluster.number("SELECT log_time FROM head").await;
    assert!(Time::from_micros(last) > now() + Span::minutes(119), "the service goes by its clock");

    fake.set(60);
    // By its clock it stays two hours later, until the hour is over; yet nothing stands still. What is reported now is an
    // hour old to it.
    let derived = async || {
        let at = now() + Span::minutes(60);
        submit(cluster, vec![figures(&ward(1), at, 31, 2), cover(at, 0)]).await;
        let seen = async || rises(cluster, "ward.double_gap").await == 1;
        eventually("the double gap is derived", seen).await;
    };
    timeout(Duration::from_secs(10), derived()).await.expect("a clock set back stops nothing");
    assert_eq!(overdue().await, WARDS, "nothing falls overdue twice");
}

/// Time never falls in the log, and no episode rises twice.
async fn the_log_is_sound(cluster: &Cluster) {
    let count = usize::try_from(cluster.number("SELECT count(*) FROM event").await).unwrap();
    let all = super::reading::events(cluster.alerts(0).await, count).await;
    let times: Vec<Time> = all.iter().map(|e| to_time(e.event_time.unwrap()).unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let mut open = HashSet::new();
    for event in &all {
        let alert = event.alert.as_ref().unwrap();
        match event.r#type() {
            AlertEventType::Raised | AlertEventType::Reopened => assert!(open.insert(alert.name.clone())),
            AlertEventType::Resolved => assert!(open.remove(&alert.name)),
            _ => {}
        }
    }
}

/// A single process goes by the system's clock; a restart goes on by the right time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_a_clock_set_on_and_back_neither_repeats_nor_stops_anything() {
    let fake = Fake::new();
    let mut cluster = Cluster::sqlite();
    cluster.kill(0).await;
    cluster.start_with(0, |command| fake.give(command));
    set_on_and_back(&fake, &cluster).await;
    cluster.kill(0).await;
    cluster.start(0);
    submit(&cluster, vec![figures(&ward(2), now(), 14, 2)]).await;
    let mut register = cluster.registering(0).await;
    let shown = within(register.get_ward(pb::GetWardRequest { name: ward(2) })).await.unwrap().into_inner();
    assert_eq!(shown.freshness(), pb::Freshness::Fresh);
    the_log_is_sound(&cluster).await;
}

/// Replicas go by PostgreSQL's clock: it is that one which is set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_a_databases_clock_set_on_and_back_neither_repeats_nor_stops_anything() {
    let Some(mut cluster) = Cluster::postgres(2).await else { return };
    let fake = Fake::new();
    let primary = &mut cluster.shared().primary;
    primary.stop();
    primary.run_with(|command| fake.give(command)).await;
    // The first change after a restart may be in doubt, and is then made again.
    let wards = super::load::register().0;
    eventually("changes are taken again", async || {
        let request = pb::UpsertWardsRequest { wards: wards.clone(), validate_only: false };
        within(cluster.registering(0).await.upsert_wards(request)).await.is_ok()
    })
    .await;
    set_on_and_back(&fake, &cluster).await;
    the_log_is_sound(&cluster).await;
}
