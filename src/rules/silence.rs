//! Sources that fall silent: what a ward tells its organisation, and what the organisation makes of it.

use std::collections::BTreeMap;

use crate::domain::{
    BlockKind, Episode, Policy, Severity, SourceCode, SourceSilence, Span, SubjectName, Summary, Time, WardState, Zone,
};
use crate::rules::catalogue::SILENT;
use crate::rules::due::{AGEING, silent_since};
use crate::rules::inputs::Inputs;
use crate::rules::verdict::{Ruling, Verdict, fraction};
use crate::rules::view::View;

/// For each source of a ward's ageing blocks: since when one of them has been overdue with nothing received.
pub fn of_ward(view: &View<'_>) -> Vec<SourceSilence> {
    if view.facts.ward.state == WardState::Closed {
        return Vec::new();
    }
    silences(view, AGEING.into_iter(), |kind| silent_since(view, kind))
}

/// The same for each source of these blocks, whose silence begins as `since` says.
pub fn silences(
    inputs: &dyn Inputs,
    kinds: impl Iterator<Item = BlockKind>,
    since: impl Fn(BlockKind) -> Option<Time>,
) -> Vec<SourceSilence> {
    let mut sources: BTreeMap<&SourceCode, Option<Time>> = BTreeMap::new();
    for kind in kinds {
        let Some((_, source, _)) = inputs.blocks().current(kind) else { continue };
        let since = since(kind).filter(|at| *at <= inputs.now());
        let known = sources.entry(source).or_default();
        *known = match (*known, since) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    sources.into_iter().map(|(source, since)| SourceSilence { source: source.clone(), since }).collect()
}

/// Now, the zone in which an organisation reads it, and the policy it has.
#[derive(Debug)]
pub struct Local<'a> {
    /// Now.
    pub now: Time,
    /// The organisation's zone.
    pub zone: &'a Zone,
    /// The policy in force.
    pub policy: &'a Policy,
}

impl Local<'_> {
    fn clock(&self, at: Time) -> String {
        at.local_hhmm(self.zone)
    }
}

/// The wards of one source.
#[derive(Default)]
struct Reach<'a> {
    all: usize,
    silent: Vec<(Time, &'a SubjectName)>,
}

/// `source.silent`: at least half of a source's subjects, and as many as the policy says, fell silent within its few
/// minutes (3 within 5 unless it says otherwise). One alert a source and organisation, so that a dead feed does not drown the alerts of wards.
pub fn silent(reads: &[(SubjectName, Summary)], episodes: &[Episode], clock: &Local<'_>) -> Vec<Ruling> {
    let mut sources: BTreeMap<&str, Reach<'_>> = BTreeMap::new();
    for (ward, summary) in reads {
        for silence in &summary.silences {
            let reach = sources.entry(silence.source.as_str()).or_default();
            reach.all += 1;
            reach.silent.extend(silence.since.map(|at| (at, ward)));
        }
    }
    for open in episodes.iter().filter(|e| e.alert.is_open() && e.alert.rule == SILENT) {
        sources.entry(&open.alert.instance).or_default();
    }
    sources.into_iter().map(|(source, reach)| ruling(source, reach, clock)).collect()
}

fn ruling(source: &str, mut reach: Reach<'_>, clock: &Local<'_>) -> Ruling {
    reach.silent.sort();
    let (fewest, within) = (clock.policy.silent_fewest, clock.policy.silent_within);
    let (count, since) = together(&reach.silent, within);
    let (silent, all) = (reach.silent.len(), reach.all);
    let breach = count >= fewest as usize && 2 * count >= all;
    let figures = format!("Source {source}: silent on {silent} of {all} wards");
    let minutes = within.as_minutes();
    let limit = format!("limit of {fewest} and half of them within {minutes} min");
    let message = if breach {
        format!("{figures} since {}, above the {limit}.", clock.clock(since))
    } else {
        format!("{figures}, within the {limit}. Observed {}.", clock.clock(clock.now))
    };
    let subjects = reach.silent.iter().map(|(_, ward)| (*ward).clone()).collect();
    let unit = "silent subjects of the source";
    let number = |n| i64::try_from(n).unwrap_or(i64::MAX);
    let ruling = Ruling { instance: source.to_owned(), ..Ruling::said(SILENT, &[], message).concerning(subjects) };
    let ruling = ruling.measuring(fraction(number(silent), number(all), unit), fraction(1, 2, unit), "domain rule");
    if breach { ruling.says(Verdict::Breach(Severity::Critical)) } else { ruling }
}

/// The most that fell silent within this time of one another, and from when; `silent` is in time order.
fn together(silent: &[(Time, &SubjectName)], within: Span) -> (usize, Time) {
    let (mut most, mut first) = ((0, Time::default()), 0);
    for (n, (at, _)) in silent.iter().enumerate() {
        while *at - silent[first].0 > within {
            first += 1;
        }
        let count = n + 1 - first;
        if count > most.0 {
            most = (count, silent[first].0);
        }
    }
    most
}
