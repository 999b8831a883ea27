use wardwatch::domain::AlertId;
use wardwatch::store::{
    AlertQuery, AlertRow, Committed, LogPoint, PastAlert, PastAlerts, Shown, Store, SubjectRow, Trim,
};

use super::fixture::*;

/// Everything.
fn everything() -> AlertQuery {
    AlertQuery { limit: 100, ..AlertQuery::default() }
}

async fn past(store: &dyn Store, query: &AlertQuery, at: LogPoint) -> Vec<PastAlert> {
    match store.alerts_as_of(query, at).await.unwrap() {
        PastAlerts::Alerts(alerts) => alerts,
        other => panic!("{other:?}"),
    }
}

async fn ids(store: &dyn Store, query: &AlertQuery, at: LogPoint) -> Vec<AlertId> {
    past(store, query, at).await.into_iter().map(|alert| alert.id).collect()
}

/// Commits an event and the new state of each of these alerts.
async fn say(store: &dyn Store, ward: &SubjectRow, seconds: i64, alerts: Vec<AlertRow>) -> Committed {
    commit(store, at(seconds), raising(&subject(store, ward.number).await, alerts)).await
}

fn shown(alert: &PastAlert) -> (i64, i64, String) {
    let Shown::Event { position, log_time, payload } = &alert.shown else { panic!("{alert:?}") };
    let seconds = (log_time.as_micros() - at(0).as_micros()) / 1_000_000;
    (*position, seconds, String::from_utf8(payload.to_vec()).unwrap())
}

pub async fn an_alert_is_shown_by_its_last_event_by_then(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let points = [
        say(store, &ward, 10, vec![alert(1, OPEN), alert(2, OPEN)]).await.point,
        say(store, &ward, 20, vec![alert(1, ACKNOWLEDGED)]).await.point,
        say(store, &ward, 30, vec![alert(3, OPEN), alert(1, RESOLVED)]).await.point,
    ];
    assert_eq!(past(store, &everything(), LogPoint::default()).await, []);
    let two = (2, 10, "alert 2 in state 1".to_owned());
    let expected = [
        vec![(1, 10, "alert 1 in state 1".to_owned()), two.clone()],
        vec![(3, 20, "alert 1 in state 2".to_owned()), two.clone()],
        vec![(5, 30, "alert 1 in state 3".to_owned()), two, (4, 30, "alert 3 in state 1".to_owned())],
    ];
    for (point, expected) in points.into_iter().zip(expected) {
        let found = past(store, &everything(), point).await;
        assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), expected, "as of {point:?}");
        assert_eq!((found[0].id, found[0].raised), (alert_id(1), at(1)));
    }
    // Within one input, the first of its events is a place too.
    let middle = LogPoint { position: 1, tag: points[0].tag };
    assert_eq!(ids(store, &everything(), middle).await, [alert_id(1)]);
}

pub async fn what_had_ended_by_then_is_left_out_of_what_was_open(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    say(store, &ward, 10, vec![alert(1, OPEN), alert(2, OPEN), alert(3, OPEN), alert(4, ACKNOWLEDGED)]).await;
    let then = say(store, &ward, 20, vec![alert(1, RESOLVED)]).await.point;
    say(store, &ward, 30, vec![alert(2, RESOLVED), alert(5, OPEN)]).await;
    for states in [vec![OPEN], vec![OPEN, ACKNOWLEDGED]] {
        for descending in [false, true] {
            let open = AlertQuery { states: states.clone(), descending, ..everything() };
            let mut found = ids(store, &open, then).await;
            if descending {
                found.reverse();
            }
            // Which of the two states is for whoever reads the payloads.
            assert_eq!(found, [2, 3, 4].map(alert_id), "{open:?}");
        }
    }
    for states in [vec![], vec![RESOLVED], vec![OPEN, RESOLVED]] {
        let any = AlertQuery { states, ..everything() };
        assert_eq!(ids(store, &any, then).await, [1, 2, 3, 4].map(alert_id), "{any:?}");
    }
}

pub async fn alerts_of_the_past_are_filtered_by_what_never_changes(fresh: &Fresh) {
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
        ..alert(0x12, OPEN)
    };
    let then = say(store, &ward, 1, vec![alert(1, OPEN), other, alert(0x1300, OPEN)]).await.point;
    let only = |text: &str| vec!["none such".to_owned(), text.to_owned()];
    let queries = [
        AlertQuery { organisations: only("RJ2"), ..everything() },
        AlertQuery { sites: only("RJ222"), ..everything() },
        AlertQuery { regions: only("Y60"), ..everything() },
        AlertQuery { subjects: only("organisations/RJ2/wards/B1"), ..everything() },
        AlertQuery { rules: only("rn.none"), ..everything() },
        AlertQuery { min_severity: 3, ..everything() },
        AlertQuery { id_prefix: "00000012".into(), ..everything() },
    ];
    for query in queries {
        for (states, descending) in [(vec![], false), (vec![], true), (vec![OPEN], false), (vec![OPEN], true)] {
            let query = AlertQuery { states, descending, ..query.clone() };
            assert_eq!(ids(store, &query, then).await, [alert_id(0x12)], "{query:?}");
        }
    }
    let neither = AlertQuery { organisations: only("RJ1"), rules: only("rn.none"), ..everything() };
    assert_eq!(ids(store, &neither, then).await, []);
    // The condition is for whoever reads the payloads.
    assert_eq!(ids(store, &AlertQuery { condition: 2, ..everything() }, then).await.len(), 3);
}

pub async fn pages_of_the_past_join_in_both_directions(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    // Three raised at each of the same instants, so that ids decide.
    let raised = |n: u64| at(i64::try_from(n / 3).unwrap());
    let then =
        say(store, &ward, 60, (1..=10).map(|n| AlertRow { raised: raised(n), ..alert(n, OPEN) }).collect()).await;
    // What happens while the pages are read is not of then.
    say(store, &ward, 70, vec![AlertRow { raised: raised(4), ..alert(20, OPEN) }]).await;
    for (descending, states) in [(false, vec![]), (true, vec![]), (false, vec![OPEN]), (true, vec![OPEN])] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let query = AlertQuery { limit: 3, descending, after, states: states.clone(), ..everything() };
            let page = past(store, &query, then.point).await;
            let Some(last) = page.last() else { break };
            after = Some((last.raised, last.id));
            seen.extend(page.iter().map(|a| a.id));
        }
        if descending {
            seen.reverse();
        }
        assert_eq!(seen, (1..=10).map(alert_id).collect::<Vec<_>>());
    }
}

pub async fn a_place_that_is_gone_or_of_another_history_is_said_to_be_so(fresh: &Fresh) {
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let first = say(store, &ward, 10, vec![alert(1, OPEN), alert(2, OPEN)]).await.point;
    let second = say(store, &ward, 20, vec![alert(2, ACKNOWLEDGED)]).await.point;
    let third = say(store, &ward, 30, vec![alert(3, OPEN)]).await.point;
    store.trim(&Trim { reports_before: at(0), events_before: at(25), limit: 10 }).await.unwrap();
    for gone in [LogPoint::default(), first] {
        assert_eq!(store.alerts_as_of(&everything(), gone).await.unwrap(), PastAlerts::Expired(second), "{gone:?}");
    }
    for stranger in [LogPoint { tag: third.tag ^ 1, ..third }, LogPoint { position: 9, ..third }] {
        assert_eq!(store.alerts_as_of(&everything(), stranger).await.unwrap(), PastAlerts::OtherHistory);
    }
    // The edge itself is a place: what is open has lost its events, and stands as it did.
    let kept = |n, state| PastAlert {
        shown: Shown::Alert(alert(n, state).payload),
        raised: alert(n, state).raised,
        id: alert_id(n),
    };
    for states in [vec![], vec![OPEN, ACKNOWLEDGED]] {
        let open = AlertQuery { states, ..everything() };
        assert_eq!(past(store, &open, second).await, [kept(1, OPEN), kept(2, ACKNOWLEDGED)]);
        assert_eq!(ids(store, &open, third).await, [1, 2, 3].map(alert_id));
    }
}
