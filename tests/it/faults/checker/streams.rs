//! What subscribers received, against the log.

use std::collections::{BTreeMap, HashSet};

use wardwatch::domain::{Span, Time};
use wardwatch::feed::cursor;
use wardwatch::wire::pb::{AlertEvent, AlertState};

use super::SLACK;
use crate::faults::history::{Heard, History, Listened, Stream, Trouble, What, digest};

pub fn the_log_is_whole(history: &History) -> Vec<String> {
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
pub fn p_stream(history: &History, listened: &Listened, stream: &Stream) -> Vec<String> {
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

pub fn p5_goes_on_where_it_was(listened: &Listened) -> Vec<String> {
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

/// When a replica was gone or stood still itself. Storage that was away, from it or from all, is none of these.
fn own_troubles(history: &History, replica: usize, from: Time, to: Time) -> impl Iterator<Item = &Trouble> {
    history.troubles.iter().filter(move |t| t.replica == Some(replica) && t.from <= to && t.to >= from)
}

/// Silence counts while the replica runs. It ends with the next message or with the stream: one that falls silent for
/// good has no next message.
pub fn h1_never_silent(history: &History, listened: &Listened, stream: &Stream) -> Vec<String> {
    let mut found = Vec::new();
    let heard = stream.heard.iter().map(|h| h.at);
    let next = heard.clone().skip(1).chain([stream.ended]);
    for (before, after) in heard.zip(next) {
        let troubles = own_troubles(history, stream.replica, before, after);
        // As if the replica had stood still at first, and run ever since.
        let since = troubles.fold(before, |since, t| since + (t.to.min(after) - t.from.max(before)));
        if since + Span::seconds(listened.interval) + SLACK < after {
            found.push(format!("H1: nothing from {before} to {after} on a stream of replica {}", stream.replica));
        }
    }
    found
}

/// A stream that was opened stays while storage is away: only its opening may be refused for that, and only a replica
/// that goes takes it along. What the service gives as its reason counts, not the code of a broken connection; INTERNAL
/// is what it says of storage that refuses.
pub fn r4_stays_open(history: &History, stream: &Stream) -> Option<String> {
    let opened = stream.heard.first().is_some_and(|h| h.what == What::Opened);
    let for_storage = matches!(stream.end.as_str(), "STORAGE_UNAVAILABLE" | "INTERNAL");
    let gone = own_troubles(history, stream.replica, stream.ended, stream.ended).next().is_some();
    let (replica, ended, end) = (stream.replica, stream.ended, &stream.end);
    (opened && for_storage && !gone).then(|| format!("R4: an open stream of replica {replica} ended at {ended}: {end}"))
}

pub fn d1_everyone_is_told(history: &History) -> Vec<String> {
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
