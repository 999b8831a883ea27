//! Everything at once: writers, subscribers and a responder go on while one thing after another breaks; then every promise
//! is checked over what they recorded. `tests/faults` runs it for longer.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio_util::sync::CancellationToken;
use wardwatch::domain::Span;

use super::checker::check;
use super::cluster::{Base, Cluster};
use super::history::{History, now};
use super::load::{CLEAR_AFTER_MINUTES, System};
use super::nemesis::{self, Done};
use super::people::{Wish, listen, record, respond, write};
use crate::support::service::eventually;

/// How a run is to be, by the environment: WARDWATCH_FAULTS_SEED and WARDWATCH_FAULTS_SECONDS.
struct Plan {
    seed: u64,
    length: Duration,
}

impl Plan {
    fn of_environment(seconds: u64) -> Self {
        let number = |name| std::env::var(name).ok().map(|n| n.parse().unwrap_or_else(|_| panic!("{name}: a number")));
        let seed = number("WARDWATCH_FAULTS_SEED").unwrap_or(1);
        let length = Duration::from_secs(number("WARDWATCH_FAULTS_SECONDS").unwrap_or(seconds));
        eprintln!("again with WARDWATCH_FAULTS_SEED={seed} WARDWATCH_FAULTS_SECONDS={}", length.as_secs());
        Self { seed, length }
    }
}

/// The subscribers of a run: one that wants all and resumes, one that wants one rule only, one that breaks off all the
/// time, one that begins each time with a snapshot.
fn wishes() -> Vec<Wish> {
    let rules = |rules: &[&str]| rules.iter().map(ToString::to_string).collect();
    vec![
        Wish::default(),
        Wish { rules: rules(&["ward.double_gap"]), ..Wish::default() },
        Wish { rules: rules(&["ratio.over_limit", "cover.below_minimum"]), breaks_after: Some(30), ..Wish::default() },
        Wish { snapshots: true, breaks_after: Some(100), ..Wish::default() },
    ]
}

/// A run: what was recorded, and what was done.
async fn storm(cluster: &mut Cluster, plan: &Plan) -> (History, Done) {
    let began = now();
    cluster.open_hospital().await;
    let mut rng = Rng::with_seed(plan.seed);
    let (finish, end) = (CancellationToken::new(), CancellationToken::new());
    let places = cluster.addresses();
    let pace = Duration::from_millis(40);
    let systems = [System::Beds, System::Beds, System::Roster, System::Roster, System::Medrota, System::Medrota];
    let writers: Vec<_> = systems
        .into_iter()
        .map(|system| tokio::spawn(write(places.clone(), system, rng.u64(..), pace, finish.clone())))
        .collect();
    let mut records = Vec::new();
    let mut listeners = Vec::new();
    for wish in wishes() {
        let record = record(&wish);
        records.push(Arc::clone(&record));
        listeners.push(tokio::spawn(listen(places.clone(), wish, rng.u64(..), record, end.clone())));
    }
    let responder = tokio::spawn(respond(places, rng.u64(..), finish.clone()));

    let done = nemesis::disturb(cluster, &mut rng, plan.length).await;
    finish.cancel();
    let mut history = History { troubles: done.troubles.clone(), drains: done.drains.clone(), ..History::default() };
    for writer in writers {
        history.written.push(writer.await.unwrap());
    }
    responder.await.unwrap();
    history.truth = cluster.truth(began).await;
    let newest = history.truth.rows.last().map_or(0, |row| row.position);
    eventually("every subscriber has heard the end", async || {
        records.iter().all(|record| record.lock().unwrap().reached >= newest)
    })
    .await;
    end.cancel();
    for listener in listeners {
        listener.await.unwrap();
    }
    history.listened = records.iter().map(|record| record.lock().unwrap().clone()).collect();
    (history, done)
}

fn report(name: &str, plan: &Plan, history: &History, done: &Done, violations: &[String]) {
    let exchanges = || history.written.iter().flat_map(|w| &w.exchanges);
    let streams: usize = history.listened.iter().map(|l| l.streams.len()).sum();
    eprintln!("== {name}, seed {}, {} s of faults", plan.seed, plan.length.as_secs());
    for (kind, count) in &done.counts {
        eprintln!("{count:6} times {kind}");
    }
    eprintln!(
        "{} reports sent {} times over {} streams, {} receipts; {} events; {} subscriptions; violations: {}",
        history.written.iter().map(|w| w.reports.len()).sum::<usize>(),
        exchanges().map(|x| x.sent.len()).sum::<usize>(),
        exchanges().count(),
        exchanges().map(|x| x.receipts.len()).sum::<usize>(),
        history.truth.rows.len(),
        streams,
        violations.len()
    );
    for violation in violations.iter().take(50) {
        eprintln!("{violation}");
    }
}

async fn run(name: &str, mut cluster: Cluster, plan: &Plan) {
    let (history, done) = storm(&mut cluster, plan).await;
    let violations = check(&history, Span::minutes(i64::from(CLEAR_AFTER_MINUTES)));
    report(name, plan, &history, &done, &violations);
    assert!(violations.is_empty(), "{} promises were broken: see above", violations.len());
    assert!(history.truth.rows.len() > 50, "too little happened to mean anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_faults_breaks_no_promise_of_one_replica_over_sqlite() {
    run("SQLite", Cluster::sqlite(), &Plan::of_environment(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_faults_breaks_no_promise_of_three_replicas_over_postgresql() {
    let plan = Plan::of_environment(40);
    let Some(mut cluster) = Cluster::postgres(3).await else { return };
    let Base::Postgres { primary, standby, .. } = &mut cluster.base else { unreachable!("it was just made") };
    *standby = Some(primary.standby().await);
    primary.require_standby().await;
    run("PostgreSQL", cluster, &plan).await;
}
