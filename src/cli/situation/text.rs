//! The view as text: at most 24 lines of 100 columns, in the order in which a control room asks.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::lines::{
    LABEL, between, clock, counted, length, line, local, moment, near, role, short, thousands, words, wrapped,
};
use crate::client::{Moment, pb};

/// Lines of the whole view.
pub(super) const LINES: usize = 24;
/// Strikes shown at most.
const STRIKES: usize = 3;

const ALARM: Style = AnsiColor::Red.on_default().bold();
const HEADING: Style = Style::new().bold();

/// The whole view; `silent`: nothing was heard for so long, so that it is not live.
pub(in crate::cli) fn situation(situation: &pb::Situation, silent: Option<Duration>) -> String {
    let empty = pb::SituationBlock::default();
    let block = situation.total.as_ref().unwrap_or(&empty);
    let now = situation.as_of_time.or(situation.server_time);
    let mut above = vec![heading(situation, block, silent)];
    above.extend(strikes(block, now));
    above.extend(holes(block.holes.as_ref()));
    above.push(responders(block.responders.as_ref(), now));
    above.extend(trend(block));
    above.extend(unknown(block));
    let mut below = vec![next(block)];
    below.extend(postponed(situation, block));
    below.extend(nurses(block));
    below.extend(doctors(block));
    let room = LINES.saturating_sub(above.len() + below.len());
    above.extend(worst(block, room, now));
    above.extend(below);
    above.join("\n")
}

/// One line that says that nothing is known any more.
pub(super) fn not_live(silent: Duration, seen: Option<Moment>) -> String {
    let age = length(i64::try_from(silent.as_secs()).unwrap_or(i64::MAX));
    let seen = seen.map_or_else(String::new, |at| format!("; this is of {}", local(Some(at), "%H:%M:%S")));
    let text = line("NOT LIVE", &format!("nothing heard for {age}{seen}"));
    format!("{ALARM}{text}{ALARM:#}")
}

fn heading(situation: &pb::Situation, block: &pb::SituationBlock, silent: Option<Duration>) -> String {
    if let Some(silent) = silent {
        return not_live(silent, situation.server_time);
    }
    let of = match block.display_name.as_str() {
        "" => counted(block.organisation_count, "organisation", "organisations"),
        only => only.to_owned(),
    };
    let wards = counted(block.ward_count, "ward", "wards");
    let at = situation.as_of_time.or(situation.server_time);
    let past = if situation.as_of_time.is_some() { "as of " } else { "" };
    let text = format!("{past}{}, {of}, {wards}, position {}", moment(at), situation.position);
    format!("{HEADING}{}{HEADING:#}", line("SITUATION", &text))
}

/// Is a strike on, and until when.
fn strikes(block: &pb::SituationBlock, now: Option<Moment>) -> Vec<String> {
    let label = |n: usize| if n == 0 { "STRIKE" } else { "" };
    let shown = block.strikes.iter().take(STRIKES).enumerate();
    let lines: Vec<String> = shown.map(|(n, s)| line(label(n), &strike(s, now))).collect();
    if lines.is_empty() { vec![line("STRIKE", "none is on, none is announced")] } else { lines }
}

fn strike(strike: &pb::SituationStrike, now: Option<Moment>) -> String {
    let who = words(strike.staff_group().as_str_name(), "STAFF_GROUP_");
    let mode = words(strike.mode().as_str_name(), "STRIKE_MODE_");
    let said = format!("{} {who}, {mode}", strike.union);
    if strike.state() == pb::SituationStrikeState::On {
        let (until, left) = (near(strike.end_time, now), length(between(now, strike.end_time)));
        let employers = counted(strike.organisation_count, "employer", "employers");
        return format!("ON until {until} ({left} left): {said}, {employers}");
    }
    let (from, until) = (near(strike.start_time, now), near(strike.end_time, strike.start_time));
    format!("{from} to {until} (in {}): {said}", length(between(now, strike.start_time)))
}

/// Where is a hole now.
fn holes(holes: Option<&pb::SituationHoles>) -> Vec<String> {
    let Some(h) = holes else { return vec![line("HOLES NOW", "not known")] };
    let mut cover = vec![
        format!("double gaps {}", h.double_gaps),
        format!("cover groups below minimum {}", h.cover_below_minimum),
        format!("without a senior {}", h.cover_no_senior),
    ];
    if h.below_baseline > 0 {
        cover.push(format!("below baseline {}", h.below_baseline));
    }
    let mut wards = vec![
        format!("wards above limit {} ({} severe)", h.wards_above_limit, h.wards_severe),
        format!("below minimum of nurses {} ({} with none)", h.wards_below_minimum_rns, h.wards_without_rn),
        format!("below care-level formula {}", h.wards_under_formula),
    ];
    if h.red_flags > 0 {
        wards.push(format!("red flags {}", h.red_flags));
    }
    [wrapped("HOLES NOW", &cover, 1), wrapped("", &wards, 2)].concat()
}

/// Who has it.
fn responders(responders: Option<&pb::SituationResponders>, now: Option<Moment>) -> String {
    let Some(r) = responders else { return line("WHO HAS IT", "not known") };
    let waiting = match r.oldest_unacknowledged_time {
        Some(at) => format!(" (one for {})", length(between(Some(at), now))),
        None => String::new(),
    };
    let text = format!(
        "critical: nobody has {}{waiting}, somebody has {}; others taken {}; escalated {}",
        r.unacknowledged_criticals, r.acknowledged_criticals, r.acknowledged_others, r.escalated
    );
    line("WHO HAS IT", &text)
}

/// Better or worse than an hour ago.
fn trend(block: &pb::SituationBlock) -> Vec<String> {
    let (Some(now), Some(before)) = (&block.holes, &block.holes_hour_ago) else {
        return vec![line("TREND", "how it was an hour ago is not known")];
    };
    let counts = |h: &pb::SituationHoles| {
        [
            ("double gaps", h.double_gaps),
            ("cover below minimum", h.cover_below_minimum),
            ("no senior", h.cover_no_senior),
            ("above limit", h.wards_above_limit),
            ("severe", h.wards_severe),
            ("below minimum of nurses", h.wards_below_minimum_rns),
            ("critical alerts", h.critical_alerts),
        ]
    };
    let both = counts(now).into_iter().zip(counts(before));
    let moved: Vec<(&str, i32)> =
        both.map(|((name, now), (_, then))| (name, now - then)).filter(|(_, d)| *d != 0).collect();
    let verdict = match (moved.iter().any(|(_, d)| *d > 0), moved.iter().any(|(_, d)| *d < 0)) {
        (false, false) => "the same as",
        (true, false) => "WORSE than",
        (false, true) => "better than",
        (true, true) => "worse and better than",
    };
    let first = format!("{verdict} at {}", clock(block.hour_ago_time));
    let items: Vec<String> = moved.iter().map(|(name, by)| format!("{name} {by:+}")).collect();
    let items: Vec<String> = match items.split_first() {
        Some((one, more)) => std::iter::once(format!("{first}: {one}")).chain(more.iter().cloned()).collect(),
        None => vec![first],
    };
    wrapped("TREND", &items, 2)
}

/// What is not known.
fn unknown(block: &pb::SituationBlock) -> Vec<String> {
    let Some(u) = &block.unknown else {
        return vec![line("NOT KNOWN", "the log does not keep which figures were missing then")];
    };
    let mut items: Vec<String> = [
        (u.stale_wards, "ward stale", "wards stale"),
        (u.never_reported_wards, "ward never reported", "wards never reported"),
        (u.incomplete_wards, "ward incomplete", "wards incomplete"),
        (u.cover_groups_without_return, "cover group without a return", "cover groups without a return"),
        (u.silent_sources, "source silent", "sources silent"),
        (u.unreadable, "subject unreadable", "subjects unreadable"),
    ]
    .into_iter()
    .filter(|(n, ..)| *n > 0)
    .map(|(n, one, many)| counted(n, one, many))
    .collect();
    if items.is_empty() {
        let (wards, groups) = (block.ward_count, block.cover_group_count);
        let groups = counted(groups, "cover group", "cover groups");
        items.push(format!("nothing: {} and {groups} are current", counted(wards, "ward", "wards")));
    }
    wrapped("NOT KNOWN", &items, 2)
}

/// The worst first, in the lines that are left.
fn worst(block: &pb::SituationBlock, room: usize, now: Option<Moment>) -> Vec<String> {
    if block.worst.is_empty() {
        return vec![line("WORST", "no alert is open")];
    }
    let label = |n: usize| if n == 0 { "WORST" } else { "" };
    block.worst.iter().take(room).enumerate().map(|(n, alert)| worst_line(label(n), alert, now)).collect()
}

fn worst_line(label: &str, alert: &pb::SituationAlert, now: Option<Moment>) -> String {
    let severity = words(alert.severity().as_str_name(), "SEVERITY_");
    let clears = alert.condition() == pb::AlertCondition::Clearing;
    let age = length(between(alert.raise_time, now));
    let mut about = vec![age];
    about.extend(clears.then(|| "clearing".to_owned()));
    about.extend(role(alert.acknowledged_by).map(|role| format!("with {role}")));
    let text = format!("{severity:<8} {}, {}: {}", short(&alert.subject), about.join(", "), alert.message);
    let text = line(label, &text);
    if alert.severity() != pb::Severity::Critical {
        return text;
    }
    // The label is in the colour of no severity.
    let at = text.char_indices().nth(LABEL).map_or(text.len(), |(at, _)| at);
    let (label, rest) = text.split_at(at);
    format!("{label}{ALARM}{rest}{ALARM:#}")
}

/// What comes next.
fn next(block: &pb::SituationBlock) -> String {
    let Some(next) = &block.next_forecast else { return line("NEXT", "no gap is forecast") };
    let more = match block.forecast_count {
        ..=1 => String::new(),
        count => format!(" ({count} forecasts)"),
    };
    let at = moment(next.forecast_start_time);
    line("NEXT", &format!("{at}{more}, {}: {}", short(&next.subject), next.message))
}

/// Activity postponed.
fn postponed(situation: &pb::Situation, block: &pb::SituationBlock) -> Vec<String> {
    let Some(activity) = &block.activity else { return vec![line("POSTPONED", "not part of this view")] };
    let of = |counts: Option<&pb::SituationCounts>| counts.and_then(|c| c.postponed);
    let said =
        |counts: Option<&pb::SituationCounts>| of(counts).map_or_else(|| "unknown".to_owned(), |n| thousands(n.into()));
    let days = format!("{} to {}", situation.activity_start_day, situation.activity_end_day);
    if of(activity.total.as_ref()).is_none() {
        return vec![line("POSTPONED", &format!("nothing reported for {days}"))];
    }
    let operations = format!(
        "{} inpatient + {} day case = {} operations, {} outpatient appointments",
        said(activity.inpatient.as_ref()),
        said(activity.day_case.as_ref()),
        said(activity.operations.as_ref()),
        said(activity.outpatient.as_ref()),
    );
    let together = format!("{} together, {days}", said(activity.total.as_ref()));
    vec![line("POSTPONED", &operations), line("", &together)]
}

/// Nurses on wards above the limit; the survey asked for "eight or more", the article says "more than eight": both.
fn nurses(block: &pb::SituationBlock) -> Vec<String> {
    if block.unknown.is_none() {
        return Vec::new();
    }
    let (Some(all), Some(above), Some(at)) = (block.rns_counted, block.rns_above_limit, block.rns_at_or_above_limit)
    else {
        return vec![line("NURSES", "on no ward can the ratio be evaluated now")];
    };
    let limit = match &block.rns_limit {
        Some(limit) if limit.denominator == 1 => limit.numerator.to_string(),
        _ => "their limit".to_owned(),
    };
    let of = |part: i32| format!("{} of {}", thousands(part.into()), thousands(all.into()));
    let first = format!("{} registered nurses counted are on wards above {limit}{}", of(above), share(above, all));
    let second = format!("{} are on wards at {limit} or above{}", of(at), share(at, all));
    vec![line("NURSES", &first), line("", &second)]
}

/// ` (53 %)`; rounded down, so that "more than half" is never a rounding.
fn share(part: i32, all: i32) -> String {
    if all > 0 { format!(" ({} %)", i64::from(part) * 100 / i64::from(all)) } else { String::new() }
}

fn doctors(block: &pb::SituationBlock) -> Vec<String> {
    let Some(doctors) = &block.doctors else { return Vec::new() };
    let groups = counted(block.cover_group_count, "cover group", "cover groups");
    let counted = doctors.cover_groups_counted;
    if doctors.tiers.is_empty() {
        return vec![line("DOCTORS", &format!("no current figures from {groups}"))];
    }
    let tiers: Vec<String> = doctors.tiers.iter().map(|t| format!("tier {} {}", t.tier, t.at_work)).collect();
    vec![line("DOCTORS", &format!("at work: {}, by {counted} of {groups}", tiers.join(", ")))]
}
