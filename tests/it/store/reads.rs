use bytes::Bytes;
use wardwatch::store::{Store, SubjectWrite};

use super::fixture::*;

/// An organisation with a ward A1 and a cover group MED, and their numbers in this order.
async fn hospital(store: &dyn Store, code: &str) -> [i64; 3] {
    let base = store.head().await.unwrap().generation;
    let rows = [organisation(code), ward(code, "A1"), group(code, "MED")].map(|name| config_write(name, "x"));
    store.change_config(&change(base, rows.to_vec())).await.unwrap();
    let rows = store.load_config(base).await.unwrap().rows;
    [rows[0].number, rows[1].number, rows[2].number]
}

/// Gives these subjects summaries that name them.
async fn summarised(store: &dyn Store, numbers: &[i64]) {
    let says = |s: &wardwatch::store::SubjectRow| SubjectWrite { summary: Some(s.name.to_string().into()), ..write(s) };
    let writes = subjects(store, numbers).await.iter().map(says).collect();
    assert!(store.commit(&batch(at(1), writes)).await.unwrap().won.iter().all(|won| *won));
}

pub async fn summaries_are_those_of_wards_and_cover_groups(fresh: &Fresh) {
    let store = &*fresh.store;
    let first = hospital(store, "RJ1").await;
    let second = hospital(store, "RJ2").await;
    hospital(store, "RJ3").await;
    summarised(store, &[first[0], first[1], second[2]]).await;
    let mut found = store.subject_summaries(&[first[0], second[0]]).await.unwrap();
    found.sort();
    let text = |name: &str| Bytes::from(name.to_owned());
    assert_eq!(
        found,
        [
            (first[0], ward("RJ1", "A1"), text("organisations/RJ1/wards/A1")),
            (first[0], group("RJ1", "MED"), Bytes::new()),
            (second[0], ward("RJ2", "A1"), Bytes::new()),
            (second[0], group("RJ2", "MED"), text("organisations/RJ2/coverGroups/MED")),
        ]
    );
}

pub async fn summaries_are_found_by_number_whatever_they_are_of(fresh: &Fresh) {
    let store = &*fresh.store;
    let first = hospital(store, "RJ1").await;
    let second = hospital(store, "RJ2").await;
    summarised(store, &first).await;
    let mut found = store.summaries_of(&[first[2], 999_999, first[0], second[1]]).await.unwrap();
    found.sort();
    let text = |name: &str| Bytes::from(name.to_owned());
    assert_eq!(
        found,
        [
            (first[0], organisation("RJ1"), text("organisations/RJ1")),
            (first[2], group("RJ1", "MED"), text("organisations/RJ1/coverGroups/MED")),
            (second[1], ward("RJ2", "A1"), Bytes::new()),
        ]
    );
    assert_eq!(store.summaries_of(&[]).await.unwrap(), []);
}

pub async fn a_survey_holds_every_subject_and_the_head(fresh: &Fresh) {
    let store = &*fresh.store;
    let (head, none) = store.survey(&[]).await.unwrap();
    assert_eq!((head.point.position, head.generation, none.len()), (0, 0, 0));
    let first = hospital(store, "RJ1").await;
    let second = hospital(store, "RJ2").await;
    let third = hospital(store, "RJ3").await;
    let raised = raising(&subject(store, second[1]).await, vec![alert(1, OPEN)]);
    let done = commit(store, at(60), raised).await;

    let (head, all) = store.survey(&[]).await.unwrap();
    let expected = store.head().await.unwrap();
    assert_eq!((head.log_id, head.point, head.log_time), (expected.log_id, done.point, at(60)));
    assert_eq!((head.generation, head.trimmed), (3, expected.trimmed));
    let numbers = |of: &[[i64; 3]]| of.iter().flatten().copied().collect::<Vec<_>>();
    assert_eq!(all.iter().map(|s| s.number).collect::<Vec<_>>(), numbers(&[first, second, third]));
    let loaded = subjects(store, &numbers(&[first, second, third])).await;
    assert_eq!(format!("{all:?}"), format!("{loaded:?}"), "a survey's subjects are as loaded");

    let (head, some) = store.survey(&[third[0], first[0], 999_999]).await.unwrap();
    assert_eq!(head.point, done.point);
    assert_eq!(some.iter().map(|s| s.number).collect::<Vec<_>>(), numbers(&[first, third]));
    let (head, none) = store.survey(&[999_999]).await.unwrap();
    assert_eq!((head.point, none.len()), (done.point, 0));
}

/// Every commit writes both wards and the log; a survey must see all of a commit or nothing of it.
pub async fn a_survey_is_of_one_position_of_the_log(fresh: &Fresh) {
    let wards = registered(&*fresh.store, "RJ1", &["A1", "A2"]).await;
    let numbers = [wards[0].number, wards[1].number];
    commit_both(&*fresh.store, &numbers).await;
    let writer = fresh.store.clone();
    let writing = tokio::spawn(async move {
        for _ in 0..60 {
            commit_both(&*writer, &numbers).await;
        }
    });
    loop {
        let done = writing.is_finished();
        let (head, subjects) = fresh.store.survey(&[wards[0].organisation]).await.unwrap();
        let etags: Vec<i64> = subjects.iter().filter(|s| numbers.contains(&s.number)).map(|s| s.etag).collect();
        assert_eq!(etags, [head.point.tag; 2]);
        if done {
            break;
        }
    }
    writing.await.unwrap();
}

async fn commit_both(store: &dyn Store, numbers: &[i64]) {
    let writes = subjects(store, numbers).await;
    let writes = writes.iter().map(|s| SubjectWrite { inputs: vec![input(&[1])], ..write(s) }).collect();
    assert_eq!(store.commit(&batch(at(1), writes)).await.unwrap().won, [true, true]);
}
