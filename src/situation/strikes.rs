//! When work is struck: intervals of one organisation, and those of several as one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Context, Organisation, Strike, StrikeId, Time};
use crate::rules::windows::struck;
use crate::situation::int;
use crate::wire::{pb, timestamp_to};

/// Most intervals shown.
const SHOWN: usize = 20;

/// A time in which an organisation's work is struck, that is not over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval<'a> {
    pub strike: &'a Arc<Strike>,
    pub window: u32,
    /// When its window opens.
    pub opened: Time,
    pub start: Time,
    pub end: Time,
}

/// The intervals of an organisation that are not over.
pub(super) fn intervals<'a>(context: &'a Context, organisation: &Organisation, now: Time) -> Vec<Interval<'a>> {
    let policy = context.policy(now);
    let of = |doctors| struck(&context.strikes, doctors, &policy.shifts, &organisation.zone);
    let all = [of(true), of(false)].concat();
    let interval = |s: crate::rules::windows::Struck| {
        let strike = context.strikes.iter().find(|strike| strike.id == s.strike)?;
        Some(Interval { strike, window: s.window, opened: s.opened, start: s.start, end: s.end })
    };
    all.into_iter().filter(|s| s.end > now).filter_map(interval).collect()
}

/// Windows of several organisations, each once; by start.
pub(super) fn shown<'a>(parts: impl Iterator<Item = &'a [Interval<'a>]>, now: Time) -> Vec<pb::SituationStrike> {
    let mut windows: BTreeMap<(&StrikeId, u32), Window<'_>> = BTreeMap::new();
    for part in parts {
        let mut counted = Vec::new();
        for interval in part {
            let key = (&interval.strike.id, interval.window);
            let window = windows.entry(key).or_insert(Window::new(*interval));
            window.extend(interval, now);
            if !counted.contains(&key) {
                window.organisations += 1;
                counted.push(key);
            }
        }
    }
    let mut windows: Vec<Window<'_>> = windows.into_values().collect();
    // In the order of their keys where the start is the same.
    windows.sort_by_key(|w| w.whole.start);
    windows.iter().take(SHOWN).map(|w| w.shown(now)).collect()
}

/// A window of a strike over several organisations.
struct Window<'a> {
    whole: Interval<'a>,
    on: bool,
    organisations: usize,
}

impl<'a> Window<'a> {
    fn new(whole: Interval<'a>) -> Self {
        Self { whole, on: false, organisations: 0 }
    }
    fn extend(&mut self, more: &Interval<'_>, now: Time) {
        self.whole.start = self.whole.start.min(more.start);
        self.whole.end = self.whole.end.max(more.end);
        self.on |= more.start <= now && now < more.end;
    }
    fn shown(&self, now: Time) -> pb::SituationStrike {
        let Interval { strike, window, start, end, opened: _ } = self.whole;
        let (state, until) = if self.on {
            (pb::SituationStrikeState::On, end)
        } else {
            // Between two of its shifts the next is what is coming; nobody is out now.
            (pb::SituationStrikeState::Coming, start.max(now))
        };
        pb::SituationStrike {
            strike: strike.id.to_string(),
            union: strike.union.to_string(),
            staff_group: pb::StaffGroup::from(strike.staff_group).into(),
            mode: pb::StrikeMode::from(strike.mode).into(),
            elective_policy: pb::ElectivePolicy::from(strike.elective).into(),
            window_id: int(window),
            state: state.into(),
            start_time: Some(timestamp_to(start)),
            end_time: Some(timestamp_to(end)),
            seconds_left: (until - now).as_micros() / 1_000_000,
            organisation_count: int(self.organisations),
        }
    }
}
