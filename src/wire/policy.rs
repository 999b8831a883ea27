//! Policies on the wire: every range and every contradiction is refused by its field.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use bytes::Bytes;
use prost::Message;

use crate::domain::{
    KindLimit, Policy, PolicyName, PolicyPatch, PolicyVersion, RedFlagType, RejectReason, Shifts, Span, Time, WardKind,
    shown,
};
use crate::wire::cover_group::{hhmm, shift_to, shifts_from};
use crate::wire::enums::ward_kind_from;
use crate::wire::register::{limit, minute_of_day};
use crate::wire::{CorruptState, Violations, pb, timestamp_to, to_time};

/// As much of a key of a map as a field's path repeats, in characters.
const MOST_SHOWN: usize = 60;
/// Minutes that something may take which a day is long enough for.
const UP_TO_A_DAY: RangeInclusive<u32> = 1..=24 * 60;
/// Minutes of grace.
const GRACE: RangeInclusive<u32> = 5..=12 * 60;
/// Hours before a window for which plans may be asked: two weeks.
const AHEAD: RangeInclusive<u32> = 1..=14 * 24;
/// Most times of day in a list.
const MOST_TIMES: usize = 24;
/// Most types of red flags of an organisation's own.
const MOST_FLAGS: usize = 50;
/// Longest words of one: they stand in a message of at most 160 characters.
const MOST_WORDS: usize = 60;

/// A new version as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyUpdate {
    /// Whose.
    pub name: PolicyName,
    /// The version it was made from; empty: not compared.
    pub etag: String,
    /// All that it sets.
    pub patch: PolicyPatch,
}

/// A policy as one layer, with what is wrong noted in `v`. `rules` are all that there are.
pub fn policy_from(v: &mut Violations, message: pb::Policy, rules: &[&str]) -> Option<PolicyUpdate> {
    let pb::Policy {
        name,
        version: _,
        etag,
        effective_time: _,
        record_time: _,
        limits,
        severe_percent,
        minimum_registered_nurses,
        skill_mix_percent,
        children_skill_mix_percent,
        hours_short_minutes,
        hours_short_percent,
        judgement_holds_hours,
        clear_after_minutes,
        reopen_within_minutes,
        update_every_minutes,
        census_times,
        census_grace_minutes,
        least_grace_minutes,
        silent_fewest_subjects,
        silent_within_minutes,
        acknowledge_critical_minutes,
        acknowledge_other_minutes,
        acknowledge_most_minutes,
        escalate_first_minutes,
        escalate_second_minutes,
        shifts,
        cover_return_times,
        cover_return_grace_minutes,
        plan_from_hours,
        plan_critical_from_hours,
        elective_target_percent,
        rules: switched,
        local_red_flags,
    } = message;
    let patch = PolicyPatch {
        limits: limits_from(v, &limits),
        severe_percent: within(v, "severe_percent", severe_percent, 101..=1_000),
        minimum_registered_nurses: within(v, "minimum_registered_nurses", minimum_registered_nurses, 1..=20),
        skill_mix_percent: within(v, "skill_mix_percent", skill_mix_percent, 1..=100),
        children_skill_mix_percent: within(v, "children_skill_mix_percent", children_skill_mix_percent, 1..=100),
        hours_short_minutes: within(v, "hours_short_minutes", hours_short_minutes, 1..=2_880),
        hours_short_percent: within(v, "hours_short_percent", hours_short_percent, 1..=100),
        judgement_holds: hours(v, "judgement_holds_hours", judgement_holds_hours, 1..=48),
        clear_after: minutes(v, "clear_after_minutes", clear_after_minutes, UP_TO_A_DAY),
        reopen_within: minutes(v, "reopen_within_minutes", reopen_within_minutes, UP_TO_A_DAY),
        update_every: minutes(v, "update_every_minutes", update_every_minutes, 1..=60),
        census_times: times(v, "census_times", &census_times),
        census_grace: minutes(v, "census_grace_minutes", census_grace_minutes, GRACE),
        least_grace: minutes(v, "least_grace_minutes", least_grace_minutes, GRACE),
        silent_fewest: within(v, "silent_fewest_subjects", silent_fewest_subjects, 2..=100),
        silent_within: minutes(v, "silent_within_minutes", silent_within_minutes, 1..=60),
        acknowledge_critical: minutes(v, "acknowledge_critical_minutes", acknowledge_critical_minutes, UP_TO_A_DAY),
        acknowledge_other: minutes(v, "acknowledge_other_minutes", acknowledge_other_minutes, UP_TO_A_DAY),
        acknowledge_most: minutes(v, "acknowledge_most_minutes", acknowledge_most_minutes, UP_TO_A_DAY),
        escalate_first: minutes(v, "escalate_first_minutes", escalate_first_minutes, UP_TO_A_DAY),
        escalate_second: minutes(v, "escalate_second_minutes", escalate_second_minutes, UP_TO_A_DAY),
        shifts: shifts_from(v, &shifts),
        cover_return_times: times(v, "cover_return_times", &cover_return_times),
        cover_return_grace: minutes(v, "cover_return_grace_minutes", cover_return_grace_minutes, GRACE),
        plan_from: hours(v, "plan_from_hours", plan_from_hours, AHEAD),
        plan_critical_from: hours(v, "plan_critical_from_hours", plan_critical_from_hours, AHEAD),
        elective_target_percent: within(v, "elective_target_percent", elective_target_percent, 1..=100),
        rules: rules_from(v, switched, rules),
        local_red_flags: flags_from(v, local_red_flags),
    };
    Some(PolicyUpdate { name: v.parse("name", &name)?, etag, patch })
}

/// A whole number within its range.
fn within(v: &mut Violations, field: &str, value: Option<i32>, range: RangeInclusive<u32>) -> Option<u32> {
    let value = value?;
    let valid = u32::try_from(value).ok().filter(|n| range.contains(n));
    if valid.is_none() {
        let text = format!("{value} is not between {} and {}", range.start(), range.end());
        v.add(field, RejectReason::Implausible, text);
    }
    valid
}

fn minutes(v: &mut Violations, field: &str, value: Option<i32>, range: RangeInclusive<u32>) -> Option<Span> {
    within(v, field, value, range).map(|n| Span::minutes(i64::from(n)))
}

fn hours(v: &mut Violations, field: &str, value: Option<i32>, range: RangeInclusive<u32>) -> Option<Span> {
    within(v, field, value, range).map(|n| Span::hours(i64::from(n)))
}

/// Times of day, ascending, each once; none: inherited.
fn times(v: &mut Violations, field: &str, times: &[String]) -> Option<Vec<u16>> {
    if times.len() > MOST_TIMES {
        v.add(field, RejectReason::TooMany, format!("{} times: at most {MOST_TIMES}", times.len()));
        return None;
    }
    let mut found = BTreeSet::new();
    for (n, time) in times.iter().enumerate() {
        let field = format!("{field}[{n}]");
        match minute_of_day(time) {
            None => v.add(&field, RejectReason::Malformed, format!("'{time}' is not HH:MM")),
            Some(minute) if !found.insert(minute) => {
                v.add(&field, RejectReason::Conflict, format!("{time} is named twice"));
            }
            Some(_) => {}
        }
    }
    (!found.is_empty()).then(|| found.into_iter().collect())
}

fn limits_from(v: &mut Violations, limits: &[pb::KindLimit]) -> BTreeMap<WardKind, KindLimit> {
    let mut found = BTreeMap::new();
    for (n, message) in limits.iter().enumerate() {
        let pb::KindLimit { kind, limit_patients_per_rn: day, night_limit_patients_per_rn: night } = message;
        let at = |field: &str| format!("limits[{n}].{field}");
        let day = limit(v, &at("limit_patients_per_rn"), *day, 10);
        let night = limit(v, &at("night_limit_patients_per_rn"), *night, 10);
        let Some(kind) = ward_kind_from(*kind) else {
            let text = "is no kind of ward: ADULT_INPATIENT, ACUTE_MEDICAL, INTENSIVE_CARE, ... (WardKind)";
            v.add(&at("kind"), RejectReason::Malformed, text);
            continue;
        };
        if found.insert(kind, KindLimit { day, night }).is_some() {
            v.add(&at("kind"), RejectReason::Conflict, "is named twice");
        }
    }
    found
}

fn rules_from(v: &mut Violations, switched: BTreeMap<String, bool>, rules: &[&str]) -> BTreeMap<String, bool> {
    for rule in switched.keys().filter(|r| !rules.contains(&r.as_str())) {
        let near = rules.iter().min_by_key(|known| strsim::osa_distance(known, rule));
        let near = near.map(|n| format!("; the nearest is {n}")).unwrap_or_default();
        v.add(
            &format!("rules[{}]", shown(rule, MOST_SHOWN)),
            RejectReason::Malformed,
            format!("there is no such rule{near}"),
        );
    }
    switched
}

fn flags_from(v: &mut Violations, flags: BTreeMap<String, String>) -> BTreeMap<String, String> {
    if flags.len() > MOST_FLAGS {
        v.add("local_red_flags", RejectReason::TooMany, format!("{} types: at most {MOST_FLAGS}", flags.len()));
    }
    for (code, words) in &flags {
        let field = format!("local_red_flags[{}]", shown(code, MOST_SHOWN));
        if RedFlagType::local(code).is_none() {
            let most = RedFlagType::MOST_LOCAL;
            let text = format!("is not local. and 1 to {most} of a-z 0-9 _, such as local.falls_watch_missed");
            v.add(&field, RejectReason::Malformed, text);
        }
        let length = words.chars().count();
        if length == 0 || length > MOST_WORDS || words.trim() != words || words.chars().any(char::is_control) {
            let text = format!("needs words for people: 1 to {MOST_WORDS} characters, no space at the ends");
            v.add(&field, RejectReason::Malformed, text);
        }
    }
    flags
}

/// What contradicts itself in a policy with all its layers. Of two fields the one that `patch` sets is named.
pub fn contradictions(v: &mut Violations, policy: &Policy, patch: &PolicyPatch) {
    let mut ordered = |small: (&str, Span, bool), great: (&str, Span, bool), may_be_equal: bool| {
        if small.1 < great.1 || (may_be_equal && small.1 == great.1) {
            return;
        }
        let wanted = if may_be_equal { "must not be more than" } else { "must be less than" };
        let text = format!("{} ({}) {wanted} {} ({})", small.0, length(small.1), great.0, length(great.1));
        let field = if great.2 && !small.2 { great.0 } else { small.0 };
        v.add(field, RejectReason::Conflict, text);
    };
    let first = ("escalate_first_minutes", policy.escalate_first, patch.escalate_first.is_some());
    let second = ("escalate_second_minutes", policy.escalate_second, patch.escalate_second.is_some());
    ordered(first, second, false);
    let most = ("acknowledge_most_minutes", policy.acknowledge_most, patch.acknowledge_most.is_some());
    let critical = ("acknowledge_critical_minutes", policy.acknowledge_critical, patch.acknowledge_critical.is_some());
    ordered(critical, most, true);
    let other = ("acknowledge_other_minutes", policy.acknowledge_other, patch.acknowledge_other.is_some());
    ordered(other, most, true);
    let from = ("plan_from_hours", policy.plan_from, patch.plan_from.is_some());
    let critical = ("plan_critical_from_hours", policy.plan_critical_from, patch.plan_critical_from.is_some());
    ordered(critical, from, true);
}

/// "90 min", "72 h".
fn length(span: Span) -> String {
    match span.as_minutes() {
        minutes if minutes % 60 == 0 => format!("{} h", minutes / 60),
        minutes => format!("{minutes} min"),
    }
}

/// A layer as its message.
pub fn policy_to(name: &PolicyName, patch: &PolicyPatch) -> pb::Policy {
    let int = |n: Option<u32>| n.and_then(|n| i32::try_from(n).ok());
    let minutes = |span: Option<Span>| span.and_then(|s| i32::try_from(s.as_minutes()).ok());
    let hours = |span: Option<Span>| span.and_then(|s| i32::try_from(s.as_minutes() / 60).ok());
    let times = |times: &Option<Vec<u16>>| times.iter().flatten().copied().map(hhmm).collect();
    pb::Policy {
        name: name.to_string(),
        version: String::new(),
        etag: String::new(),
        effective_time: None,
        record_time: None,
        limits: patch.limits.iter().map(limit_to).collect(),
        severe_percent: int(patch.severe_percent),
        minimum_registered_nurses: int(patch.minimum_registered_nurses),
        skill_mix_percent: int(patch.skill_mix_percent),
        children_skill_mix_percent: int(patch.children_skill_mix_percent),
        hours_short_minutes: int(patch.hours_short_minutes),
        hours_short_percent: int(patch.hours_short_percent),
        judgement_holds_hours: hours(patch.judgement_holds),
        clear_after_minutes: minutes(patch.clear_after),
        reopen_within_minutes: minutes(patch.reopen_within),
        update_every_minutes: minutes(patch.update_every),
        census_times: times(&patch.census_times),
        census_grace_minutes: minutes(patch.census_grace),
        least_grace_minutes: minutes(patch.least_grace),
        silent_fewest_subjects: int(patch.silent_fewest),
        silent_within_minutes: minutes(patch.silent_within),
        acknowledge_critical_minutes: minutes(patch.acknowledge_critical),
        acknowledge_other_minutes: minutes(patch.acknowledge_other),
        acknowledge_most_minutes: minutes(patch.acknowledge_most),
        escalate_first_minutes: minutes(patch.escalate_first),
        escalate_second_minutes: minutes(patch.escalate_second),
        shifts: patch.shifts.iter().flat_map(Shifts::as_slice).copied().map(shift_to).collect(),
        cover_return_times: times(&patch.cover_return_times),
        cover_return_grace_minutes: minutes(patch.cover_return_grace),
        plan_from_hours: hours(patch.plan_from),
        plan_critical_from_hours: hours(patch.plan_critical_from),
        elective_target_percent: int(patch.elective_target_percent),
        rules: patch.rules.clone(),
        local_red_flags: patch.local_red_flags.clone(),
    }
}

fn limit_to((kind, limit): (&WardKind, &KindLimit)) -> pb::KindLimit {
    let decimal = |l: crate::domain::Limit| f64::from(l.0) / 100.0;
    pb::KindLimit {
        kind: pb::WardKind::from(*kind).into(),
        limit_patients_per_rn: limit.day.map(decimal),
        night_limit_patients_per_rn: limit.night.map(decimal),
    }
}

/// A version as its message.
pub fn policy_version_to(version: &PolicyVersion) -> pb::Policy {
    pb::Policy {
        // Version 0 is that of a policy that nobody set yet.
        version: if version.version > 0 { version.to_string() } else { String::new() },
        etag: version.etag(),
        effective_time: since(version.effective),
        record_time: since(version.recorded),
        ..policy_to(&version.name, &version.patch)
    }
}

/// An instant; none for the beginning of time.
fn since(at: Time) -> Option<prost_types::Timestamp> {
    Some(at).filter(|at| at.as_micros() >= 0).map(timestamp_to)
}

/// The values in force since `from`, as their message.
pub fn policy_in_force_to(name: &PolicyName, policy: &Policy, from: Time) -> pb::Policy {
    pb::Policy {
        version: policy.version.clone(),
        effective_time: since(from),
        ..policy_to(name, &PolicyPatch::from(policy))
    }
}

/// A version as the store keeps it; its number and the time it was recorded stand beside it.
pub fn encode_policy(version: &PolicyVersion) -> Bytes {
    policy_version_to(version).encode_to_vec().into()
}

/// A version from its stored bytes.
///
/// # Errors
/// When they cannot be read.
pub fn decode_policy(bytes: &Bytes, version: i64, recorded: Time) -> Result<PolicyVersion, CorruptState> {
    const CORRUPT: CorruptState = CorruptState("a policy");
    let message = pb::Policy::decode(bytes.clone()).map_err(|_| CORRUPT)?;
    let effective = message.effective_time.and_then(to_time).ok_or(CORRUPT)?;
    let mut v = Violations::default();
    // A rule that only another version of the service knows is no reason not to start.
    let rules: Vec<String> = message.rules.keys().cloned().collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let update = policy_from(&mut v, message, &rules).filter(|_| v.is_empty()).ok_or(CORRUPT)?;
    let PolicyUpdate { name, etag: _, patch } = update;
    Ok(PolicyVersion { name, version, effective, recorded, patch })
}
