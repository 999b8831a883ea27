//! The promises of contract.md section 2, checked over a recorded history. Each finding begins with the promise's id.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use wardwatch::domain::{Span, Time};
use wardwatch::feed::cursor;
use wardwatch::wire::pb::{self, AlertCondition, AlertEvent, AlertEventType, AlertState, CauseKind, ReceiptOutcome};
use wardwatch::wire::to_time;

use super::history::{Heard, History, Listened, Stream, What, digest};

/// What time brings about is published so long after it at the latest (T1).
const LATEST: Span = Span::seconds(2);
/// What a busy machine may add to what we measure from outside.
const SLACK: Span = Span::seconds(3);
/// Receipts of what was durable before storage went may still be under way.
const UNDER_WAY: Span = Span::seconds(2);

/// Everything wrong with a history; `clear_after` is the policy's.
pub fn check(history: &History, clear_after: Span) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(r1_what_was_receipted_is_stored(history));
    found.extend(r2_one_receipt_each_in_order(history));
    found.extend(r2_sent_again_counts_once(history));
    found.extend(r3_one_open_episode(history));
    found.extend(r4_nothing_is_receipted_while_storage_is_down(history));
    found.extend(the_log_is_whole(history));
    for listened in &history.listened {
        for stream in &listened.streams {
            found.extend(p_stream(history, listened, stream));
            found.extend(h1_never_silent(history, listened, stream));
        }
        found.extend(p5_goes_on_where_it_was(listened));
    }
    found.extend(t1_by_time_alone(history, clear_after));
    found.extend(d1_everyone_is_told(history));
    found.extend(a1_every_change_has_its_entry(history));
    found
}

fn r1_what_was_receipted_is_stored(history: &History) -> Vec<String> {
    let caused: HashSet<(&str, &str)> = history
        .truth
        .events
        .iter()
        .filter_map(|e| Some((e.cause.as_ref()?.report.as_str(), e.alert.as_ref()?.name.as_str())))
        .collect();
    // What time had done already when a report was judged is not the report's doing, and its receipt names it all the same.
    let by_time: HashSet<&str> = history
        .truth
        .events
        .iter()
        .filter(|e| e.cause.as_ref().is_some_and(|c| c.kind() == CauseKind::Timer))
        .filter_map(|e| Some(e.alert.as_ref()?.name.as_str()))
        .collect();
    let mut found = Vec::new();
    for written in &history.written {
        for (_, receipt) in written.exchanges.iter().flat_map(|x| &x.receipts) {
            let id = &receipt.report_id;
            if receipt.outcome() == ReceiptOutcome::Rejected {
                if !written.wrong.contains(id) {
                    found.push(format!("R1: a good report was rejected: {receipt:?}"));
                }
                continue;
            }
            match (history.truth.stored.get(id), written.reports.get(id)) {
                (None, _) => found.push(format!("R1: {id} was receipted {:?} and is not stored", receipt.outcome())),
                (Some((stored, _)), Some(sent)) if !same(stored, sent) => {
                    found.push(format!("R1: {id} is stored otherwise than it was sent"));
                }
                _ => {}
            }
            for alert in &receipt.changed_alerts {
                let by_it = caused.contains(&(&receipt.name, alert)) || by_time.contains(alert.as_str());
                if receipt.outcome() == ReceiptOutcome::Accepted && !by_it {
                    found.push(format!("R1: {id} is said to have changed {alert}, and the log does not say so"));
                }
            }
        }
    }
    found
}

/// The order of red flags and the like does not matter here: the load sends none.
fn same(stored: &pb::StaffingReport, sent: &pb::StaffingReport) -> bool {
    (stored.patients, stored.nursing, &stored.medical_cover, &stored.source, stored.observed_time)
        == (sent.patients, sent.nursing, &sent.medical_cover, &sent.source, sent.observed_time)
}

fn r2_one_receipt_each_in_order(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for exchange in history.written.iter().flat_map(|w| &w.exchanges) {
        if exchange.receipts.len() > exchange.sent.len() {
            found.push("R2: a stream has more receipts than reports".to_owned());
        }
        for (n, (sent, (_, receipt))) in exchange.sent.iter().zip(&exchange.receipts).enumerate() {
            if *sent != receipt.report_id {
                found.push(format!("R2: receipt {n} of a stream is of {}, not of {sent}", receipt.report_id));
            }
        }
    }
    found
}

fn r2_sent_again_counts_once(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (id, (_, times)) in history.truth.stored.iter().filter(|(_, (_, times))| *times != 1) {
        found.push(format!("R2: {id} is stored {times} times"));
    }
    let sent: HashSet<&String> = history.written.iter().flat_map(|w| w.reports.keys()).collect();
    let wrong: HashSet<&String> = history.written.iter().flat_map(|w| &w.wrong).collect();
    for id in history.truth.stored.keys().filter(|id| !sent.contains(id) || wrong.contains(id)) {
        found.push(format!("R2: {id} is stored and nobody sent it, or it was wrong"));
    }
    // Whatever the order of arrival, and however often it was sent: the newest is current.
    let mut newest: BTreeMap<(&str, i32), (Time, i64, &str)> = BTreeMap::new();
    for (id, (report, _)) in &history.truth.stored {
        let subject = if report.ward.is_empty() { &report.cover_group } else { &report.ward };
        let key = (to_time(report.observed_time.unwrap_or_default()).unwrap_or_default(), report.revision, id.as_str());
        for block in blocks(report) {
            let current = newest.entry((subject, block)).or_insert(key);
            *current = key.max(*current);
        }
    }
    for ((subject, block), (_, _, id)) in newest {
        let current = history.truth.current.get(subject).and_then(|blocks| blocks.get(&block));
        if current.map(String::as_str) != Some(id) {
            found.push(format!("R2: of {subject} block {block} the newest is {id}, and current is {current:?}"));
        }
    }
    found
}

fn blocks(report: &pb::StaffingReport) -> impl Iterator<Item = i32> {
    let there = [
        (report.patients.is_some(), pb::BlockKind::Patients),
        (report.nursing.is_some(), pb::BlockKind::Nursing),
        (report.medical_cover.is_some(), pb::BlockKind::MedicalCover),
    ];
    there.into_iter().filter(|(there, _)| *there).map(|(_, kind)| kind.into())
}

/// Key of an episode.
fn episode(alert: &pb::Alert) -> (String, String, String) {
    (alert.subject.clone(), alert.rule.clone(), alert.instance.clone())
}

fn r3_one_open_episode(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: HashMap<_, &pb::Alert> = HashMap::new();
    let mut as_listed = HashMap::new();
    for event in &history.truth.events {
        let Some(alert) = &event.alert else { continue };
        let before = open.get(&episode(alert)).copied();
        match (event.r#type(), before) {
            (AlertEventType::Raised | AlertEventType::Reopened, None) => {}
            (AlertEventType::Raised | AlertEventType::Reopened, Some(other)) => {
                found.push(format!("R3: {} rises while {} is open", alert.name, other.name));
            }
            (_, Some(other)) if other.name == alert.name => {}
            (kind, _) => found.push(format!("R3: {kind:?} of {} while it is not open", alert.name)),
        }
        if alert.state() == AlertState::Resolved {
            open.remove(&episode(alert));
        } else {
            open.insert(episode(alert), alert);
        }
        if event.position == history.truth.open_at {
            as_listed.clone_from(&open);
        }
    }
    let by_log: BTreeSet<(&str, &str)> = as_listed.values().map(|a| (a.name.as_str(), a.etag.as_str())).collect();
    let listed: BTreeSet<(&str, &str)> =
        history.truth.open.iter().map(|a| (a.name.as_str(), a.etag.as_str())).collect();
    for (name, _) in by_log.symmetric_difference(&listed) {
        found.push(format!("R3: {name} is not in the list as it is by the log"));
    }
    found.extend(r3_a_breach_is_an_open_alert(history, &open));
    found
}

/// The newest figures of each ward against the limit of eight, computed here and not by the service.
fn r3_a_breach_is_an_open_alert(
    history: &History,
    open: &HashMap<(String, String, String), &pb::Alert>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (subject, blocks) in history.truth.current.iter().filter(|(name, _)| name.contains("/wards/")) {
        let report = |kind: pb::BlockKind| Some(&history.truth.stored.get(blocks.get(&kind.into())?)?.0);
        let patients = report(pb::BlockKind::Patients).and_then(|r| r.patients?.bedded);
        let nurses = report(pb::BlockKind::Nursing).and_then(|r| r.nursing?.registered_nurses);
        let (Some(patients), Some(nurses)) = (patients, nurses) else { continue };
        let breach = patients > 8 * nurses;
        let alert = open.get(&(subject.clone(), "ratio.over_limit".to_owned(), String::new()));
        let breaching = alert.is_some_and(|a| a.condition() == AlertCondition::Breaching);
        if breach != breaching {
            found.push(format!("R3: {subject} has {patients} patients and {nurses} nurses, and its alert: {alert:?}"));
        }
    }
    found
}

fn r4_nothing_is_receipted_while_storage_is_down(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (trouble, back) in history.troubles.iter().filter_map(|t| Some((t, t.storage_down?))) {
        let during = trouble.from + UNDER_WAY..back;
        let receipts = history.written.iter().flat_map(|w| &w.exchanges).flat_map(|x| &x.receipts);
        for (at, receipt) in receipts.filter(|(at, r)| during.contains(at) && r.outcome() != ReceiptOutcome::Rejected) {
            found.push(format!(
                "R4: {} was receipted at {at}, while {} since {}",
                receipt.report_id, trouble.kind, trouble.from
            ));
        }
    }
    found
}

fn the_log_is_whole(history: &History) -> Vec<String> {
    let truth = &history.truth;
    let mut found = Vec::new();
    for (n, row) in (1..).zip(&truth.rows) {
        if row.position != n {
            found.push(format!("P3: the log has position {} where {n} should be", row.position));
        }
    }
    for pair in truth.rows.windows(2) {
        if pair[1].time < pair[0].time {
            found.push(format!("P1: the log's time falls at {}", pair[1].position));
        }
        if !pair[0].ends_input && pair[0].tag != pair[1].tag {
            found.push(format!("P4: the input at {} is of two commits", pair[0].position));
        }
    }
    let read: Vec<i64> = truth.events.iter().map(|e| e.position).collect();
    let written: Vec<i64> = truth.rows.iter().map(|r| r.position).collect();
    if read != written {
        found.push(format!(
            "P3: {} events are read from the beginning, and {} were written",
            read.len(),
            written.len()
        ));
    }
    found
}

fn position(cursor: &[u8]) -> Option<i64> {
    cursor::decode(cursor).map(|(_, point)| point.position)
}

/// P1 to P4 and P6 of one stream: between two cursors it received exactly what matches there, in order.
fn p_stream(history: &History, listened: &Listened, stream: &Stream) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = stream.after.as_deref().and_then(position);
    let newest = history.truth.rows.last().map_or(0, |row| row.position);
    // A snapshot is nothing until it is complete, and has no cursor.
    let snapshot = stream.heard.iter().any(|h| matches!(h.what, What::Snapshot(_) | What::SnapshotComplete));
    for heard in &stream.heard {
        let Heard { cursor, what, .. } = heard;
        if let What::Snapshot(_) = what {
            continue;
        }
        let Some(to) = position(cursor) else {
            if !(snapshot || matches!(what, What::Opened)) || at.is_some() {
                found.push(format!("P5: a cursor that cannot be read with {what:?}"));
            }
            continue;
        };
        if to > newest {
            // Time went on after the truth was read.
            break;
        }
        if matches!(what, What::SnapshotComplete) {
            found.extend(snapshot_is_the_log_at(history, listened, stream, to));
        }
        let from = at.replace(to).unwrap_or(to);
        if matches!(what, What::SnapshotComplete) {
            continue;
        }
        let got: &[(i64, u64)] = if let What::Events(events) = what { events } else { &[] };
        found.extend(compare(&expected(history, listened, from, to), got, what, from, to));
        let whole = to == 0 || history.truth.rows.get(index(to)).is_some_and(|row| row.ends_input);
        if !whole {
            found.push(format!("P4: a message ends at {to}, in the middle of an input"));
        }
    }
    found
}

fn index(position: i64) -> usize {
    usize::try_from(position - 1).unwrap_or(usize::MAX)
}

fn wanted(listened: &Listened, event: &AlertEvent) -> bool {
    let alert = event.alert.as_ref();
    alert.is_some_and(|a| !a.forecast && (listened.rules.is_empty() || listened.rules.contains(&a.rule)))
}

fn expected(history: &History, listened: &Listened, from: i64, to: i64) -> Vec<(i64, u64)> {
    let events = history.truth.events.get(index(from + 1)..index(to + 1).min(history.truth.events.len()));
    let matching = events.unwrap_or_default().iter().filter(|e| wanted(listened, e));
    matching.map(|e| (e.position, digest(e))).collect()
}

fn compare(expected: &[(i64, u64)], got: &[(i64, u64)], what: &What, from: i64, to: i64) -> Option<String> {
    if expected == got {
        return None;
    }
    let rising = got.windows(2).all(|pair| pair[0].0 < pair[1].0) && got.first().is_none_or(|first| first.0 > from);
    let seen: HashSet<i64> = got.iter().map(|(position, _)| *position).collect();
    let id = match (rising, seen.len() < got.len(), what) {
        (_, true, _) => "P2",
        (false, ..) => "P1",
        (_, _, What::Heartbeat | What::Goodbye | What::Opened) => "P6",
        _ => "P3",
    };
    let positions = |list: &[(i64, u64)]| list.iter().map(|(position, _)| *position).collect::<Vec<_>>();
    Some(format!("{id}: after {from} up to {to}: expected {:?}, got {:?}", positions(expected), positions(got)))
}

fn snapshot_is_the_log_at(history: &History, listened: &Listened, stream: &Stream, at: i64) -> Option<String> {
    let mut open: BTreeMap<&str, &str> = BTreeMap::new();
    for event in history.truth.events.iter().take_while(|e| e.position <= at).filter(|e| wanted(listened, e)) {
        let Some(alert) = &event.alert else { continue };
        match alert.state() {
            AlertState::Resolved => open.remove(alert.name.as_str()),
            _ => open.insert(&alert.name, &alert.etag),
        };
    }
    let sent =
        stream.heard.iter().filter_map(|h| if let What::Snapshot(alerts) = &h.what { Some(alerts) } else { None });
    let sent: BTreeMap<&str, &str> = sent.flatten().map(|(name, etag)| (name.as_str(), etag.as_str())).collect();
    (sent != open).then(|| format!("P3: a snapshot at {at} has {} alerts, and the log {}", sent.len(), open.len()))
}

fn p5_goes_on_where_it_was(listened: &Listened) -> Vec<String> {
    let mut found = Vec::new();
    for stream in &listened.streams {
        if stream.end.starts_with("CURSOR_") {
            found.push(format!("P5: a cursor was refused: {}", stream.end));
        }
        if let (Some(after), Some(first)) = (&stream.after, stream.heard.first())
            && first.cursor != *after
        {
            found.push("P5: a stream was opened at another cursor than was asked for".to_owned());
        }
    }
    found
}

fn h1_never_silent(history: &History, listened: &Listened, stream: &Stream) -> Vec<String> {
    let mut found = Vec::new();
    for pair in stream.heard.windows(2) {
        let (before, after) = (pair[0].at, pair[1].at);
        let standing =
            history.troubles.iter().any(|t| t.replica == Some(stream.replica) && t.from <= after && t.to >= before);
        if before + Span::seconds(listened.interval) + SLACK < after && !standing {
            found.push(format!("H1: nothing from {before} to {after} on a stream of replica {}", stream.replica));
        }
    }
    found
}

/// Acknowledgements run out and alerts clear by time alone: not before their time, once, and soon unless something is broken.
fn t1_by_time_alone(history: &History, clear_after: Span) -> Vec<String> {
    let mut found = Vec::new();
    let mut acknowledged: HashMap<&str, Time> = HashMap::new();
    let mut clearing: HashMap<&str, (Time, Time)> = HashMap::new();
    let late =
        |due: Time, done: Time| done > due + LATEST && !history.troubled(None, due - SLACK, due + LATEST + SLACK);
    let micros = |time: Option<prost_types::Timestamp>| time.and_then(to_time).unwrap_or_default();
    for event in &history.truth.events {
        let Some(alert) = &event.alert else { continue };
        let (name, at) = (alert.name.as_str(), micros(event.event_time));
        let by_time = event.cause.as_ref().is_some_and(|c| c.kind() == CauseKind::Timer);
        if let Some(due) = acknowledged.get(name).copied() {
            if by_time && event.r#type() == AlertEventType::Unacknowledged && at < due {
                found.push(format!("T1: the acknowledgement of {name} ran out at {at}, before {due}"));
            }
            if late(due, at) {
                found.push(format!("T1: the acknowledgement of {name} stood until {at}, due at {due}"));
            }
        }
        match alert.acknowledgement.as_ref().and_then(|a| a.expire_time).and_then(to_time) {
            Some(due) if alert.state() == AlertState::Acknowledged => drop(acknowledged.insert(name, due)),
            _ => drop(acknowledged.remove(name)),
        }
        if let Some((good, seen)) = clearing.get(name).copied() {
            let ends = by_time && event.r#type() == AlertEventType::Resolved;
            if ends && at < good + clear_after {
                found.push(format!("T1: {name} ended at {at}, before {good} and {clear_after:?}"));
            }
            if ends && late((good + clear_after).max(seen), at) {
                found.push(format!("T1: {name} ended at {at}, and was good since {good}"));
            }
        }
        if alert.state() != AlertState::Resolved && alert.condition() == AlertCondition::Clearing {
            clearing.entry(name).or_insert((micros(event.observed_time), at));
        } else {
            clearing.remove(name);
        }
    }
    for (name, due) in acknowledged.into_iter().filter(|(_, due)| late(*due, history.truth.at)) {
        found.push(format!("T1: the acknowledgement of {name} still stands, due at {due}"));
    }
    found
}

fn d1_everyone_is_told(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (replica, at, well) in &history.drains {
        if !well {
            found.push(format!("D1: replica {replica} did not end well when asked to at {at}"));
        }
        for stream in history.listened.iter().flat_map(|l| &l.streams).filter(|s| s.replica == *replica) {
            let open = stream.heard.first().is_some_and(|h| h.at < *at) && stream.ended > *at;
            let first_end = stream.ended < *at + Span::seconds(20);
            let told = stream.heard.last().is_some_and(|h| matches!(h.what, What::Goodbye));
            if open && first_end && !told && !stream.end.is_empty() {
                found.push(format!("D1: a subscriber of replica {replica} had no goodbye at {at}, but {}", stream.end));
            }
        }
    }
    found
}

fn a1_every_change_has_its_entry(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    let entries: HashMap<i64, &pb::AuditEntry> =
        history.truth.audit.iter().filter(|e| e.position > 0).map(|e| (e.position, e)).collect();
    let mut input: Vec<&AlertEvent> = Vec::new();
    for (row, event) in history.truth.rows.iter().zip(&history.truth.events) {
        input.push(event);
        if !row.ends_input {
            continue;
        }
        let changed: BTreeSet<&str> = input.iter().filter_map(|e| e.alert.as_ref()).map(|a| a.name.as_str()).collect();
        match entries.get(&row.position) {
            None => found.push(format!("A1: no entry for the input that ends at {}", row.position)),
            Some(entry) => {
                let said: BTreeSet<&str> = entry.changed.iter().map(String::as_str).collect();
                let cause = entry.cause.as_ref().map_or(CauseKind::Unspecified, pb::Cause::kind);
                if said != changed || cause == CauseKind::Unspecified || entry.policy_version.is_empty() {
                    found.push(format!("A1: the entry at {} does not tell the whole: {entry:?}", row.position));
                }
            }
        }
        input.clear();
    }
    found
}
