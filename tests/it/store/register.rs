use wardwatch::store::{Config, ConfigChange, ConfigKind, ConfigOutcome, StoreError, SubjectWrite};

use super::fixture::*;

pub async fn a_registered_ward_is_found_with_its_first_state(fresh: &Fresh) {
    let store = &*fresh.store;
    assert_eq!(store.load_config(0).await.unwrap(), Config::default());
    let rows = vec![config_write(organisation("RJ1"), "Guy's"), config_write(ward("RJ1", "A1"), "Ward A1")];
    let change = change(0, rows);
    assert_eq!(store.change_config(&change).await.unwrap(), ConfigOutcome::Changed(1));

    let Config { generation, rows, context: _ } = store.load_config(0).await.unwrap();
    assert_eq!(generation, 1);
    let kinds: Vec<_> = rows.iter().map(|r| (r.kind, r.name.clone(), &*r.payload)).collect();
    assert_eq!(
        kinds,
        [
            (ConfigKind::Organisation, organisation("RJ1"), &b"Guy's"[..]),
            (ConfigKind::Ward, ward("RJ1", "A1"), &b"Ward A1"[..])
        ]
    );
    let found = subjects(store, &[rows[0].number, rows[1].number]).await;
    assert!(found.iter().all(|s| s.organisation == rows[0].number && s.etag == change.tag && s.generation == 1));
    assert_eq!(found[1].name, ward("RJ1", "A1"));
    assert_eq!(
        (&*found[1].hot, &*found[1].cold, &*found[1].summary),
        (&b"first hot"[..], &b"first cold"[..], &b""[..])
    );
    assert_eq!(found[1].next_check, Some(at(3_600)));
    assert_eq!(store.head().await.unwrap().generation, 1);
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit WHERE position = 0").await, 1);
}

pub async fn registering_again_touches_the_subject_and_keeps_its_state(fresh: &Fresh) {
    let store = &*fresh.store;
    let before = registered(store, "RJ1", &["A1", "A2"]).await;
    let written = SubjectWrite { next_check: Some(None), ..write(&before[0]) };
    commit(store, at(1), written).await;
    // A2 is new to nobody, A3 is; the organisation is known from before and need not be named.
    let rows = vec![config_write(ward("RJ1", "A1"), "closed"), config_write(ward("RJ1", "A3"), "new")];
    let again = ConfigChange { now: at(30), ..change(1, rows) };
    assert_eq!(store.change_config(&again).await.unwrap(), ConfigOutcome::Changed(2));

    let after = subject(store, before[0].number).await;
    assert_eq!((after.etag, after.generation, after.next_check), (again.tag, 2, Some(at(30))));
    assert_eq!((&*after.hot, &*after.cold), (&b"hot"[..], &b"first cold"[..]));
    let untouched = subject(store, before[1].number).await;
    assert_eq!((untouched.etag, untouched.generation), (before[1].etag, 1));
    let rows = store.load_config(1).await.unwrap().rows;
    assert_eq!(rows.iter().map(|r| &*r.payload).collect::<Vec<_>>(), [&b"closed"[..], &b"new"[..]]);
    assert_eq!(rows[0].number, before[0].number);
    assert_eq!(subject(store, rows[1].number).await.organisation, before[0].organisation);
}

pub async fn a_change_from_an_old_generation_conflicts(fresh: &Fresh) {
    let store = &*fresh.store;
    let before = registered(store, "RJ1", &["A1"]).await.remove(0);
    for base in [0, 2] {
        let rows = vec![config_write(ward("RJ1", "A1"), "late"), config_write(ward("RJ1", "A9"), "late")];
        let late = ConfigChange { touched: vec![before.organisation], ..change(base, rows) };
        assert_eq!(store.change_config(&late).await.unwrap(), ConfigOutcome::Conflict);
    }
    let config = store.load_config(0).await.unwrap();
    assert_eq!((config.generation, config.rows.len()), (1, 2));
    assert_eq!(subject(store, before.number).await.etag, before.etag);
    assert_eq!(subject(store, before.organisation).await.etag, before.etag);
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit").await, 1);
}

pub async fn of_two_changes_at_once_one_wins(fresh: &Fresh) {
    let mut changes = Vec::new();
    for (store, n) in fresh.replicas(4).await.into_iter().zip(0..) {
        let rows = vec![config_write(organisation("RJ1"), "x"), config_write(ward("RJ1", &format!("W{n}")), "x")];
        changes.push(tokio::spawn(async move { store.change_config(&change(0, rows)).await.unwrap() }));
    }
    let mut outcomes = Vec::new();
    for change in changes {
        outcomes.push(change.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|o| **o == ConfigOutcome::Changed(1)).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|o| **o == ConfigOutcome::Conflict).count(), 3, "{outcomes:?}");
    assert_eq!(fresh.store.load_config(0).await.unwrap().rows.len(), 2);
}

pub async fn only_newer_rows_are_loaded(fresh: &Fresh) {
    let store = &*fresh.store;
    registered(store, "RJ1", &["A1"]).await;
    registered(store, "RJ2", &["B1", "B2"]).await;
    let names = async |newer_than| {
        let config = store.load_config(newer_than).await.unwrap();
        assert_eq!(config.generation, 2);
        config.rows.into_iter().map(|r| r.name).collect::<Vec<_>>()
    };
    assert_eq!(names(0).await.len(), 5);
    assert_eq!(names(1).await, [organisation("RJ2"), ward("RJ2", "B1"), ward("RJ2", "B2")]);
    assert_eq!(names(2).await, []);
}

pub async fn a_ward_without_its_organisation_is_refused(fresh: &Fresh) {
    let store = &*fresh.store;
    registered(store, "RJ1", &["A1"]).await;
    let rows = vec![config_write(ward("RJ1", "A2"), "fine"), config_write(ward("RXX", "A1"), "orphan")];
    let refused = store.change_config(&change(1, rows)).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(store.load_config(1).await.unwrap(), Config { generation: 1, ..Config::default() });
}

pub async fn the_register_makes_further_subjects_due(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1", "A2"]).await;
    let further = ConfigChange { touched: vec![wards[1].number], now: at(60), ..change(1, vec![]) };
    assert_eq!(store.change_config(&further).await.unwrap(), ConfigOutcome::Changed(2));
    let touched = subject(store, wards[1].number).await;
    assert_eq!((touched.etag, touched.generation, touched.next_check), (further.tag, 2, Some(at(60))));
    assert_eq!(store.due_subjects(at(60), 10).await.unwrap(), [wards[1].number]);
}
