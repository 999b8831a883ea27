use wardwatch::domain::{AlertId, ReportId, Span, Time};
use wardwatch::store::{AlertQuery, AlertRow, PastAlerts, ReportRowKey, Store, SubjectWrite};

use super::fixture::*;

/// Lists everything.
fn everything() -> AlertQuery {
    AlertQuery { limit: 100, ..AlertQuery::default() }
}

async fn ids(store: &dyn Store, query: AlertQuery) -> Vec<AlertId> {
    store.list_alerts(&query).await.unwrap().1.into_iter().map(|a| a.id).collect()
}

pub async fn open_alerts_come_in_raise_order_with_the_place_of_the_log(fresh: &Fresh) {
    let store = &*fresh.store;
    let (nowhere, none) = store.open_alerts().await.unwrap();
    assert_eq!((nowhere.position, none.len()), (0, 0));
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let first = AlertRow { raised: at(50), ..alert(1, OPEN) };
    let alerts = vec![first, alert(4, ACKNOWLEDGED), alert(3, RESOLVED), alert(2, OPEN)];
    let done = commit(store, at(60), raising(&ward, alerts)).await;
    let (point, open) = store.open_alerts().await.unwrap();
    assert_eq!(point, done.point);
    assert_eq!(open.iter().map(|a| a.id).collect::<Vec<_>>(), [alert_id(2), alert_id(4), alert_id(1)]);
    assert_eq!((open[2].raised, &*open[2].payload), (at(50), &b"alert 1 in state 1"[..]));
}

pub async fn alerts_are_filtered_by_every_field(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let other = AlertRow {
        organisation: "RJ2".into(),
        site: "RJ222".into(),
        region: "Y60".into(),
        subject: "organisations/RJ2/wards/B1".into(),
        rule: "rn.none".into(),
        condition: 2,
        peak_severity: 3,
        strike: "strikes/bma-2016-04-26".into(),
        ..alert(2, RESOLVED)
    };
    let done = commit(store, at(1), raising(&ward, vec![alert(1, OPEN), other, alert(3, ACKNOWLEDGED)])).await;
    let (point, all) = store.list_alerts(&everything()).await.unwrap();
    assert_eq!((point, all.len()), (done.point, 3));
    let only = |text: &str| vec!["none such".to_owned(), text.to_owned()];
    let queries = [
        AlertQuery { organisations: only("RJ2"), ..everything() },
        AlertQuery { sites: only("RJ222"), ..everything() },
        AlertQuery { regions: only("Y60"), ..everything() },
        AlertQuery { subjects: only("organisations/RJ2/wards/B1"), ..everything() },
        AlertQuery { rules: only("rn.none"), ..everything() },
        AlertQuery { strikes: only("strikes/bma-2016-04-26"), ..everything() },
        AlertQuery { states: vec![RESOLVED, 99], ..everything() },
        AlertQuery { condition: 2, ..everything() },
        AlertQuery { min_severity: 3, ..everything() },
    ];
    for query in queries {
        assert_eq!(ids(store, query.clone()).await, [alert_id(2)], "{query:?}");
    }
    let neither = AlertQuery { organisations: only("RJ2"), states: vec![OPEN], ..everything() };
    let (point, found) = store.list_alerts(&neither).await.unwrap();
    assert_eq!((point, found.len()), (done.point, 0));
    let both = AlertQuery { states: vec![OPEN, ACKNOWLEDGED], min_severity: 2, ..everything() };
    assert_eq!(ids(store, both).await, [alert_id(1), alert_id(3)]);
}

pub async fn forecasts_are_left_out_when_nobody_asks_for_them(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let forecast = AlertRow { forecast: true, ..alert(2, OPEN) };
    let done = commit(store, at(1), raising(&ward, vec![alert(1, OPEN), forecast, alert(3, OPEN)])).await;
    for (no_forecasts, expected) in [(true, vec![1, 3]), (false, vec![1, 2, 3])] {
        let query = AlertQuery { no_forecasts, ..everything() };
        let expected: Vec<_> = expected.into_iter().map(alert_id).collect();
        assert_eq!(ids(store, query.clone()).await, expected);
        assert_eq!(ids(store, AlertQuery { descending: true, ..query.clone() }).await.len(), expected.len());
        let PastAlerts::Alerts(past) = store.alerts_as_of(&query, done.point).await.unwrap() else { panic!() };
        assert_eq!(past.into_iter().map(|a| a.id).collect::<Vec<_>>(), expected, "as of now");
    }
    let strike = AlertQuery { strikes: vec!["strikes/x".into()], ..everything() };
    let PastAlerts::Alerts(past) = store.alerts_as_of(&strike, done.point).await.unwrap() else { panic!() };
    assert!(past.is_empty());
}

pub async fn eight_digits_name_an_alert(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    commit(store, at(1), raising(&ward, vec![alert(0x11, OPEN), alert(0x12, OPEN), alert(0xAB, OPEN)])).await;
    let found = async |prefix: &str| ids(store, AlertQuery { id_prefix: prefix.into(), ..everything() }).await;
    assert_eq!(found("00000012").await, [alert_id(0x12)]);
    assert_eq!(found("0000001").await, [alert_id(0x11), alert_id(0x12)]);
    assert_eq!(found("000000AB").await, found("000000ab").await);
    assert_eq!(found("000000ab").await, [alert_id(0xAB)]);
    assert_eq!(found(&alert_id(0x12).0.simple().to_string()).await, [alert_id(0x12)]);
    for nothing in ["f", "ward A1", "%", "-0000001", &"0".repeat(33)] {
        assert_eq!(found(nothing).await, [], "{nothing}");
    }
}

pub async fn pages_join_without_gap_or_overlap_in_both_directions(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    // Three raised at each of the same instants, so that ids decide.
    let raised = |n: u64| at(i64::try_from(n / 3).unwrap());
    let alerts: Vec<_> = (1..=10).map(|n| AlertRow { raised: raised(n), ..alert(n, OPEN) }).collect();
    commit(store, at(60), raising(&ward, alerts)).await;
    let in_order: Vec<_> = (1..=10).map(alert_id).collect();
    for descending in [false, true] {
        let mut seen = Vec::new();
        let mut after: Option<(Time, AlertId)> = None;
        loop {
            let query = AlertQuery { limit: 3, descending, after, ..everything() };
            let (_, page) = store.list_alerts(&query).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.raised, last.id));
            seen.extend(page.iter().map(|a| a.id));
        }
        if descending {
            seen.reverse();
        }
        assert_eq!(seen, in_order);
    }
}

pub async fn reports_are_found_by_their_keys(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1", "A2"]).await;
    let written = SubjectWrite { reports: vec![report(at(1), 1), report(at(2), 2)], ..write(&wards[0]) };
    commit(store, at(3), written).await;
    let key = |subject, seconds, n| ReportRowKey { observed: at(seconds), subject, id: report_id(n) };
    let here = wards[0].number;
    let keys = [key(here, 2, 2), key(here, 1, 2), key(wards[1].number, 1, 1), key(here, 1, 1)];
    let mut found = store.find_reports(&keys).await.unwrap();
    found.sort_by_key(|(_, digest)| *digest);
    assert_eq!(found, [(keys[3], 1), (keys[0], 2)]);
    assert_eq!(store.find_reports(&[]).await.unwrap(), []);

    let stored = store.get_report(keys[0]).await.unwrap().unwrap();
    assert_eq!((stored.observed, stored.id, stored.received), (at(2), report_id(2), at(2)));
    assert_eq!(&*stored.payload, b"report 2");
    assert!(store.get_report(keys[1]).await.unwrap().is_none());
}

pub async fn reports_of_a_ward_are_listed_page_by_page(fresh: &Fresh) {
    let store = &*fresh.store;
    let wards = registered(store, "RJ1", &["A1", "A2"]).await;
    // Two at each instant, so that ids decide.
    let reports = |from: u64| (from..from + 10).map(|n| report(at(i64::try_from(n / 2).unwrap()), n)).collect();
    let writes = vec![
        SubjectWrite { reports: reports(10), ..write(&wards[0]) },
        SubjectWrite { reports: reports(10), ..write(&wards[1]) },
    ];
    store.commit(&batch(at(60), writes)).await.unwrap();
    let (from, to) = (at(6), at(9));
    let mut seen = Vec::new();
    let mut after: Option<(Time, ReportId)> = None;
    loop {
        let page = store.list_reports(wards[0].number, from, to, after, 4).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.observed, last.id));
        seen.extend(page.iter().map(|r| r.id));
    }
    assert_eq!(seen, (12..18).map(report_id).collect::<Vec<_>>());
    let none = store.list_reports(wards[0].number, to + Span::hours(1), to + Span::hours(2), None, 4).await.unwrap();
    assert!(none.is_empty());
}
