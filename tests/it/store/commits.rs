use std::sync::Arc;

use bytes::Bytes;
use wardwatch::domain::Span;
use wardwatch::store::{AlertRow, AuditQuery, InputRows, LogPoint, LogRead, StoreError, SubjectWrite};

use super::fixture::*;

pub async fn a_commit_is_seen_whole_by_everyone(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1", "A2"]).await;
    let mut writes: Vec<_> = wards.iter().map(|w| raising(w, vec![])).collect();
    writes[0] = raising(&wards[0], vec![alert(1, OPEN), alert(2, OPEN)]);
    writes[0].cold = Some(Bytes::from_static(b"cold"));
    writes[0].summary = Some(Bytes::from_static(b"summary"));
    writes[1].reports = vec![report(at(5), 7)];
    let batch = batch(at(10), writes);
    let done = store.commit(&batch).await.unwrap();

    assert_eq!(done.won, [true, true]);
    assert_eq!(done.point, LogPoint { position: 2, tag: batch.tag });
    assert_eq!(done.log_time, at(10));
    let head = store.head().await.unwrap();
    assert_eq!((head.point, head.log_time), (done.point, at(10)));
    let first = subject(store, wards[0].number).await;
    assert_eq!((first.etag, &*first.hot, &*first.cold), (batch.tag, &b"hot"[..], &b"cold"[..]));
    assert_eq!((&*first.summary, first.next_check), (&b"summary"[..], Some(at(3_600))));
    let second = subject(store, wards[1].number).await;
    assert_eq!((second.etag, &*second.cold), (batch.tag, &b"first cold"[..]));
    let entries = read_all(store, LogPoint::default(), 10_000).await;
    assert_eq!(entries.iter().map(|e| e.point.position).collect::<Vec<_>>(), [1, 2]);
    assert!(entries.iter().all(|e| e.point.tag == batch.tag && e.time == at(10)));
    assert_eq!(store.get_alert(alert_id(2)).await.unwrap().unwrap(), "alert 2 in state 1");
    let key = wardwatch::store::ReportRowKey { observed: at(5), subject: wards[1].number, id: report_id(7) };
    assert_eq!(store.get_report(key).await.unwrap().unwrap().payload, "report 7");
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit WHERE position = 2").await, 1);
}

pub async fn a_write_on_a_stale_etag_leaves_no_trace(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1", "A2"]).await;
    commit(store, at(1), write(&wards[0])).await;
    let before = subject(store, wards[0].number).await;

    let mut loser = raising(&wards[0], vec![alert(1, OPEN)]);
    loser.reports = vec![report(at(2), 1)];
    loser.cold = Some(Bytes::from_static(b"lost"));
    loser.next_check = Some(Some(at(0)));
    let winner = raising(&wards[1], vec![alert(2, OPEN)]);
    let done = store.commit(&batch(at(3), vec![loser, winner])).await.unwrap();

    assert_eq!(done.won, [false, true]);
    assert_eq!(done.point.position, 1);
    let after = subject(store, wards[0].number).await;
    assert_eq!((after.etag, after.hot, after.cold), (before.etag, before.hot, before.cold));
    assert_eq!(after.next_check, before.next_check);
    assert_eq!(store.get_alert(alert_id(1)).await.unwrap(), None);
    assert_eq!(fresh.place.number("SELECT count(*) FROM report").await, 0);
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit WHERE subject IS NOT NULL").await, 1);
    assert_eq!(read_all(store, LogPoint::default(), 1_000).await.len(), 1);
}

pub async fn a_check_verifies_the_etag_and_changes_nothing(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1", "A2"]).await;
    let check = |subject, base| SubjectWrite { subject, base, ..SubjectWrite::default() };
    let checks = vec![
        check(wards[0].number, wards[0].etag),
        check(wards[1].number, wards[1].etag ^ 1),
        check(999_999, wards[0].etag),
    ];
    let done = store.commit(&batch(at(1), checks)).await.unwrap();
    assert_eq!(done.won, [true, false, false]);
    assert_eq!(done.point, LogPoint::default());
    assert_eq!(subject(store, wards[0].number).await.etag, wards[0].etag);
}

pub async fn a_subject_has_at_most_one_open_episode_of_a_rule(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    commit(store, at(1), raising(&ward, vec![alert(1, OPEN)])).await;
    let ward = subject(store, ward.number).await;
    let second = AlertRow { instance: "1".into(), ..alert(2, ACKNOWLEDGED) };
    let refused = store.commit(&batch(at(2), vec![raising(&ward, vec![second])])).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(subject(store, ward.number).await.etag, ward.etag);
    assert_eq!(store.open_alerts().await.unwrap().1.len(), 1);
}

pub async fn an_episode_may_end_and_its_successor_rise_in_one_commit(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    commit(store, at(1), raising(&ward, vec![alert(1, OPEN)])).await;
    let ward = subject(store, ward.number).await;
    let successor = AlertRow { instance: "1".into(), ..alert(2, OPEN) };
    commit(store, at(2), raising(&ward, vec![successor, alert(1, RESOLVED)])).await;
    let (_, open) = store.open_alerts().await.unwrap();
    assert_eq!(open.iter().map(|a| a.id).collect::<Vec<_>>(), [alert_id(2)]);
}

pub async fn touched_subjects_are_due_at_once_and_have_a_new_etag(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1", "A2"]).await;
    let organisation = wards[0].organisation;
    let touching = SubjectWrite { touches: vec![organisation, organisation], ..write(&wards[0]) };
    let batch = batch(at(60), vec![touching, SubjectWrite { touches: vec![organisation], ..write(&wards[1]) }]);
    assert_eq!(store.commit(&batch).await.unwrap().won, [true, true]);
    let touched = subject(store, organisation).await;
    assert_eq!((touched.etag, touched.next_check), (batch.tag, Some(at(60))));
    assert_eq!(&*touched.hot, b"first hot");
    assert_eq!(store.due_subjects(at(60), 10).await.unwrap(), [organisation]);

    // One that is due already does not become due later.
    let ward = subject(store, wards[0].number).await;
    commit(store, at(90), SubjectWrite { touches: vec![organisation], ..write(&ward) }).await;
    assert_eq!(subject(store, organisation).await.next_check, Some(at(60)));
}

pub async fn a_loser_touches_nobody(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1"]).await;
    let before = subject(store, wards[0].organisation).await;
    let stale = SubjectWrite { base: wards[0].etag ^ 1, touches: vec![before.number], ..write(&wards[0]) };
    assert_eq!(store.commit(&batch(at(60), vec![stale])).await.unwrap().won, [false]);
    let after = subject(store, before.number).await;
    assert_eq!((after.etag, after.next_check), (before.etag, before.next_check));
}

pub async fn a_touched_winner_is_due_at_once_whatever_it_wrote(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1", "A2"]).await;
    let writes = vec![
        SubjectWrite { next_check: Some(Some(at(7_200))), ..write(&wards[0]) },
        SubjectWrite { touches: vec![wards[0].number], ..write(&wards[1]) },
    ];
    let batch = batch(at(60), writes);
    assert_eq!(store.commit(&batch).await.unwrap().won, [true, true]);
    let touched = subject(store, wards[0].number).await;
    assert_eq!((touched.etag, touched.next_check, &*touched.hot), (batch.tag, Some(at(60)), &b"hot"[..]));
}

pub async fn a_later_next_check_may_be_set_or_withdrawn(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    commit(store, at(1), SubjectWrite { next_check: Some(Some(at(9_000))), ..write(&ward) }).await;
    let ward = subject(store, ward.number).await;
    assert_eq!(ward.next_check, Some(at(9_000)));
    commit(store, at(2), SubjectWrite { next_check: Some(None), ..write(&ward) }).await;
    let ward = subject(store, ward.number).await;
    assert_eq!(ward.next_check, None);
    assert!(!store.due_subjects(at(1_000_000), 10).await.unwrap().contains(&ward.number));
}

pub async fn due_subjects_come_longest_due_first(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1", "A2", "A3"]).await;
    let due = [300, 100, 200];
    let writes = wards.iter().zip(due).map(|(w, s)| SubjectWrite { next_check: Some(Some(at(s))), ..write(w) });
    store.commit(&batch(at(1), writes.collect())).await.unwrap();
    let numbers = |order: &[usize]| order.iter().map(|i| wards[*i].number).collect::<Vec<_>>();
    assert_eq!(store.due_subjects(at(99), 10).await.unwrap(), Vec::<i64>::new());
    assert_eq!(store.due_subjects(at(200), 10).await.unwrap(), numbers(&[1, 2]));
    assert_eq!(store.due_subjects(at(300), 2).await.unwrap(), numbers(&[1, 2]));
}

pub async fn an_impossible_row_is_refused_and_the_rest_goes_on(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1", "A2"]).await;
    let twice = SubjectWrite { reports: vec![report(at(1), 1), report(at(1), 1)], ..write(&wards[0]) };
    let refused = store.commit(&batch(at(2), vec![twice, write(&wards[1])])).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    commit(store, at(3), write(&wards[1])).await;
    assert_eq!(subject(store, wards[0].number).await.etag, wards[0].etag);
}

pub async fn a_batch_of_a_thousand_wards_commits_whole(fresh: &Fresh) {
    let store = &*fresh.store;
    let codes: Vec<String> = (0..1_000).map(|n| format!("W{n}")).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let wards = registered(store, "RJ1", &codes).await;
    let writes = (1_u64..).zip(&wards).map(|(n, ward)| {
        let alerts = if n % 6 == 0 { vec![alert(n, OPEN)] } else { vec![] };
        SubjectWrite { reports: vec![report(at(1), n)], ..raising(ward, alerts) }
    });
    let done = store.commit(&batch(at(2), writes.collect())).await.unwrap();
    assert!(done.won.iter().all(|won| *won));
    assert_eq!(done.point.position, 166);
    assert_eq!(fresh.place.number("SELECT count(*) FROM report").await, 1_000);
    let numbers: Vec<i64> = wards.iter().map(|w| w.number).collect();
    let after = subjects(store, &numbers).await;
    assert!(after.iter().all(|s| s.etag == done.point.tag && &*s.hot == b"hot"));
    assert_eq!(store.open_alerts().await.unwrap().1.len(), 166);
}

pub async fn what_was_committed_survives_a_restart(fresh: &Fresh) {
    let wards = registered(&*fresh.store, "RJ1", &["A1"]).await;
    let done = commit(&*fresh.store, at(1), raising(&wards[0], vec![alert(1, OPEN)])).await;
    let before = fresh.store.head().await.unwrap();
    fresh.store.close().await;
    let again = fresh.place.open().await.unwrap();
    let after = again.head().await.unwrap();
    assert_eq!((after.log_id, after.point, after.generation), (before.log_id, done.point, before.generation));
    assert!(matches!(again.read_log(LogPoint::default(), 1_000).await.unwrap(), LogRead::Entries(e) if e.len() == 1));
    let ward = subject(&*again, wards[0].number).await;
    commit(&*again, at(1) + Span::seconds(1), write(&ward)).await;
}

/// As it was before strikes, policies and activity had tables.
pub async fn a_database_of_the_version_before_is_brought_up_with_all_it_holds(fresh: &Fresh) {
    let wards = registered(&*fresh.store, "RJ1", &["A1"]).await;
    let done = commit(&*fresh.store, at(1), raising(&wards[0], vec![alert(1, OPEN)])).await;
    fresh.store.close().await;
    let before = "DROP TABLE context; DROP TABLE activity; DROP INDEX audit_in_time; DROP INDEX audit_of_subject; \
                  DELETE FROM _sqlx_migrations WHERE version = 20261122130000";
    fresh.place.execute(before).await.unwrap();
    if matches!(fresh.place, Place::Postgres(_)) {
        fresh.place.execute("DROP FUNCTION context_is_append_only").await.unwrap();
    }
    let again = fresh.place.open().await.unwrap();
    let config = again.load_config(0).await.unwrap();
    assert_eq!((config.generation, config.rows.len(), config.context.len()), (1, 2, 0));
    assert_eq!(again.open_alerts().await.unwrap().0, done.point);
    assert_eq!(again.activity(&[], 0, 99_999).await.unwrap(), []);
    assert_eq!(again.list_audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap().len(), 2);
}

pub async fn after_closing_everything_is_unavailable(fresh: &Fresh) {
    let store = Arc::clone(&fresh.store);
    let ward = registered(&*store, "RJ1", &["A1"]).await.remove(0);
    store.close().await;
    let write = SubjectWrite { inputs: vec![InputRows::default()], ..write(&ward) };
    assert!(matches!(store.commit(&batch(at(1), vec![write])).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.head().await, Err(StoreError::Unavailable(_))));
    store.close().await;
}
