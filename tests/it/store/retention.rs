use bytes::Bytes;
use wardwatch::domain::Time;
use wardwatch::store::{
    ActivityChange, ActivityRow, Committed, ConfigChange, ContextKind, ContextWrite, LogPoint, LogRead, Store,
    SubjectRow, SubjectWrite, Trim,
};

use super::fixture::*;

/// Commits these inputs, each at its own time, in seconds.
async fn inputs(store: &dyn Store, ward: &SubjectRow, inputs: &[(i64, &[u64])]) -> Vec<Committed> {
    let mut done = Vec::new();
    for (seconds, alerts) in inputs {
        let ward = subject(store, ward.number).await;
        let write = SubjectWrite { inputs: vec![input(alerts)], ..write(&ward) };
        done.push(commit(store, at(*seconds), write).await);
    }
    done
}

fn events_before(before: Time, limit: u32) -> Trim {
    Trim { reports_before: at(0), events_before: before, limit }
}

pub async fn old_events_go_and_the_newest_stays(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    assert_eq!(store.trim(&events_before(at(999), 10)).await.unwrap(), 0);
    let done = inputs(store, &ward, &[(10, &[1]), (20, &[2]), (30, &[3])]).await;
    assert_eq!(store.trim(&events_before(at(10), 10)).await.unwrap(), 0);
    assert_eq!(store.trim(&events_before(at(11), 10)).await.unwrap(), 1);
    assert_eq!(store.head().await.unwrap().trimmed, done[0].point);
    assert_eq!(store.trim(&events_before(at(999), 10)).await.unwrap(), 1);
    assert_eq!(store.trim(&events_before(at(999), 10)).await.unwrap(), 0);
    let head = store.head().await.unwrap();
    assert_eq!((head.trimmed, head.point), (done[1].point, done[2].point));
    assert_eq!(fresh.place.number("SELECT count(*) FROM event").await, 1);
    // The log goes on.
    let next = inputs(store, &ward, &[(40, &[4])]).await;
    assert_eq!(next[0].point.position, 4);
}

pub async fn a_place_before_the_trimmed_edge_is_expired(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let done = inputs(store, &ward, &[(10, &[1]), (20, &[2]), (30, &[3])]).await;
    store.trim(&events_before(at(25), 10)).await.unwrap();
    for gone in [LogPoint::default(), done[0].point] {
        assert_eq!(store.read_log(gone, 1_000).await.unwrap(), LogRead::Expired(done[1].point), "{gone:?}");
    }
}

pub async fn the_trimmed_edge_itself_is_a_place_to_resume(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let done = inputs(store, &ward, &[(10, &[1]), (20, &[2]), (30, &[3])]).await;
    store.trim(&events_before(at(25), 10)).await.unwrap();
    assert_eq!(read_all(store, done[1].point, 1_000).await.len(), 1);
    let stranger = LogPoint { tag: done[1].point.tag ^ 1, ..done[1].point };
    assert_eq!(store.read_log(stranger, 1_000).await.unwrap(), LogRead::OtherHistory);
}

pub async fn trimming_never_splits_an_input(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    inputs(store, &ward, &[(10, &[1, 2, 3]), (20, &[4]), (30, &[5, 6]), (40, &[7, 8])]).await;
    let edge = async || store.head().await.unwrap().trimmed.position;
    // An input longer than the limit goes whole all the same, or trimming would stand still.
    assert_eq!(store.trim(&events_before(at(99), 2)).await.unwrap(), 3);
    assert_eq!(edge().await, 3);
    assert_eq!(store.trim(&events_before(at(99), 2)).await.unwrap(), 1);
    assert_eq!(edge().await, 4);
    assert_eq!(store.trim(&events_before(at(99), 9)).await.unwrap(), 2);
    // With the newest event stays its input.
    assert_eq!(store.trim(&events_before(at(99), 9)).await.unwrap(), 0);
    assert_eq!(edge().await, 6);
}

pub async fn a_time_before_the_trimmed_edge_is_expired(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let done = inputs(store, &ward, &[(10, &[1]), (20, &[2]), (20, &[3]), (30, &[4])]).await;
    store.trim(&Trim { limit: 2, ..events_before(at(25), 2) }).await.unwrap();
    for gone in [0, 10, 20] {
        assert_eq!(store.point_at(at(gone)).await.unwrap(), Err(done[1].point), "at {gone}");
    }
    assert_eq!(store.point_at(at(21)).await.unwrap(), Ok(done[2].point));
    assert_eq!(store.point_at(at(99)).await.unwrap(), Ok(done[3].point));
}

pub async fn ended_alerts_go_with_their_last_event_and_open_ones_stay(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    commit(store, at(10), raising(&ward, vec![alert(1, OPEN), alert(2, OPEN), alert(3, RESOLVED)])).await;
    let ward = subject(store, ward.number).await;
    commit(store, at(20), raising(&ward, vec![alert(2, RESOLVED)])).await;
    let gone = store.trim(&events_before(at(15), 10)).await.unwrap();
    assert_eq!(gone, 4, "three events and the alert that ended with them");
    assert!(store.get_alert(alert_id(1)).await.unwrap().is_some(), "it is open");
    assert!(store.get_alert(alert_id(2)).await.unwrap().is_some(), "its last event is there");
    assert!(store.get_alert(alert_id(3)).await.unwrap().is_none());
}

pub async fn old_reports_go_a_few_at_a_time(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let reports = (1..=5).map(|n| report(at(i64::try_from(n).unwrap()), n)).collect();
    commit(store, at(9), SubjectWrite { reports, ..write(&ward) }).await;
    let trim = Trim { reports_before: at(4), events_before: at(0), limit: 2 };
    assert_eq!(store.trim(&trim).await.unwrap(), 2);
    assert_eq!(store.trim(&trim).await.unwrap(), 1);
    assert_eq!(store.trim(&trim).await.unwrap(), 0);
    let left = store.list_reports(ward.number, at(0), at(99), None, 10).await.unwrap();
    assert_eq!(left.iter().map(|r| r.observed).collect::<Vec<_>>(), [at(4), at(5)]);
}

pub async fn nobody_can_change_the_audit_trail(fresh: &Fresh) {
    registered(&*fresh.store, "RJ1", &["A1"]).await;
    for tampering in ["UPDATE audit SET tag = 0", "DELETE FROM audit"] {
        let refused = fresh.place.execute(tampering).await;
        assert!(refused.is_err_and(|e| e.to_string().contains("append-only")), "{tampering}");
    }
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit WHERE tag <> 0").await, 1);
}

pub async fn strikes_activity_and_the_audit_are_kept(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let (kind, name, audit) = (ContextKind::Strike, "strikes/bma-1".to_owned(), Bytes::new());
    let context = vec![ContextWrite { kind, name, version: 1, payload: Bytes::new() }];
    store.change_config(&ConfigChange { context, ..change(1, vec![]) }).await.unwrap();
    let (day, category, source, received) = (0, 1, "PAS".to_owned(), at(0));
    let (planned, delivered, postponed, organisation) = (Some(1), None, None, ward.organisation);
    let row = ActivityRow { organisation, day, category, planned, delivered, postponed, source, received };
    let activity = ActivityChange { rows: vec![row], touched: vec![], tag: tag(), now: at(0), audit };
    store.put_activity(&activity).await.unwrap();
    inputs(store, &ward, &[(10, &[1]), (20, &[2])]).await;
    let far = at(1_000_000);
    let trim = Trim { reports_before: far, events_before: far, limit: 10 };
    assert_eq!(store.trim(&trim).await.unwrap(), 1, "the older of two events");
    assert_eq!(store.load_config(0).await.unwrap().context.len(), 1);
    assert_eq!(store.activity(&[], 0, 0).await.unwrap().len(), 1);
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit").await, 5);
}
