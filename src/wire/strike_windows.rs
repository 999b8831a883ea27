//! Windows of a strike: civil times to instants, and what may not be.

use std::collections::BTreeSet;

use crate::domain::{CallOffReason, CivilTime, Instants, RejectReason, Span, Time, Window, Zone};
use crate::wire::strike::Warnings;
use crate::wire::strike_enums::call_off_reason_from;
use crate::wire::{Violations, pb, timestamp_to};

/// Most windows of a strike.
const MOST: usize = 100;
/// The longest window, so that a slip of a year is noticed.
const LONGEST: Span = Span::days(366);
/// The largest number of a window.
const LARGEST_ID: i32 = 10_000;

/// What a protobuf timestamp can say, kept away from its end in the year 9999.
const LAST: Time = Time::from_micros(253_000_000_000 * 1_000_000);

/// Which end of a window: a time that clocks show twice makes it the widest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Opens,
    Closes,
}

/// The windows of a definition, by start. `before` are those that the strike has.
pub(super) fn windows_from(
    v: &mut Violations,
    warnings: &mut Warnings,
    zone: &Zone,
    messages: &[pb::StrikeWindow],
    before: &[Window],
) -> Vec<Window> {
    match messages.len() {
        0 => v.missing("windows"),
        len if len > MOST => {
            v.add("windows", RejectReason::TooMany, format!("{len} windows: at most {MOST} in one strike"));
            return Vec::new();
        }
        _ => {}
    }
    let read = |(n, message)| Some((n, window(v, warnings, zone, n, message)?));
    let mut windows: Vec<(usize, Window)> = messages.iter().enumerate().filter_map(read).collect();
    number(v, &mut windows, before);
    let again = windows.iter().filter(|(_, w)| w.called_off.is_none());
    for (n, window) in again {
        if before.iter().any(|b| b.id == window.id && b.called_off.is_some()) {
            warnings.add(format!("windows[{n}].state"), "it was called off, and takes place again");
        }
    }
    windows.sort_by_key(|(_, w)| (w.start, w.id));
    apart(v, &windows);
    windows.into_iter().map(|(_, w)| w).collect()
}

fn window(
    v: &mut Violations,
    warnings: &mut Warnings,
    zone: &Zone,
    n: usize,
    message: &pb::StrikeWindow,
) -> Option<Window> {
    let pb::StrikeWindow { id, start_local, end_local, start_time: _, end_time: _, state, call_off_reason } = message;
    let at = |field: &str| format!("windows[{n}].{field}");
    if !(0..=LARGEST_ID).contains(id) {
        v.add(&at("id"), RejectReason::Implausible, format!("{id} is not between 1 and {LARGEST_ID}, or left out"));
    }
    let called_off = called_off(v, &at, *state, *call_off_reason);
    let start_local: Option<CivilTime> = v.parse(&at("start_local"), start_local);
    let end_local: Option<CivilTime> = v.parse(&at("end_local"), end_local);
    let start = start_local.and_then(|t| instant(v, warnings, at("start_local"), t, zone, Edge::Opens));
    let end = end_local.and_then(|t| instant(v, warnings, at("end_local"), t, zone, Edge::Closes));
    let (start_local, end_local) = (start_local?, end_local?);
    if end_local <= start_local {
        let text = format!("{end_local} is not after the start, {start_local}; an end belongs to the window no more");
        v.add(&at("end_local"), RejectReason::Implausible, text);
        return None;
    }
    let (start, end) = (start?, end?);
    if end - start > LONGEST {
        v.add(
            &at("end_local"),
            RejectReason::Implausible,
            format!("{end_local} is more than 366 days after the start"),
        );
    }
    Some(Window { id: u32::try_from(*id).unwrap_or(0), start_local, end_local, start, end, called_off })
}

fn called_off(v: &mut Violations, at: &impl Fn(&str) -> String, state: i32, reason: i32) -> Option<CallOffReason> {
    let said = call_off_reason_from(reason);
    match pb::WindowState::try_from(state) {
        Ok(pb::WindowState::CalledOff) => {
            if said.is_none() {
                let text = "is required with CALLED_OFF: SUSPENDED, WITHDRAWN, SETTLED or COURT_ORDER";
                v.add(&at("call_off_reason"), RejectReason::Missing, text);
            }
            // Without a reason the strike is refused; that it may overlap another window need not be said as well.
            return said.or(Some(CallOffReason::Withdrawn));
        }
        Ok(pb::WindowState::Unspecified | pb::WindowState::Planned) if reason != 0 => {
            v.add(&at("call_off_reason"), RejectReason::Conflict, "is set, and the state is not CALLED_OFF");
        }
        Ok(pb::WindowState::Unspecified | pb::WindowState::Planned) => {}
        Err(_) => v.add(&at("state"), RejectReason::Malformed, "is neither PLANNED nor CALLED_OFF"),
    }
    None
}

/// The instant of an edge. Nothing is guessed for a time that does not exist; for one that exists twice it is said which
/// was taken.
fn instant(
    v: &mut Violations,
    warnings: &mut Warnings,
    field: String,
    civil: CivilTime,
    zone: &Zone,
    edge: Edge,
) -> Option<Time> {
    let time = match civil.instants(zone) {
        Instants::Once(time) => time,
        Instants::Twice { first, second } => {
            let (taken, which) = if edge == Edge::Opens { (first, "first") } else { (second, "second") };
            let zone = zone.name();
            let text = format!("{civil} comes twice in {zone}, at {first} and {second}: the {which} was taken");
            warnings.add(field, text);
            return Some(taken);
        }
        Instants::Never { jump, to } => {
            let text = format!(
                "{civil} does not exist in {}: the clocks jump to {to} at {jump}; write a time before the jump or after it",
                zone.name()
            );
            v.add(&field, RejectReason::Malformed, text);
            return None;
        }
    };
    if !(Time::from_micros(0)..LAST).contains(&time) {
        v.add(&field, RejectReason::Implausible, format!("{civil} is not between the years 1970 and 9980"));
        return None;
    }
    Some(time)
}

/// Gives windows without a number theirs: that of the one which starts at the same local time, else the next.
fn number(v: &mut Violations, windows: &mut [(usize, Window)], before: &[Window]) {
    let mut used = BTreeSet::new();
    for (n, window) in windows.iter().filter(|(_, w)| w.id != 0) {
        if !used.insert(window.id) {
            v.add(&format!("windows[{n}].id"), RejectReason::Conflict, format!("{} is given twice", window.id));
        } else if !before.is_empty() && !before.iter().any(|b| b.id == window.id) {
            let text = format!("the strike has no window {}; leave the id out for a new one", window.id);
            v.add(&format!("windows[{n}].id"), RejectReason::Malformed, text);
        }
    }
    for (_, window) in windows.iter_mut().filter(|(_, w)| w.id == 0) {
        let same = before.iter().find(|b| b.start_local == window.start_local && !used.contains(&b.id));
        let next = || used.iter().chain(before.iter().map(|b| &b.id)).max().map_or(1, |id| id + 1);
        window.id = same.map_or_else(next, |b| b.id);
        used.insert(window.id);
    }
}

/// Windows that take place may touch, not overlap.
fn apart(v: &mut Violations, by_start: &[(usize, Window)]) {
    let planned: Vec<_> = by_start.iter().filter(|(_, w)| w.called_off.is_none()).collect();
    for pair in planned.windows(2) {
        let [(m, first), (n, second)] = pair else { continue };
        if second.start < first.end {
            let text = format!(
                "overlaps windows[{m}], {} to {}: make them one, or announce two strikes",
                first.start_local, first.end_local
            );
            v.add(&format!("windows[{n}].start_local"), RejectReason::Conflict, text);
        }
    }
}

/// A window as its message.
pub fn window_to(window: &Window) -> pb::StrikeWindow {
    let Window { id, start_local, end_local, start, end, called_off } = window;
    let state = if called_off.is_some() { pb::WindowState::CalledOff } else { pb::WindowState::Planned };
    pb::StrikeWindow {
        id: i32::try_from(*id).unwrap_or(i32::MAX),
        start_local: start_local.to_string(),
        end_local: end_local.to_string(),
        start_time: Some(timestamp_to(*start)),
        end_time: Some(timestamp_to(*end)),
        state: state.into(),
        call_off_reason: called_off.map_or(0, |r| pb::CallOffReason::from(r).into()),
    }
}
