//! The checker itself: a good history passes, and one broken in any way is found out.

use std::collections::HashSet;

use wardwatch::domain::{Span, Time};
use wardwatch::feed::cursor;
use wardwatch::store::LogPoint;
use wardwatch::wire::pb::{self, AlertCondition, AlertEventType, AlertState, CauseKind, ReceiptOutcome};
use wardwatch::wire::timestamp_to;

use super::checker::check;
use super::history::{Exchange, Heard, History, Listened, Row, Stream, Trouble, Truth, What, Written, digest};
use crate::support::hospital::{figures, ward};

const CLEAR_AFTER: Span = Span::minutes(1);

fn at(seconds: i64) -> Time {
    Time::from_micros(1_000_000_000_000_000) + Span::seconds(seconds)
}

/// The alert of ward A1 after an event.
fn alert(state: AlertState, condition: AlertCondition, etag: &str) -> pb::Alert {
    pb::Alert {
        name: "alerts/1".into(),
        subject: ward(1),
        rule: "ratio.over_limit".into(),
        state: state.into(),
        condition: condition.into(),
        etag: etag.into(),
        ..Default::default()
    }
}

fn event(position: i64, kind: AlertEventType, seconds: i64, cause: CauseKind, alert: pb::Alert) -> pb::AlertEvent {
    let report = if cause == CauseKind::Report { name(&id(position)) } else { String::new() };
    pb::AlertEvent {
        position,
        r#type: kind.into(),
        event_time: Some(timestamp_to(at(seconds))),
        observed_time: Some(timestamp_to(at(seconds))),
        alert: Some(alert),
        cause: Some(pb::Cause { kind: cause.into(), report, ..Default::default() }),
        ..Default::default()
    }
}

fn id(n: i64) -> String {
    format!("00000000-0000-4000-8000-00000000000{n}")
}

fn name(id: &str) -> String {
    format!("{}/reports/{id}", ward(1))
}

fn at_cursor(position: i64) -> Vec<u8> {
    cursor::encode(7, LogPoint { position, tag: position }).to_vec()
}

/// Raised by report 1, acknowledged for ten seconds, lapsed by time, clearing by report 4, ended by time; then raised again
/// by report 6.
fn log() -> Vec<pb::AlertEvent> {
    use AlertCondition::{Breaching, Clearing};
    let acknowledgement = Some(pb::Acknowledgement { expire_time: Some(timestamp_to(at(20))), ..Default::default() });
    let taken = pb::Alert { acknowledgement, ..alert(AlertState::Acknowledged, Breaching, "b") };
    vec![
        event(1, AlertEventType::Raised, 0, CauseKind::Report, alert(AlertState::Open, Breaching, "a")),
        event(2, AlertEventType::Acknowledged, 10, CauseKind::Responder, taken),
        event(3, AlertEventType::Unacknowledged, 21, CauseKind::Timer, alert(AlertState::Open, Breaching, "c")),
        event(4, AlertEventType::Updated, 30, CauseKind::Report, alert(AlertState::Open, Clearing, "d")),
        event(5, AlertEventType::Resolved, 91, CauseKind::Timer, alert(AlertState::Resolved, Clearing, "e")),
        event(6, AlertEventType::Reopened, 95, CauseKind::Report, alert(AlertState::Open, Breaching, "f")),
    ]
}

fn good() -> History {
    let events = log();
    let sent: Vec<_> = [(1, 20), (4, 14), (6, 20)]
        .into_iter()
        .map(|(n, patients)| pb::StaffingReport { report_id: id(n), ..figures(&ward(1), at(n), patients, 2) })
        .collect();
    let receipt = |report: &pb::StaffingReport| pb::ReportReceipt {
        report_id: report.report_id.clone(),
        name: name(&report.report_id),
        outcome: ReceiptOutcome::Accepted.into(),
        changed_alerts: vec!["alerts/1".into()],
        ..Default::default()
    };
    let exchange = Exchange {
        sent: sent.iter().map(|r| r.report_id.clone()).collect(),
        receipts: (0..).zip(&sent).map(|(n, r)| (at(200 + n), receipt(r))).collect(),
    };
    let heard = |seconds, position, what| Heard { at: at(seconds), cursor: at_cursor(position), what };
    let told =
        |from: usize, to: usize| What::Events(events[from..to].iter().map(|e| (e.position, digest(e))).collect());
    let first = Stream {
        replica: 0,
        after: Some(at_cursor(0)),
        heard: vec![heard(0, 0, What::Opened), heard(1, 2, told(0, 2)), heard(6, 2, What::Goodbye)],
        end: "SERVER_DRAINING".into(),
        ended: at(6),
    };
    let second = Stream {
        replica: 0,
        after: Some(at_cursor(2)),
        heard: vec![
            heard(92, 2, What::Opened),
            heard(93, 3, told(2, 3)),
            heard(95, 6, told(3, 6)),
            heard(100, 6, What::Heartbeat),
        ],
        end: String::new(),
        ended: at(101),
    };
    let snapshot = Stream {
        replica: 0,
        after: None,
        heard: vec![
            Heard { at: at(22), cursor: Vec::new(), what: What::Opened },
            Heard { at: at(22), cursor: Vec::new(), what: What::Snapshot(vec![("alerts/1".into(), "c".into())]) },
            heard(22, 3, What::SnapshotComplete),
            heard(23, 4, told(3, 4)),
        ],
        end: String::new(),
        ended: at(24),
    };
    let listened = |streams| Listened { rules: HashSet::new(), interval: 5, reached: 6, streams };
    let blocks = [pb::BlockKind::Patients, pb::BlockKind::Nursing].map(|b| (b.into(), id(6)));
    let entry = |position: i64| pb::AuditEntry {
        position,
        cause: Some(pb::Cause { kind: CauseKind::Report.into(), ..Default::default() }),
        policy_version: "1".into(),
        changed: vec!["alerts/1".into()],
        ..Default::default()
    };
    let truth = Truth {
        rows: (1..=6).map(|n| Row { position: n, tag: n, time: n, ends_input: true }).collect(),
        stored: sent.iter().map(|r| (r.report_id.clone(), (r.clone(), 1))).collect(),
        open: vec![events[5].alert.clone().unwrap()],
        open_at: 6,
        audit: (1..=6).map(entry).collect(),
        current: [(ward(1), blocks.into_iter().collect())].into(),
        events,
        at: at(300),
    };
    let reports = sent.into_iter().map(|r| (r.report_id.clone(), r)).collect();
    History {
        written: vec![Written { reports, exchanges: vec![exchange], ..Written::default() }],
        listened: vec![listened(vec![first, second]), listened(vec![snapshot])],
        drains: vec![(0, at(5), true)],
        truth,
        ..History::default()
    }
}

/// The ids of the promises that a history breaks.
fn broken(change: impl FnOnce(&mut History)) -> Vec<String> {
    let mut history = good();
    change(&mut history);
    let mut ids: Vec<String> = check(&history, CLEAR_AFTER).iter().map(|v| v[..2].to_owned()).collect();
    ids.dedup();
    ids
}

fn stream(history: &mut History) -> &mut Stream {
    &mut history.listened[0].streams[1]
}

#[test]
fn a_good_history_passes() {
    assert_eq!(check(&good(), CLEAR_AFTER), Vec::<String>::new());
}

#[test]
fn what_was_receipted_and_is_lost_or_altered_is_found() {
    assert!(broken(|h| drop(h.truth.stored.remove(&id(4)))).contains(&"R1".into()));
    assert!(broken(|h| h.truth.stored.get_mut(&id(4)).unwrap().0.source = "OTHER".into()).contains(&"R1".into()));
    let other = |h: &mut History| h.written[0].exchanges[0].receipts[0].1.changed_alerts = vec!["alerts/2".into()];
    assert_eq!(broken(other), ["R1"], "an alert that it did not change");
    let reject = |h: &mut History| h.written[0].exchanges[0].receipts[0].1.outcome = ReceiptOutcome::Rejected.into();
    assert_eq!(broken(reject), ["R1"], "a good report");
}

#[test]
fn receipts_out_of_order_and_reports_that_count_twice_are_found() {
    assert_eq!(broken(|h| h.written[0].exchanges[0].receipts.swap(0, 1)), ["R2"]);
    assert_eq!(broken(|h| drop(h.written[0].exchanges[0].sent.pop())), ["R2"]);
    assert_eq!(broken(|h| h.truth.stored.get_mut(&id(1)).unwrap().1 = 2), ["R2"]);
    assert!(broken(|h| drop(h.written[0].reports.remove(&id(1)))).contains(&"R2".into()), "nobody sent it");
    let older = |h: &mut History| drop(h.truth.current.get_mut(&ward(1)).unwrap().insert(1, id(1)));
    assert!(broken(older).contains(&"R2".into()), "an older block is current");
}

#[test]
fn a_second_episode_and_a_breach_without_an_alert_are_found() {
    let second = |h: &mut History| {
        h.truth.events[3].r#type = AlertEventType::Raised.into();
    };
    assert!(broken(second).contains(&"R3".into()));
    assert_eq!(broken(|h| h.truth.open.clear()), ["R3"], "the list lacks it");
    let better = |h: &mut History| {
        let report = &mut h.truth.stored.get_mut(&id(6)).unwrap().0;
        report.patients = Some(pb::Patients { bedded: Some(10), ..Default::default() });
        let written = h.written[0].reports.get_mut(&id(6)).unwrap();
        written.patients = Some(pb::Patients { bedded: Some(10), ..Default::default() });
    };
    assert_eq!(broken(better), ["R3"], "an alert without a breach");
}

#[test]
fn a_receipt_while_storage_was_down_is_found() {
    let down = Trouble {
        kind: "the database was killed",
        from: at(190),
        to: at(210),
        replica: None,
        storage_down: Some(at(190)..at(210)),
    };
    assert_eq!(broken(|h| h.troubles.push(down)), ["R4"]);
}

#[test]
fn an_open_stream_that_ended_because_storage_was_away_is_found() {
    let ended = |reason: &'static str| move |h: &mut History| stream(h).end = reason.into();
    let trouble = |replica| Trouble { kind: "broken", from: at(99), to: at(102), replica, storage_down: None };
    for reason in ["STORAGE_UNAVAILABLE", "INTERNAL"] {
        assert_eq!(broken(ended(reason)), ["R4"], "{reason}");
        let away = |h: &mut History| {
            ended(reason)(h);
            h.troubles.extend([trouble(None), trouble(Some(1))]);
        };
        assert_eq!(broken(away), ["R4"], "storage away, or another replica, is no excuse: {reason}");
        let gone = |h: &mut History| {
            ended(reason)(h);
            h.troubles.push(trouble(Some(0)));
        };
        assert_eq!(broken(gone), Vec::<String>::new(), "its replica was gone: {reason}");
        let refused = |h: &mut History| {
            ended(reason)(h);
            stream(h).heard.clear();
        };
        assert_eq!(broken(refused), Vec::<String>::new(), "it was never open: {reason}");
    }
    for end in ["SERVER_DRAINING", "STREAM_AGE", "Unavailable", "Unknown", "Internal"] {
        assert_eq!(broken(ended(end)), Vec::<String>::new(), "{end}");
    }
}

#[test]
fn events_out_of_order_twice_missing_or_split_are_found() {
    let events = |change: fn(&mut Vec<(i64, u64)>)| {
        move |h: &mut History| match &mut stream(h).heard[2].what {
            What::Events(events) => change(events),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(broken(events(|e| e.swap(0, 1))), ["P1"]);
    assert_eq!(broken(events(|e| e.insert(1, e[0]))), ["P2"]);
    assert_eq!(broken(events(|e| _ = e.remove(1))), ["P3"]);
    assert_eq!(broken(events(|e| e[1].1 += 1)), ["P3"], "another event there");
    assert_eq!(broken(|h| h.truth.rows[2].ends_input = false)[0], "P4");
    assert_eq!(broken(|h| _ = h.truth.rows.remove(2))[0], "P3", "a gap in the log");
}

#[test]
fn a_heartbeat_that_says_too_much_and_a_refused_cursor_are_found() {
    assert!(broken(|h| stream(h).heard[1].what = What::Heartbeat).contains(&"P6".into()));
    assert_eq!(broken(|h| stream(h).end = "CURSOR_EPOCH_CHANGED".into()), ["P5"]);
    assert!(broken(|h| stream(h).heard[0].cursor = at_cursor(1)).contains(&"P5".into()));
    let snapshot = |h: &mut History| h.listened[1].streams[0].heard[1].what = What::Snapshot(Vec::new());
    assert_eq!(broken(snapshot), ["P3"], "a snapshot that lacks an alert");
}

#[test]
fn silence_is_found_unless_the_replica_stood_still() {
    let silent = |h: &mut History| stream(h).heard[3].at = at(120);
    assert_eq!(broken(silent), ["H1"]);
    let standing =
        Trouble { kind: "a replica stood still", from: at(96), to: at(119), replica: Some(0), storage_down: None };
    let excused = |h: &mut History| {
        silent(h);
        h.troubles.push(standing);
    };
    assert_eq!(broken(excused), Vec::<String>::new());
}

#[test]
fn silence_for_good_is_found_unless_the_replica_stood_still_for_as_long() {
    let dead = |h: &mut History| {
        stream(h).end = "DeadlineExceeded".into();
        stream(h).ended = at(120);
    };
    assert_eq!(broken(dead), ["H1"]);
    let stopped = |seconds, replica| {
        let kind = "a replica stood still";
        let standing = Trouble { kind, from: at(101), to: at(seconds), replica, storage_down: None };
        broken(|h| {
            dead(h);
            h.troubles.push(standing);
        })
    };
    assert_eq!(stopped(119, Some(0)), Vec::<String>::new());
    assert_eq!(stopped(105, Some(0)), ["H1"], "it ran again, and said nothing");
    assert_eq!(stopped(119, Some(1)), ["H1"], "another one stood still");
    assert_eq!(stopped(119, None), ["H1"], "storage was away");
}

#[test]
fn what_time_does_too_early_or_too_late_is_found() {
    let time =
        |n: usize, seconds| move |h: &mut History| h.truth.events[n].event_time = Some(timestamp_to(at(seconds)));
    let mended = |n: usize, seconds| {
        move |h: &mut History| {
            time(n, seconds)(h);
            // The streams heard it so too.
            h.listened.clear();
        }
    };
    assert_eq!(broken(mended(2, 19)), ["T1"], "an acknowledgement lapsed early");
    assert_eq!(broken(mended(2, 23)), ["T1"], "or late");
    assert_eq!(broken(mended(4, 89)), ["T1"], "an alert ended early");
    assert_eq!(broken(mended(4, 94)), ["T1"], "or late");
    let never = |h: &mut History| {
        h.truth.events.truncate(2);
        h.truth.rows.truncate(2);
        h.listened.clear();
    };
    assert!(broken(never).contains(&"T1".into()));
}

#[test]
fn lateness_is_excused_only_when_no_replica_could_have_been_in_time() {
    let trouble = |replica| Trouble { kind: "broken", from: at(19), to: at(22), replica, storage_down: None };
    // What was due at 20, done so late by one of so many replicas.
    let done = |seconds, replicas: usize, troubles: &[Option<usize>]| {
        let unheard = |replica| Stream { replica, after: None, heard: Vec::new(), end: String::new(), ended: at(0) };
        let streams = (0..replicas).map(unheard).collect();
        broken(|h| {
            h.truth.events[2].event_time = Some(timestamp_to(at(seconds)));
            h.listened = vec![Listened { rules: HashSet::new(), interval: 5, reached: 0, streams }];
            h.troubles.extend(troubles.iter().copied().map(trouble));
        })
    };
    assert_eq!(done(26, 3, &[Some(0)]), ["T1"], "two others could have done it");
    assert_eq!(done(26, 3, &[Some(0), Some(2)]), ["T1"], "one other could");
    assert_eq!(done(23, 3, &[]), ["T1"], "nothing was broken");
    assert_eq!(done(26, 3, &[Some(0), Some(1), Some(2)]), Vec::<String>::new(), "all were broken");
    assert_eq!(done(26, 3, &[None]), Vec::<String>::new(), "storage was away");
    assert_eq!(done(26, 1, &[Some(0)]), Vec::<String>::new(), "the only one");
    assert_eq!(done(25, 3, &[Some(0)]), Vec::<String>::new(), "it may have held a lock");
}

#[test]
fn a_subscriber_that_was_not_told_and_a_bad_end_are_found() {
    assert_eq!(broken(|h| drop(h.listened[0].streams[0].heard.pop())), ["D1"]);
    assert_eq!(broken(|h| h.drains[0].2 = false), ["D1"]);
}

#[test]
fn a_change_without_its_entry_is_found() {
    assert_eq!(broken(|h| drop(h.truth.audit.remove(3))), ["A1"]);
    assert_eq!(broken(|h| h.truth.audit[3].changed.clear()), ["A1"]);
    assert_eq!(broken(|h| h.truth.audit[3].policy_version.clear()), ["A1"]);
}
