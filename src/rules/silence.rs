//! Sources that fall silent: what a ward tells its organisation, and what the organisation makes of it.

use std::collections::BTreeMap;

use crate::domain::{
    AlertState, Episode, Severity, SourceCode, SourceSilence, Span, SubjectName, SubjectState, Time, WardFacts,
    WardState, Zone,
};
use crate::rules::catalogue::SILENT;
use crate::rules::overdue::silent_since;
use crate::rules::verdict::{About, Ruling, Verdict, fraction};
use crate::rules::view::{AGEING, View};

/// Subjects that fall silent so close together count as one silence (domain.md section 4).
const TOGETHER: Span = Span::minutes(5);
/// Fewest subjects of a silence.
const FEWEST: usize = 3;
/// Most wards an alert names (engine.md section 1).
const MOST_NAMED: usize = 200;

/// For each source of a ward's ageing blocks: since when one of them has been overdue with nothing received.
pub fn silences(facts: &WardFacts, state: &SubjectState, now: Time) -> Vec<SourceSilence> {
    if facts.ward.state == WardState::Closed {
        return Vec::new();
    }
    let mut sources: BTreeMap<&SourceCode, Option<Time>> = BTreeMap::new();
    for kind in AGEING {
        let Some((_, source, _)) = state.current(kind) else { continue };
        let since = silent_since(facts, state, kind).filter(|at| *at <= now);
        let known = sources.entry(source).or_default();
        *known = match (*known, since) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    sources.into_iter().map(|(source, since)| SourceSilence { source: source.clone(), since }).collect()
}

/// The wards of one source.
#[derive(Default)]
struct Reach<'a> {
    all: usize,
    silent: Vec<(Time, &'a SubjectName)>,
}

/// `source.silent`: at least half and at least 3 of a source's subjects fell silent within 5 minutes. One alert a source
/// and organisation, so that a dead feed does not drown the alerts of wards.
pub fn silent(children: &[(SubjectName, Vec<SourceSilence>)], episodes: &[Episode], zone: &Zone) -> Vec<Ruling> {
    let mut sources: BTreeMap<&str, (Option<&SourceCode>, Reach<'_>)> = BTreeMap::new();
    for (ward, silences) in children {
        for silence in silences {
            let (source, reach) = sources.entry(silence.source.as_str()).or_default();
            *source = Some(&silence.source);
            reach.all += 1;
            reach.silent.extend(silence.since.map(|at| (at, ward)));
        }
    }
    for open in episodes.iter().filter(|e| e.alert.state != AlertState::Resolved) {
        sources.entry(&open.alert.instance).or_default();
    }
    sources.into_iter().map(|(name, (source, reach))| ruling(name, source, reach, zone)).collect()
}

fn ruling(name: &str, source: Option<&SourceCode>, mut reach: Reach<'_>, zone: &Zone) -> Ruling {
    let ruling = Ruling { instance: name.to_owned(), source: "domain rule", ..Ruling::new(SILENT, &[], no_words) };
    reach.silent.sort();
    let (all, (count, since)) = (reach.all, together(&reach.silent));
    let Some(source) = source.filter(|_| count >= FEWEST && 2 * count >= all) else { return ruling };
    let silent = reach.silent.len();
    let wards = reach.silent.iter().take(MOST_NAMED).map(|(_, ward)| (*ward).clone()).collect();
    let (n, of) = (i64::try_from(silent).unwrap_or(i64::MAX), i64::try_from(all).unwrap_or(i64::MAX));
    let ruling = ruling.measuring(
        fraction(n, of, "silent subjects of the source"),
        fraction(1, 2, "silent subjects of the source"),
        "domain rule",
    );
    let message = format!(
        "Source {source}: silent on {silent} of {all} wards since {}, limit half of them and {FEWEST} within 5 min.",
        since.local_hhmm(zone)
    );
    let about = About::Silent { wards, silent, message };
    Ruling { about, ..ruling }.says(Verdict::Breach(Severity::Critical))
}

/// The most that fell silent within 5 minutes of one another, and from when; `silent` is in time order.
fn together(silent: &[(Time, &SubjectName)]) -> (usize, Time) {
    let from = |n: usize| {
        let since = silent[n].0;
        (silent[n..].iter().take_while(|(at, _)| *at - since <= TOGETHER).count(), since)
    };
    (0..silent.len()).map(from).max().unwrap_or_default()
}

/// An organisation has no view: its message comes with what the ruling is about.
fn no_words(_: &View<'_>, _: &Ruling) -> String {
    String::new()
}
