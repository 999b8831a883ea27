use std::sync::Arc;

use bytes::Bytes;
use wardwatch::domain::Time;
use wardwatch::store::{ActivityChange, ActivityRow, InputRows, LogPoint, LogRead, Store, SubjectWrite, Trim};

use super::fixture::*;

/// What one writer got through.
#[derive(Default)]
struct Tally {
    won: usize,
    lost: usize,
    tags: Vec<i64>,
}

/// Four writers go for the same few wards with what they last knew of them.
pub async fn positions_have_no_gaps_with_four_writers_on_stale_etags(fresh: &Fresh) {
    const ROUNDS: u64 = 40;
    let wards = registered(&*fresh.store, "RJ1", &["A1", "A2", "A3"]).await;
    let numbers: Vec<i64> = wards.iter().map(|w| w.number).collect();
    let organisation = wards[0].organisation;
    let mut writers = Vec::new();
    for (store, who) in fresh.replicas(4).await.into_iter().zip(1..) {
        writers.push(tokio::spawn(writer(store, who, numbers.clone(), organisation, ROUNDS)));
    }
    let mut sum = Tally::default();
    for writer in writers {
        let tally = writer.await.unwrap();
        sum.won += tally.won;
        sum.lost += tally.lost;
        sum.tags.extend(tally.tags);
    }
    let entries = read_all(&*fresh.store, LogPoint::default(), 4_096).await;
    let positions: Vec<i64> = entries.iter().map(|e| e.point.position).collect();
    assert_eq!(positions, (1..=i64::try_from(sum.won * 2).unwrap()).collect::<Vec<_>>());
    let mut tags: Vec<i64> = entries.iter().map(|e| e.point.tag).collect();
    tags.dedup();
    tags.sort_unstable();
    tags.dedup();
    sum.tags.sort_unstable();
    assert_eq!(tags, sum.tags, "each commit's events stand together under its tag");
    assert!(entries.is_sorted_by_key(|e| e.time));
    assert_eq!(fresh.place.number("SELECT count(*) FROM report").await, i64::try_from(sum.won).unwrap());
    assert!(sum.won > 0 && sum.lost > 0, "the writers must get in each other's way: {} {}", sum.won, sum.lost);
}

/// Judges on etags that are refreshed only after a conflict, and on its own commits.
async fn writer(store: Arc<dyn Store>, who: u64, numbers: Vec<i64>, organisation: i64, rounds: u64) -> Tally {
    let mut tally = Tally::default();
    let mut known = subjects(&*store, &numbers).await;
    for round in 0..rounds {
        let n = who * 1_000_000 + round * 10;
        // Each in another order, so that locks taken by ward would deadlock.
        let turn = usize::try_from(who).unwrap() % known.len();
        known.rotate_left(turn);
        let writes = (n..).zip(&known).map(|(n, ward)| SubjectWrite {
            reports: vec![report(at(1), n)],
            inputs: vec![input(&[n, n])],
            touches: vec![organisation],
            ..write(ward)
        });
        let batch = batch(at(i64::try_from(round).unwrap()), writes.collect());
        let done = store.commit(&batch).await.unwrap();
        for (ward, won) in known.iter_mut().zip(&done.won) {
            if *won {
                ward.etag = batch.tag;
            }
        }
        let won = done.won.iter().filter(|won| **won).count();
        tally.won += won;
        if won > 0 {
            tally.tags.push(batch.tag);
        }
        if won < known.len() {
            tally.lost += known.len() - won;
            known = subjects(&*store, &numbers).await;
        }
    }
    tally
}

/// Everything that writes, at once, on the same wards: nothing may fail, and a deadlock would.
pub async fn commits_register_changes_activity_and_trimming_get_along(fresh: &Fresh) {
    let ward = registered(&*fresh.store, "RJ1", &["A1"]).await.remove(0);
    let mut writers = Vec::new();
    for (store, who) in fresh.replicas(4).await.into_iter().zip(1..) {
        let (number, organisation, name) = (ward.number, ward.organisation, ward.name.clone());
        writers.push(tokio::spawn(async move {
            for round in 0..20 {
                let now = at(round);
                let known = subject(&*store, number).await;
                let n = who * 1_000 + u64::try_from(round).unwrap();
                let write = SubjectWrite {
                    reports: vec![report(now, n)],
                    inputs: vec![input(&[n])],
                    touches: vec![organisation],
                    ..write(&known)
                };
                store.commit(&batch(now, vec![write])).await.unwrap();
                let base = store.head().await.unwrap().generation;
                store.change_config(&change(base, vec![config_write(name.clone(), "again")])).await.unwrap();
                let (touched, audit) = (vec![organisation], Bytes::new());
                let rows = vec![activity(organisation, round)];
                store.put_activity(&ActivityChange { rows, touched, tag: tag(), now, audit }).await.unwrap();
                store.trim(&Trim { reports_before: now, events_before: now, limit: 3 }).await.unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let head = fresh.store.head().await.unwrap();
    let left = fresh.place.number("SELECT count(*) FROM event").await;
    assert_eq!(left, head.point.position - head.trimmed.position);
    assert_eq!(fresh.store.activity(&[], 0, 19).await.unwrap().len(), 20);
}

/// One day's figures of an organisation.
fn activity(organisation: i64, day: i64) -> ActivityRow {
    let (category, source, received, planned, delivered) = (1, "PAS".into(), at(day), Some(day), None);
    ActivityRow { organisation, day, category, planned, delivered, postponed: None, source, received }
}

pub async fn the_time_of_the_log_never_falls(fresh: &Fresh) {
    let store = &*fresh.store;
    let mut ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let mut times: Vec<Time> = Vec::new();
    for (n, now) in (1..).zip([at(10), at(5), at(5), at(20)]) {
        let done = commit(store, now, SubjectWrite { inputs: vec![input(&[n])], ..write(&ward) }).await;
        times.push(done.log_time);
        ward = subject(store, ward.number).await;
    }
    assert_eq!(times, [at(10), at(10), at(10), at(20)]);
    let entries = read_all(store, LogPoint::default(), 10_000).await;
    assert_eq!(entries.iter().map(|e| e.time).collect::<Vec<_>>(), times);
}

pub async fn the_events_of_one_input_are_never_split(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let inputs = vec![input(&[1, 2, 3]), InputRows::default(), input(&[4]), input(&[5, 6])];
    commit(store, at(1), SubjectWrite { inputs, ..write(&ward) }).await;
    let all = read_all(store, LogPoint::default(), 10_000).await;
    assert_eq!(all.iter().map(|e| e.ends_input).collect::<Vec<_>>(), [false, false, true, true, false, true]);

    let size = all[0].payload.len();
    for fits in 1..=7 {
        let LogRead::Entries(read) = store.read_log(LogPoint::default(), size * fits).await.unwrap() else { panic!() };
        assert!(read.last().unwrap().ends_input);
        let whole = [3, 3, 3, 4, 4, 6, 6][fits - 1];
        assert_eq!(read.len(), whole, "with room for {fits}");
    }
}

pub async fn an_input_larger_than_the_limit_comes_whole(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let many: Vec<u64> = (1..=3_000).collect();
    commit(store, at(1), SubjectWrite { inputs: vec![input(&many), input(&[1])], ..write(&ward) }).await;
    let LogRead::Entries(read) = store.read_log(LogPoint::default(), 1).await.unwrap() else { panic!() };
    assert_eq!(read.len(), 3_000);
    assert_eq!(read_all(store, LogPoint::default(), 1).await.len(), 3_001);
}

pub async fn reading_goes_on_where_it_stopped(fresh: &Fresh) {
    let store = &*fresh.store;
    let mut ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let empty = store.read_log(LogPoint::default(), 1_000).await.unwrap();
    assert_eq!(empty, LogRead::Entries(vec![]));
    for n in 1..=5 {
        commit(store, at(1), SubjectWrite { inputs: vec![input(&[n])], ..write(&ward) }).await;
        ward = subject(store, ward.number).await;
    }
    let all = read_all(store, LogPoint::default(), 1).await;
    assert_eq!(all.len(), 5);
    assert_eq!(read_all(store, all[2].point, 1_000).await, all[3..]);
    assert_eq!(read_all(store, all[4].point, 1_000).await, []);
}

pub async fn another_tag_at_the_place_is_another_history(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let done = commit(store, at(1), SubjectWrite { inputs: vec![input(&[1])], ..write(&ward) }).await;
    let strangers = [
        LogPoint { tag: done.point.tag ^ 1, ..done.point },
        LogPoint { position: 2, ..done.point },
        LogPoint { position: 0, tag: 5 },
    ];
    for stranger in &strangers {
        assert_eq!(store.read_log(*stranger, 1_000).await.unwrap(), LogRead::OtherHistory, "{stranger:?}");
    }
}

pub async fn the_place_for_a_time_is_just_before_its_first_event(fresh: &Fresh) {
    let store = &*fresh.store;
    assert_eq!(store.point_at(at(0)).await.unwrap(), Ok(LogPoint::default()));
    let mut ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let mut points = vec![LogPoint::default()];
    for (n, now) in (1..).zip([at(10), at(20), at(20), at(30)]) {
        let done = commit(store, now, SubjectWrite { inputs: vec![input(&[n])], ..write(&ward) }).await;
        points.push(done.point);
        ward = subject(store, ward.number).await;
    }
    for (seconds, place) in [(0, 0), (10, 0), (11, 1), (20, 1), (21, 3), (30, 3), (31, 4), (99, 4)] {
        assert_eq!(store.point_at(at(seconds)).await.unwrap(), Ok(points[place]), "at {seconds}");
    }
}

pub async fn the_events_of_one_alert_come_in_order(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let inputs = vec![input(&[1, 2]), input(&[1]), input(&[2, 1])];
    commit(store, at(1), SubjectWrite { inputs, ..write(&ward) }).await;
    let positions = async |after, limit| {
        let events = store.alert_events(alert_id(1), after, limit).await.unwrap();
        events.iter().map(|e| e.point.position).collect::<Vec<_>>()
    };
    assert_eq!(positions(0, 10).await, [1, 3, 5]);
    assert_eq!(positions(1, 1).await, [3]);
    assert_eq!(positions(5, 10).await, Vec::<i64>::new());
}
