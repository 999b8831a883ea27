//! Strikes for people.

use jiff::Timestamp;

use crate::cli::shown::{bare, clean};
use crate::client::{instant, pb};

/// A strike in one line.
pub(super) fn line(strike: &pb::Strike) -> String {
    let off = strike.windows.iter().filter(|w| w.state() == pb::WindowState::CalledOff).count();
    let first = strike.windows.first().map_or("-", |w| w.start_local.as_str());
    let last = strike.windows.last().map_or("-", |w| w.end_local.as_str());
    let windows = match (strike.windows.len(), off) {
        (all, off) if all == off => "CALLED OFF".to_owned(),
        (1, _) => "1 window".to_owned(),
        (all, 0) => format!("{all} windows"),
        (all, off) => format!("{all} windows, {off} called off"),
    };
    let group = bare(strike.staff_group().as_str_name(), "STAFF_GROUP_");
    let mode = bare(strike.mode().as_str_name(), "STRIKE_MODE_");
    clean(&format!("{:<24}  {first} to {last}  {group:<16} {mode:<20} {windows}", strike.name))
}

/// Says that nothing was written.
pub(super) fn checked(validate_only: bool, text: String) -> String {
    if validate_only { format!("checked only, nothing was changed\n{text}") } else { text }
}

/// A strike and what it comes to, a line each.
pub(super) fn strike(
    strike: Option<&pb::Strike>,
    effect: Option<&pb::StrikeEffect>,
    warnings: &[pb::StrikeWarning],
) -> String {
    let mut lines = Vec::new();
    if let Some(strike) = strike {
        lines.push(format!("{}  version {}  etag {}", strike.name, strike.version, strike.etag));
        lines.push(format!("terms      {}", terms(strike)));
        lines.push(format!("scope      {}", scope(strike, effect)));
        for window in &strike.windows {
            lines.push(self::window(strike, window));
            let effect =
                effect.and_then(|e| e.windows.iter().find(|w| w.window.as_ref().map(|w| w.id) == Some(window.id)));
            lines.extend(effect.into_iter().flat_map(struck));
        }
        lines.extend(strike.derogations.iter().map(derogation));
    }
    lines.extend(warnings.iter().map(|w| format!("warning    {}: {}", w.field, w.description)));
    lines.iter().map(|l| clean(l)).collect::<Vec<_>>().join("\n")
}

fn terms(strike: &pb::Strike) -> String {
    let group = bare(strike.staff_group().as_str_name(), "STAFF_GROUP_");
    let mode = bare(strike.mode().as_str_name(), "STRIKE_MODE_");
    let elective = bare(strike.elective_policy().as_str_name(), "ELECTIVE_POLICY_");
    format!("{} {group}, {mode}, planned work {elective}", strike.union)
}

fn scope(strike: &pb::Strike, effect: Option<&pb::StrikeEffect>) -> String {
    let scope = strike.scope.clone().unwrap_or_default();
    let codes: Vec<&str> = scope.organisations.iter().map(|o| o.trim_start_matches("organisations/")).collect();
    let whose = [codes.join(" "), scope.regions.join(" "), scope.nation].concat();
    let Some(e) = effect else { return whose };
    let organisations = counted(e.organisation_count, "organisation");
    let (groups, wards) = (counted(e.cover_group_count, "cover group"), counted(e.ward_count, "ward"));
    format!("{whose}: {organisations}, {groups}, {wards}")
}

fn window(strike: &pb::Strike, window: &pb::StrikeWindow) -> String {
    let (start, end) = (time(instant(window.start_time)), time(instant(window.end_time)));
    let off = match window.state() {
        pb::WindowState::CalledOff => {
            format!("  CALLED OFF: {}", bare(window.call_off_reason().as_str_name(), "CALL_OFF_REASON_"))
        }
        _ => String::new(),
    };
    let (from, to, zone) = (&window.start_local, &window.end_local, &strike.time_zone);
    format!("window {:<3} {from} to {to} {zone} = {start} to {end}{off}", window.id)
}

/// The shifts of a window, and how long they outlast it.
fn struck(effect: &pb::WindowEffect) -> Vec<String> {
    let shown = effect.shifts.iter().take(6);
    let mut shifts: Vec<String> = shown
        .map(|s| {
            let name = bare(s.shift().as_str_name(), "SHIFT_NAME_");
            format!("{name} {} to {}", time(instant(s.start_time)), time(instant(s.end_time)))
        })
        .collect();
    let more = usize::try_from(effect.shift_count).unwrap_or_default().saturating_sub(shifts.len());
    if more > 0 {
        shifts.push(format!("{more} more"));
    }
    if shifts.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("  strikes  {}", shifts.join(", "))];
    let minutes = effect.tail.map_or(0, |t| t.seconds / 60);
    if minutes > 0 {
        let (hours, minutes, until) = (minutes / 60, minutes % 60, time(instant(effect.struck_until_time)));
        lines.push(format!("  tail     {hours} h {minutes:02} min after its end, until {until}"));
    }
    lines
}

/// A derogation in one line.
pub(super) fn derogation(derogation: &pb::Derogation) -> String {
    let state = bare(derogation.state().as_str_name(), "DEROGATION_STATE_");
    let number = derogation.number.unwrap_or_default();
    let (group, tier, from) = (&derogation.cover_group, derogation.tier, time(instant(derogation.effective_time)));
    format!("derogation {group} tier {tier}: {number} {state} from {from}")
}

/// `1 ward`, `2 wards`.
pub(super) fn counted(count: i32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// An instant to the minute, seconds only when there are any.
pub(super) fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |t| format!("{t:.0}").replace(":00Z", "Z"))
}
