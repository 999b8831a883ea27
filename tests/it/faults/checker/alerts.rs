//! What the log says of alerts: their episodes, what time did to them, and who is said to have caused it.

use std::collections::{BTreeSet, HashMap};

use wardwatch::domain::{Span, Time};
use wardwatch::wire::pb::{self, AlertCondition, AlertEvent, AlertEventType, AlertState, CauseKind};
use wardwatch::wire::to_time;

use super::SLACK;
use crate::faults::history::History;

/// What time brings about is published so long after it at the latest (T1).
const LATEST: Span = Span::seconds(2);
/// Key of an episode.
fn episode(alert: &pb::Alert) -> (String, String, String) {
    (alert.subject.clone(), alert.rule.clone(), alert.instance.clone())
}

pub fn r3_one_open_episode(history: &History) -> Vec<String> {
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

/// Lateness is excused when something kept every replica from being in time. Trouble of some alone leaves it to the
/// others; what the first still held, such as the head's lock, may make it a little later.
fn too_late(history: &History, due: Time, done: Time) -> bool {
    let (from, to) = (due - SLACK, due + LATEST + SLACK);
    if done <= due + LATEST || !history.troubled(None, from, to) {
        return done > due + LATEST;
    }
    // Those that somebody listened to; where nobody did, there may be but one.
    let mut replicas = history.listened.iter().flat_map(|l| &l.streams).map(|s| s.replica);
    done > to && replicas.any(|n| !history.troubled(Some(n), from, to))
}

/// Acknowledgements run out and alerts clear by time alone: not before their time, once, and soon unless something is broken.
pub fn t1_by_time_alone(history: &History, clear_after: Span) -> Vec<String> {
    let mut found = Vec::new();
    let mut acknowledged: HashMap<&str, Time> = HashMap::new();
    let mut clearing: HashMap<&str, (Time, Time)> = HashMap::new();
    let late = |due: Time, done: Time| too_late(history, due, done);
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

pub fn a1_every_change_has_its_entry(history: &History) -> Vec<String> {
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
