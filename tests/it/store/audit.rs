use bytes::Bytes;
use wardwatch::domain::Time;
use wardwatch::store::{AuditQuery, AuditRow, InputRows, Store, SubjectRow, SubjectWrite};

use super::fixture::*;

/// Everything.
fn everything() -> AuditQuery {
    AuditQuery { limit: 100, ..AuditQuery::default() }
}

/// An action on a subject that makes no event.
fn action(subject: &SubjectRow, entry: &'static str) -> SubjectWrite {
    let inputs = vec![InputRows { events: vec![], audit: Some(Bytes::from_static(entry.as_bytes())) }];
    SubjectWrite { subject: subject.number, base: subject.etag, inputs, ..SubjectWrite::default() }
}

async fn entries(store: &dyn Store, query: AuditQuery) -> Vec<String> {
    let found = store.list_audit(&query).await.unwrap();
    found.iter().map(|row| String::from_utf8(row.entry.to_vec()).unwrap()).collect()
}

/// Ten actions, a minute apart, on two wards in turn.
async fn ten_actions(store: &dyn Store) -> Vec<SubjectRow> {
    let wards = registered(store, "RJ1", &["A1", "A2"]).await;
    let names = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    for ((name, minute), ward) in names.into_iter().zip(0..).zip(wards.iter().cycle()) {
        commit(store, at(minute * 60), action(&subject(store, ward.number).await, name)).await;
    }
    wards
}

pub async fn an_action_without_an_event_leaves_its_entry(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    assert!(!action(&ward, "seen").is_check());
    let done = commit(store, at(60), action(&ward, "seen")).await;
    assert_eq!(done.point.position, 0);
    let found = store.list_audit(&AuditQuery { after: 1, ..everything() }).await.unwrap();
    let entry = Bytes::from_static(b"seen");
    let expected = AuditRow { sequence: 2, recorded: at(60), subject: Some(ward.number), position: 0, entry };
    assert_eq!(found, [expected]);
    let after = subject(store, ward.number).await;
    assert_eq!((after.etag == ward.etag, after.hot, after.next_check), (false, ward.hot.clone(), ward.next_check));
    // On a stale etag there is no entry.
    assert_eq!(store.commit(&batch(at(61), vec![action(&ward, "late")])).await.unwrap().won, [false]);
    assert_eq!(entries(store, everything()).await, ["register", "seen"]);
}

pub async fn entries_with_and_without_events_keep_their_order(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let said = |entry, alerts: &[u64]| InputRows { audit: Some(Bytes::from_static(entry)), ..input(alerts) };
    let inputs = vec![said(b"first", &[1, 2]), said(b"second", &[]), said(b"third", &[1]), InputRows::default()];
    commit(store, at(1), SubjectWrite { inputs, ..write(&ward) }).await;
    let found = store.list_audit(&AuditQuery { subjects: vec![ward.number], ..everything() }).await.unwrap();
    let shown: Vec<_> = found.iter().map(|row| (&*row.entry, row.position)).collect();
    assert_eq!(shown, [(&b"first"[..], 2), (&b"second"[..], 0), (&b"third"[..], 3)]);
}

pub async fn the_audit_is_listed_by_time_and_subject(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = ten_actions(store).await;
    let minute = |n: i64| -> Option<Time> { Some(at(n * 60)) };
    let all = entries(store, everything()).await;
    assert_eq!(all.concat(), "register0123456789");
    let in_time = |from, to| AuditQuery { from, to, ..everything() };
    assert_eq!(entries(store, in_time(minute(3), minute(6))).await, ["3", "4", "5"]);
    assert_eq!(entries(store, in_time(minute(8), None)).await, ["8", "9"]);
    assert_eq!(entries(store, in_time(None, minute(1))).await, ["register", "0"]);
    assert_eq!(entries(store, in_time(minute(6), minute(3))).await, [""; 0]);
    let of = |ward: &SubjectRow| AuditQuery { subjects: vec![ward.number, 999_999], ..everything() };
    assert_eq!(entries(store, of(&wards[1])).await, ["1", "3", "5", "7", "9"]);
    let both = AuditQuery { from: minute(3), to: minute(8), ..of(&wards[0]) };
    assert_eq!(entries(store, both).await, ["4", "6"]);
}

pub async fn pages_of_the_audit_join_whatever_is_asked_for(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = ten_actions(store).await;
    let numbers = wards.iter().map(|w| w.number).collect();
    let queries = [
        everything(),
        AuditQuery { from: Some(at(60)), ..everything() },
        AuditQuery { subjects: numbers, to: Some(at(480)), ..everything() },
    ];
    for query in queries {
        let whole = store.list_audit(&query).await.unwrap();
        assert!(whole.len() >= 8 && whole.is_sorted_by_key(|row| row.sequence), "{whole:?}");
        let mut seen: Vec<AuditRow> = Vec::new();
        loop {
            let after = seen.last().map_or(0, |row| row.sequence);
            let page = store.list_audit(&AuditQuery { after, limit: 3, ..query.clone() }).await.unwrap();
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        assert_eq!(seen, whole, "{query:?}");
    }
}
