//! A run: systems, subscribers and a responder at work while something is done to the service; what they recorded.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wardwatch::domain::Span;

use super::checker::check;
use super::cluster::Cluster;
use super::history::{History, now};
use super::load::{CLEAR_AFTER_MINUTES, System};
use super::nemesis::Done;
use super::people::{Wish, listen, record, respond, write};
use crate::support::service::{LONG, eventually};

/// Between two messages of a writer.
const PACE: Duration = Duration::from_millis(40);

/// The subscribers of a run: one that wants all and resumes, one that wants one rule only, one that breaks off all the
/// time, one that begins each time with a snapshot, one that begins each time at the beginning.
pub fn wishes() -> Vec<Wish> {
    let rules = |rules: &[&str]| rules.iter().map(ToString::to_string).collect();
    vec![
        Wish::default(),
        Wish { rules: rules(&["ward.double_gap"]), ..Wish::default() },
        Wish { rules: rules(&["ratio.over_limit", "cover.below_minimum"]), breaks_after: Some(30), ..Wish::default() },
        Wish { snapshots: true, breaks_after: Some(100), ..Wish::default() },
        Wish { from_the_beginning: true, ..Wish::default() },
    ]
}

/// Two of each system report, five subscribers listen and somebody responds, while `disturb` does what it does.
pub async fn recorded(
    cluster: &mut Cluster,
    seed: u64,
    disturb: impl AsyncFnOnce(&mut Cluster, &mut Rng) -> Done,
) -> (History, Done) {
    let began = now();
    cluster.open_hospital().await;
    let mut rng = Rng::with_seed(seed);
    let (finish, end) = (CancellationToken::new(), CancellationToken::new());
    let places = cluster.addresses();
    let systems = [System::Beds, System::Beds, System::Roster, System::Roster, System::Medrota, System::Medrota];
    let writers: Vec<_> = systems
        .into_iter()
        .map(|system| tokio::spawn(write(places.clone(), system, rng.u64(..), PACE, finish.clone())))
        .collect();
    let (mut records, mut listeners) = (Vec::new(), Vec::new());
    for wish in wishes() {
        let record = record(&wish);
        records.push(Arc::clone(&record));
        listeners.push(tokio::spawn(listen(places.clone(), wish, rng.u64(..), record, end.clone())));
    }
    let responder = tokio::spawn(respond(places, rng.u64(..), finish.clone()));

    let done = disturb(cluster, &mut rng).await;
    finish.cancel();
    let mut history = History { troubles: done.troubles.clone(), drains: done.drains.clone(), ..History::default() };
    for writer in writers {
        history.written.push(writer.await.unwrap());
    }
    responder.await.unwrap();
    history.truth = cluster.truth(began).await;
    let newest = history.truth.rows.last().map_or(0, |row| row.position);
    let heard = async || records.iter().all(|record| record.lock().unwrap().reached >= newest);
    if timeout(LONG * 3 / 4, eventually("every subscriber has heard the end", heard)).await.is_err() {
        for (n, record) in records.iter().enumerate() {
            let record = record.lock().unwrap();
            let ends: Vec<_> =
                record.streams.iter().rev().take(3).map(|s| (s.replica, s.heard.len(), &s.end)).collect();
            eprintln!("subscriber {n} reached {} of {newest}; its last streams: {ends:?}", record.reached);
        }
        panic!("not every subscriber has heard the end");
    }
    end.cancel();
    for listener in listeners {
        listener.await.unwrap();
    }
    history.listened = records.iter().map(|record| record.lock().unwrap().clone()).collect();
    (history, done)
}

/// Checks a run, says what happened in it, and fails when a promise was broken.
pub fn judge(name: &str, history: &History, done: &Done) {
    let violations = check(history, Span::minutes(i64::from(CLEAR_AFTER_MINUTES)));
    let exchanges = || history.written.iter().flat_map(|w| &w.exchanges);
    eprintln!("== {name}");
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
        history.listened.iter().map(|l| l.streams.len()).sum::<usize>(),
        violations.len()
    );
    for violation in violations.iter().take(50) {
        eprintln!("{violation}");
    }
    assert!(violations.is_empty(), "{} promises were broken: see above", violations.len());
    assert!(history.truth.rows.len() > 50, "too little happened to mean anything");
}
