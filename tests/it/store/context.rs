use bytes::Bytes;
use wardwatch::store::{ConfigChange, ConfigKind, ConfigOutcome, ContextKind, ContextWrite, Store, StoreError};

use super::fixture::*;

const STRIKE: &str = "strikes/bma-2016-04-26";

fn version(name: &str, version: i64) -> ContextWrite {
    let kind = if name.starts_with("strikes/") { ContextKind::Strike } else { ContextKind::Policy };
    ContextWrite { kind, name: name.into(), version, payload: format!("{name}@{version}").into() }
}

/// A change of strikes and policies alone.
fn context(base: i64, context: Vec<ContextWrite>) -> ConfigChange {
    ConfigChange { context, ..change(base, vec![]) }
}

async fn names(store: &dyn Store, newer_than: i64) -> Vec<(String, i64)> {
    let config = store.load_config(newer_than).await.unwrap();
    config.context.into_iter().map(|c| (c.name, c.version)).collect()
}

pub async fn a_strike_is_kept_version_by_version(fresh: &Fresh) {
    let store = &*fresh.store;
    for (base, text) in [(0, "first"), (1, "shortened"), (2, "called off")] {
        let write = ContextWrite { payload: text.into(), ..version(STRIKE, base + 1) };
        let changed = ConfigChange { now: at(base * 60), ..context(base, vec![write]) };
        assert_eq!(store.change_config(&changed).await.unwrap(), ConfigOutcome::Changed(base + 1));
    }
    let config = store.load_config(0).await.unwrap();
    assert_eq!((config.generation, config.rows.len(), config.context.len()), (3, 0, 3));
    let last = &config.context[2];
    assert_eq!((last.kind, &*last.name, last.version), (ContextKind::Strike, STRIKE, 3));
    assert_eq!((last.generation, last.recorded, &*last.payload), (3, at(120), &b"called off"[..]));

    let newest_first = store.context_versions(STRIKE, None, 10).await.unwrap();
    assert_eq!(newest_first, config.context.iter().rev().cloned().collect::<Vec<_>>());
    let below = store.context_versions(STRIKE, Some(3), 1).await.unwrap();
    assert_eq!(below, config.context[1..2]);
    assert_eq!(store.context_versions("strikes/none", None, 10).await.unwrap(), []);
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit WHERE subject IS NULL AND position = 0").await, 3);
    assert_eq!(store.head().await.unwrap().generation, 3);
}

pub async fn only_newer_versions_are_loaded_by_name_and_then_version(fresh: &Fresh) {
    let store = &*fresh.store;
    registered(store, "RJ1", &["A1"]).await;
    // Ten versions, so that they are seen to be numbers; names that a locale would order otherwise.
    let (ours, others) = ("organisations/RJ1/policy", "strikes/a-2");
    let first = vec![version("strikes/a1", 1), version(others, 10), version(others, 9), version("policies/default", 1)];
    store.change_config(&context(1, first)).await.unwrap();
    store.change_config(&context(2, vec![version(ours, 1), version("policies/default", 2)])).await.unwrap();
    let expected =
        [(ours, 1), ("policies/default", 1), ("policies/default", 2), (others, 9), (others, 10), ("strikes/a1", 1)];
    assert_eq!(names(store, 0).await, expected.map(|(name, version)| (name.to_owned(), version)));
    assert_eq!(names(store, 2).await, [(ours.to_owned(), 1), ("policies/default".to_owned(), 2)]);
    assert_eq!(names(store, 3).await, []);
    assert_eq!(store.load_config(2).await.unwrap().rows, []);
}

pub async fn a_version_that_is_there_is_refused_and_with_it_the_whole_change(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward_before = registered(store, "RJ1", &["A1"]).await.remove(0);
    store.change_config(&context(1, vec![version(STRIKE, 1)])).await.unwrap();
    let again = ContextWrite { payload: Bytes::from_static(b"overwritten"), ..version(STRIKE, 1) };
    let twice = vec![version("strikes/other", 1), version("strikes/other", 1)];
    for wrong in [vec![version("strikes/new", 1), again], twice] {
        let wrong = ConfigChange {
            rows: vec![config_write(ward("RJ1", "A1"), "renamed"), config_write(ward("RJ1", "A2"), "new")],
            touched: vec![ward_before.organisation],
            ..context(2, wrong)
        };
        let refused = store.change_config(&wrong).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
    let config = store.load_config(0).await.unwrap();
    assert_eq!((config.generation, config.rows.len(), config.context.len()), (2, 2, 1));
    assert_eq!(&*config.context[0].payload, format!("{STRIKE}@1").as_bytes());
    assert_eq!(subject(store, ward_before.number).await.etag, ward_before.etag);
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit").await, 2);
    // The store goes on.
    let changed = store.change_config(&context(2, vec![version(STRIKE, 2)])).await.unwrap();
    assert_eq!(changed, ConfigOutcome::Changed(3));
}

pub async fn a_strike_changed_from_an_old_generation_leaves_no_version(fresh: &Fresh) {
    let store = &*fresh.store;
    let before = registered(store, "RJ1", &["A1"]).await.remove(0);
    for base in [0, 2] {
        let late = ConfigChange { touched: vec![before.number], ..context(base, vec![version(STRIKE, 1)]) };
        assert_eq!(store.change_config(&late).await.unwrap(), ConfigOutcome::Conflict);
    }
    assert_eq!(names(store, 0).await, []);
    assert_eq!(subject(store, before.number).await.etag, before.etag);
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit").await, 1);
}

/// Each makes the next version of the same strike until it has made five; nobody's version may be lost.
pub async fn a_strike_changed_by_four_at_once_loses_no_version(fresh: &Fresh) {
    let mut writers = Vec::new();
    for (store, who) in fresh.replicas(4).await.into_iter().zip(1..) {
        writers.push(tokio::spawn(async move {
            let (mut mine, mut conflicts) = (0, 0);
            while mine < 5 {
                let config = store.load_config(0).await.unwrap();
                let next = config.context.last().map_or(1, |c| c.version + 1);
                let write = ContextWrite { payload: format!("by {who}").into(), ..version(STRIKE, next) };
                match store.change_config(&context(config.generation, vec![write])).await.unwrap() {
                    ConfigOutcome::Changed(_) => mine += 1,
                    ConfigOutcome::Conflict => conflicts += 1,
                }
            }
            conflicts
        }));
    }
    let mut conflicts = 0;
    for writer in writers {
        conflicts += writer.await.unwrap();
    }
    let config = fresh.store.load_config(0).await.unwrap();
    assert_eq!(config.generation, 20);
    let versions: Vec<_> = config.context.iter().map(|c| (c.version, c.generation)).collect();
    assert_eq!(versions, (1..=20).map(|n| (n, n)).collect::<Vec<_>>());
    for who in 1..=4 {
        let by = format!("by {who}");
        assert_eq!(config.context.iter().filter(|c| *c.payload == *by.as_bytes()).count(), 5, "{by}");
    }
    assert!(conflicts > 0, "they must get in each other's way");
}

pub async fn a_strike_makes_thousands_of_subjects_due(fresh: &Fresh) {
    let store = &*fresh.store;
    let codes: Vec<String> = (0..3_000).map(|n| format!("W{n}")).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let wards = registered(store, "RJ1", &codes).await;
    let numbers: Vec<i64> = wards.iter().map(|w| w.number).collect();
    let (touched, left) = numbers.split_at(2_900);
    let strike = ConfigChange { touched: touched.to_vec(), now: at(60), ..context(1, vec![version(STRIKE, 1)]) };
    assert_eq!(store.change_config(&strike).await.unwrap(), ConfigOutcome::Changed(2));
    let due = subjects(store, touched).await;
    assert_eq!(due.len(), 2_900);
    assert!(due.iter().all(|s| (s.etag, s.generation, s.next_check) == (strike.tag, 2, Some(at(60)))));
    let others = subjects(store, left).await;
    assert!(others.iter().all(|s| (s.etag, s.generation) == (wards[0].etag, 1)));
}

/// Every change writes the ward and a version of the strike; no reader may see the one without the other.
pub async fn register_and_strikes_are_loaded_in_one_view(fresh: &Fresh) {
    registered(&*fresh.store, "RJ1", &["A1"]).await;
    let writer = fresh.store.clone();
    let writing = tokio::spawn(async move {
        for base in 1..=40 {
            let rows = vec![config_write(ward("RJ1", "A1"), &base.to_string())];
            let both = ConfigChange { rows, ..context(base, vec![version(STRIKE, base)]) };
            assert_eq!(writer.change_config(&both).await.unwrap(), ConfigOutcome::Changed(base + 1));
        }
    });
    loop {
        let done = writing.is_finished();
        let config = fresh.store.load_config(0).await.unwrap();
        let newest = config.rows.iter().map(|r| r.generation).max().unwrap();
        assert_eq!(newest, config.generation);
        assert_eq!(config.context.last().map_or(1, |c| c.generation), config.generation);
        if done {
            break;
        }
    }
    writing.await.unwrap();
    assert_eq!(fresh.store.head().await.unwrap().generation, 41);
}

pub async fn a_cover_group_is_registered_like_a_ward(fresh: &Fresh) {
    let store = &*fresh.store;
    let rows = [organisation("RJ1"), ward("RJ1", "A1"), group("RJ1", "ALL")].map(|name| config_write(name, "x"));
    store.change_config(&change(0, rows.to_vec())).await.unwrap();
    let again = vec![config_write(group("RJ1", "ALL"), "explicit")];
    store.change_config(&change(1, again)).await.unwrap();
    let rows = store.load_config(0).await.unwrap().rows;
    let found: Vec<_> = rows.iter().map(|r| (r.kind, r.name.clone(), r.generation)).collect();
    assert_eq!(
        found,
        [
            (ConfigKind::Organisation, organisation("RJ1"), 1),
            (ConfigKind::Ward, ward("RJ1", "A1"), 1),
            (ConfigKind::CoverGroup, group("RJ1", "ALL"), 2),
        ]
    );
    let group = subject(store, rows[2].number).await;
    assert_eq!((group.organisation, group.generation), (rows[0].number, 2));
    let of_its_kind = "SELECT count(*) FROM subject WHERE kind = 2 AND name = 'organisations/RJ1/coverGroups/ALL'";
    assert_eq!(fresh.place.number(of_its_kind).await, 1);
}

pub async fn what_only_a_later_version_knows_is_left_out(fresh: &Fresh) {
    let store = &*fresh.store;
    registered(store, "RJ1", &["A1"]).await;
    fresh.place.execute("INSERT INTO context SELECT 'new/x', 1, 99, 1, 0, payload FROM config LIMIT 1").await.unwrap();
    fresh.place.execute("UPDATE config SET kind = 99 WHERE kind = 1").await.unwrap();
    let config = store.load_config(0).await.unwrap();
    assert_eq!((config.generation, config.rows.len(), config.context.len()), (1, 1, 0));
}

pub async fn nobody_can_change_a_strike_that_was_written(fresh: &Fresh) {
    fresh.store.change_config(&context(0, vec![version(STRIKE, 1)])).await.unwrap();
    for tampering in ["UPDATE context SET version = 2", "DELETE FROM context"] {
        let refused = fresh.place.execute(tampering).await;
        assert!(refused.is_err_and(|e| e.to_string().contains("append-only")), "{tampering}");
    }
    assert_eq!(names(&*fresh.store, 0).await, [(STRIKE.to_owned(), 1)]);
}
