//! What a strike comes to: who is in its scope, which shifts it strikes, and for how long they outlast it.

use std::collections::BTreeMap;

use crate::domain::{
    Organisation, Rulebook, Scope, ShiftName, Shifts, Span, Strike, SubjectName, Time, WardState, Window, Zone,
};
use crate::rules::{self, windows};
use crate::wire::{self, Warnings, duration_to, pb, timestamp_to};

/// Most names or shifts in an answer; the counts say how many there are.
const MOST: usize = 200;
/// Most unknown organisations or regions that are named one by one.
const MOST_WARNINGS: usize = 20;

/// Subjects in scope of any of these strikes, by number.
pub(super) fn touched<'a>(book: &Rulebook, strikes: impl Iterator<Item = &'a Strike>) -> Vec<i64> {
    let scopes: Vec<&Scope> = strikes.map(|s| &s.scope).collect();
    let covered = |o: &Organisation| scopes.iter().any(|scope| scope.covers(o));
    let organisations = book.organisations.values().filter(|(_, o)| covered(o)).map(|(n, _)| *n);
    let wards = book.wards.values().filter(|w| covered(&w.organisation)).map(|w| w.number);
    let groups = book.groups.values().filter(|g| covered(&g.organisation)).map(|g| g.number);
    let mut numbers: Vec<i64> = organisations.chain(wards).chain(groups).collect();
    numbers.sort_unstable();
    numbers
}

/// Says what of a scope matches nothing: a slip, or an employer still to be registered.
pub(super) fn scope_warnings(book: &Rulebook, strike: &Strike, warnings: &mut Warnings) {
    let registered = || book.organisations.values().map(|(_, o)| o);
    match &strike.scope {
        Scope::Organisations(codes) => {
            let unknown = codes.iter().filter(|code| !book.organisations.contains_key(*code));
            for code in unknown.take(MOST_WARNINGS) {
                let text = format!("organisations/{code} is not registered; it counts as soon as it is");
                warnings.add("scope.organisations", text);
            }
        }
        Scope::Regions(regions) => {
            let unknown = regions.iter().filter(|r| !registered().any(|o| o.region.as_ref() == Some(*r)));
            for region in unknown.take(MOST_WARNINGS) {
                warnings.add("scope.regions", format!("no registered organisation is in region {region}"));
            }
        }
        Scope::England => {}
    }
    if !registered().any(|o| strike.scope.covers(o)) {
        warnings.add("scope", "matches no registered organisation: nothing is judged until one is registered");
    }
}

/// What a strike comes to at an instant, by the register and the policies in force then.
pub(super) fn effect(book: &Rulebook, strike: &Strike, now: Time) -> pb::StrikeEffect {
    let covered = |o: &Organisation| strike.scope.covers(o);
    let organisations: Vec<&Organisation> =
        book.organisations.values().map(|(_, o)| o.as_ref()).filter(|o| covered(o)).collect();
    let names = organisations.iter().map(|o| SubjectName::Organisation(o.code.clone())).collect();
    let doctors = strike.staff_group.is_doctors();
    let groups = book.groups.iter().filter(|(_, g)| doctors && g.in_force && covered(&g.organisation));
    let groups = groups.map(|(name, _)| name.clone()).collect();
    let open = |w: &crate::domain::WardFacts| w.ward.state == WardState::Open && covered(&w.organisation);
    let wards = book.wards.iter().filter(|(_, w)| open(w)).map(|(name, _)| name.clone()).collect();
    let patterns = patterns(book, strike, &organisations, now);
    let ((organisation_count, organisations), (cover_group_count, cover_groups), (ward_count, wards)) =
        (named(names), named(groups), named(wards));
    pb::StrikeEffect {
        windows: strike.windows.iter().map(|w| window_effect(strike, w, &patterns)).collect(),
        organisation_count,
        cover_group_count,
        ward_count,
        organisations,
        cover_groups,
        wards,
    }
}

/// How many there are, and the first names.
fn named(mut names: Vec<SubjectName>) -> (i32, Vec<String>) {
    names.sort_unstable();
    (count(names.len()), names.iter().take(MOST).map(ToString::to_string).collect())
}

/// The shifts that work in scope follow, and how many cover groups follow each.
fn patterns(
    book: &Rulebook,
    strike: &Strike,
    organisations: &[&Organisation],
    now: Time,
) -> Vec<(Shifts, Zone, usize)> {
    let mut found: Vec<(Shifts, Zone, usize)> = Vec::new();
    let mut add = |shifts: Shifts, zone: &Zone, groups| match found.iter_mut().find(|p| (&p.0, &p.1) == (&shifts, zone))
    {
        Some(pattern) => pattern.2 += groups,
        None => found.push((shifts, zone.clone(), groups)),
    };
    if strike.staff_group.is_doctors() {
        for facts in book.groups.values().filter(|g| g.in_force && strike.scope.covers(&g.organisation)) {
            add(rules::shifts(facts, &facts.context.policy(now)), &facts.organisation.zone, 1);
        }
    } else {
        for organisation in organisations {
            add(book.context(&organisation.code).policy(now).shifts.clone(), &organisation.zone, 0);
        }
    }
    if found.is_empty() {
        found.push((Shifts::default(), strike.zone.clone(), 0));
    }
    found
}

fn window_effect(strike: &Strike, window: &Window, patterns: &[(Shifts, Zone, usize)]) -> pb::WindowEffect {
    let mut shifts: BTreeMap<(Time, Time, ShiftName), usize> = BTreeMap::new();
    for (pattern, zone, groups) in patterns.iter().filter(|_| window.called_off.is_none()) {
        for shift in windows::shifts_struck(strike, window, pattern, zone) {
            *shifts.entry(shift).or_default() += groups;
        }
    }
    let until = shifts.keys().map(|(_, end, _)| *end).max();
    let tail = until.map_or(Span::ZERO, |until| (until - window.end).max(Span::ZERO));
    let shown = shifts.iter().take(MOST).map(|((start, end, name), groups)| pb::StruckShift {
        shift: pb::ShiftName::from(*name).into(),
        start_time: Some(timestamp_to(*start)),
        end_time: Some(timestamp_to(*end)),
        cover_group_count: count(*groups),
    });
    pb::WindowEffect {
        window: Some(wire::window_to(window)),
        shifts: shown.collect(),
        shift_count: count(shifts.len()),
        tail: Some(duration_to(tail)),
        struck_until_time: until.map(timestamp_to),
    }
}

fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
