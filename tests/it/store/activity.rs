use bytes::Bytes;
use wardwatch::store::{ActivityChange, ActivityRow, Store};

use super::fixture::*;

/// 26 April 2016, the first day of the strike.
const DAY: i64 = 16_917;

fn row(organisation: i64, day: i64, category: i32, figures: [Option<i64>; 3]) -> ActivityRow {
    let [planned, delivered, postponed] = figures;
    let (source, received) = ("PAS".to_owned(), at(10));
    ActivityRow { organisation, day, category, planned, delivered, postponed, source, received }
}

fn put(rows: Vec<ActivityRow>) -> ActivityChange {
    ActivityChange { rows, touched: vec![], tag: tag(), now: at(60), audit: Bytes::from_static(b"activity") }
}

async fn organisation_of(store: &dyn Store, code: &str) -> i64 {
    registered(store, code, &["A1"]).await.remove(0).organisation
}

pub async fn corrections_replace_and_what_is_not_reported_stays_unknown(fresh: &Fresh) {
    let store = &*fresh.store;
    let trust = organisation_of(store, "RJ1").await;
    let first = row(trust, DAY, 1, [Some(40), None, Some(0)]);
    let other = row(trust, DAY, 2, [Some(7), Some(7), Some(0)]);
    store.put_activity(&put(vec![first.clone(), other.clone()])).await.unwrap();
    assert_eq!(store.activity(&[trust], DAY, DAY).await.unwrap(), [first, other.clone()]);

    // Whole rows replace: what the correction does not say is not reported any more.
    let corrected =
        ActivityRow { source: "EPR".into(), received: at(15), ..row(trust, DAY, 1, [None, Some(31), Some(9)]) };
    store.put_activity(&put(vec![corrected.clone()])).await.unwrap();
    assert_eq!(store.activity(&[trust], DAY, DAY).await.unwrap(), [corrected.clone(), other.clone()]);

    // One that was given up on the way, and arrives after its successor.
    let late = ActivityRow { received: at(14), ..row(trust, DAY, 1, [Some(1), Some(1), Some(1)]) };
    store.put_activity(&put(vec![late])).await.unwrap();
    assert_eq!(store.activity(&[trust], DAY, DAY).await.unwrap(), [corrected, other]);
    assert_eq!(fresh.place.number("SELECT count(*) FROM activity").await, 2);
}

pub async fn the_last_of_two_figures_in_one_call_counts(fresh: &Fresh) {
    let store = &*fresh.store;
    let trust = organisation_of(store, "RJ1").await;
    let [first, last] = [1, 2].map(|n| row(trust, DAY, 1, [Some(n), None, None]));
    store.put_activity(&put(vec![first, last.clone()])).await.unwrap();
    assert_eq!(store.activity(&[trust], DAY, DAY).await.unwrap(), [last]);
}

pub async fn activity_is_listed_by_organisation_day_and_category(fresh: &Fresh) {
    let store = &*fresh.store;
    let first = organisation_of(store, "RJ1").await;
    let second = organisation_of(store, "RJ2").await;
    let at = |organisation, day, category| row(organisation, day, category, [Some(1), Some(1), Some(1)]);
    let rows =
        [at(first, DAY - 1, 3), at(first, DAY, 1), at(first, DAY, 2), at(second, DAY, 1), at(second, DAY + 1, 1)];
    store.put_activity(&put(rows.iter().rev().cloned().collect())).await.unwrap();
    assert_eq!(store.activity(&[], i64::MIN, i64::MAX).await.unwrap(), rows);
    assert_eq!(store.activity(&[], DAY, DAY).await.unwrap(), rows[1..4]);
    assert_eq!(store.activity(&[second, first], DAY - 1, DAY).await.unwrap(), rows[..4]);
    assert_eq!(store.activity(&[second, 999_999], DAY, DAY + 1).await.unwrap(), rows[3..]);
    assert_eq!(store.activity(&[999_999], DAY, DAY).await.unwrap(), []);
    assert_eq!(store.activity(&[], DAY + 1, DAY).await.unwrap(), []);
}

pub async fn activity_makes_its_organisation_due_and_leaves_an_audit_entry(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let before = subject(store, ward.organisation).await;
    let change =
        ActivityChange { touched: vec![before.number], ..put(vec![row(before.number, DAY, 1, [Some(1), None, None])]) };
    store.put_activity(&change).await.unwrap();
    let after = subject(store, before.number).await;
    assert_eq!((after.etag, after.generation), (change.tag, before.generation));
    assert_eq!((after.next_check, &*after.hot), (Some(at(60)), &*before.hot));
    assert_eq!(subject(store, ward.number).await.etag, ward.etag);
    assert_eq!(store.due_subjects(at(60), 10).await.unwrap(), [before.number]);
    let audit = "SELECT count(*) FROM audit WHERE position = 0 AND subject = ";
    assert_eq!(fresh.place.number(&format!("{audit}{}", before.number)).await, 1);
    // What was judged before the figures came has lost.
    assert_eq!(store.commit(&batch(at(61), vec![write(&before)])).await.unwrap().won, [false]);
    // The register and the log are as they were.
    let head = store.head().await.unwrap();
    assert_eq!((head.generation, head.point.position), (1, 0));
}

pub async fn activity_of_many_organisations_is_stored_whole(fresh: &Fresh) {
    let store = &*fresh.store;
    let trusts = [organisation_of(store, "RJ1").await, organisation_of(store, "RJ2").await];
    let rows = (0..700).map(|n| row(trusts[usize::from(n % 2 == 0)], DAY + n, 1, [Some(n), None, Some(0)])).collect();
    let change = ActivityChange { touched: trusts.to_vec(), ..put(rows) };
    store.put_activity(&change).await.unwrap();
    let found = store.activity(&trusts, DAY, DAY + 699).await.unwrap();
    assert_eq!(found.len(), 700);
    assert_eq!(found.iter().filter_map(|r| r.planned).sum::<i64>(), 699 * 350);
    assert!(subjects(store, &trusts).await.iter().all(|s| s.etag == change.tag));
    // About more than one subject: under none of them.
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit WHERE subject IS NOT NULL").await, 0);
    assert_eq!(fresh.place.number("SELECT count(*) FROM audit").await, 3);
}
