//! The named points of engine.md section 10: where a kill hurts most.
#![cfg(feature = "faults")]

use std::process::Command;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::cluster::Cluster;
use super::history::{Trouble, now};
use super::nemesis::Done;
use super::people::{Wish, listen, record};
use super::run::{judge, recorded};
use crate::support::process::wardwatch;
use crate::support::service::eventually;

const POINTS: [&str; 5] = ["before_commit", "after_commit", "before_publish", "before_receipt", "in_catch_up"];

/// Somebody new again and again, who begins at the beginning: those who resume need not have missed anything, and only who
/// is behind passes `in_catch_up`.
fn newcomers(cluster: &Cluster, rng: &mut fastrand::Rng) -> DropGuard {
    let (wish, end) =
        (Wish { from_the_beginning: true, breaks_after: Some(3), ..Wish::default() }, CancellationToken::new());
    tokio::spawn(listen(cluster.addresses(), wish.clone(), rng.u64(..), record(&wish), end.clone()));
    end.drop_guard()
}

/// One replica, killed at every point, the first time it passes it and a later time.
async fn killed_at_every_point(name: &str, mut cluster: Cluster) {
    let disturb = async |cluster: &mut Cluster, rng: &mut fastrand::Rng| {
        let mut done = Done::default();
        let _newcomers = newcomers(cluster, rng);
        for (point, passage) in POINTS.into_iter().flat_map(|p| [(p, 1), (p, 4)]) {
            let from = now();
            cluster.kill(0).await;
            // Who comes back at once may have it pass the point before it says that it listens.
            cluster.begin_with(0, |command| {
                command.env("WARDWATCH_FAULT", format!("{point}:kill:{passage}"));
            });
            let (status, log) = cluster.replicas[0].take().expect("it was started").wait().await;
            assert_eq!(status.code(), None, "it killed itself: {log}");
            cluster.start(0);
            done.troubles.push(Trouble { kind: point, from, to: now(), replica: Some(0), storage_down: None });
            *done.counts.entry(point).or_default() += 1;
            // Some of what was resumed is new by the next time.
            sleep(Duration::from_millis(300)).await;
        }
        done
    };
    let (history, done) = recorded(&mut cluster, 7, disturb).await;
    judge(name, &history, &done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_named_point_breaks_no_promise_on_sqlite() {
    killed_at_every_point("SQLite", Cluster::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_named_point_breaks_no_promise_on_postgresql() {
    let Some(cluster) = Cluster::postgres(1).await else { return };
    killed_at_every_point("PostgreSQL", cluster).await;
}

/// The other two actions: the process stands still until it is told to go on, or waits for a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_or_a_sleep_at_a_named_point_breaks_no_promise() {
    let disturb = async |cluster: &mut Cluster, rng: &mut fastrand::Rng| {
        let mut done = Done::default();
        let _newcomers = newcomers(cluster, rng);
        for (point, action) in POINTS.into_iter().flat_map(|p| [(p, "stop"), (p, "sleep")]) {
            let from = now();
            cluster.kill(0).await;
            let fault = |command: &mut Command| {
                command.env("WARDWATCH_FAULT", format!("{point}:{action}:2"));
            };
            if action == "stop" {
                // It may stand still before it says that it listens.
                cluster.begin_with(0, fault);
                eventually("it stands still", async || cluster.stopped(0)).await;
                cluster.process(0).signal("CONT");
            } else {
                cluster.start_with(0, fault);
                sleep(Duration::from_millis(1_500)).await;
            }
            done.troubles.push(Trouble { kind: point, from, to: now(), replica: Some(0), storage_down: None });
            *done.counts.entry(point).or_default() += 1;
        }
        done
    };
    let mut cluster = Cluster::sqlite();
    let (history, done) = recorded(&mut cluster, 8, disturb).await;
    judge("stop and sleep at named points, SQLite", &history, &done);
}

#[test]
fn a_fault_that_does_not_exist_is_refused_at_the_start() {
    let (code, said) = refused_with("before_comit:kill");
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("'before_comit:kill' is no fault") && said.contains("before_commit"), "{said}");
}

fn refused_with(fault: &str) -> (Option<i32>, String) {
    let folder = tempfile::TempDir::new().unwrap();
    let database = format!("sqlite:{}", folder.path().join("wardwatch.db").display());
    let mut command = wardwatch(&["serve", "--database", &database, "--listen", "127.0.0.1:0"]);
    let output = command.args(["--admin-listen", "127.0.0.1:0"]).env("WARDWATCH_FAULT", fault).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}
