//! Planned work on strike days: what was to stand down, and what was to be kept up (domain.md sections 4 and 6).

use std::collections::BTreeMap;

use crate::domain::{Activity, Day, ElectivePolicy, Episode, Policy, Resolution, Severity, StrikeId, Time, Zone};
use crate::rules::catalogue::{BELOW_TARGET, NOT_STOOD_DOWN};
use crate::rules::verdict::{Ruling, Verdict, fraction};
use crate::rules::windows::Struck;

/// A strike's figures are judged until the end of the day after, so that late ones count.
const DAYS_OPEN: usize = 2;

/// An organisation's strikes and its planned work.
#[derive(Clone, Copy, Debug)]
pub struct ElectiveView<'a> {
    /// Its code.
    pub code: &'a str,
    /// The policy in force.
    pub policy: &'a Policy,
    /// Its zone.
    pub zone: &'a Zone,
    /// Intervals in which anybody's work is struck.
    pub struck: &'a [Struck],
    /// Its planned work.
    pub activity: &'a [Activity],
    /// Now.
    pub now: Time,
}

/// The last instant at which a day's figures are judged.
fn open_until(day: Day, zone: &Zone) -> Time {
    (0..DAYS_OPEN).fold(day, |day, _| day.next()).start(zone)
}

/// Days with figures that a strike with this elective policy touches, that are still judged, and the strike.
fn days(view: &ElectiveView<'_>, policy: ElectivePolicy) -> BTreeMap<Day, StrikeId> {
    let mut found = BTreeMap::new();
    for activity in view.activity {
        let (start, end) = (activity.day.start(view.zone), activity.day.next().start(view.zone));
        let touches = |s: &&Struck| s.elective == policy && s.start < end && start < s.end;
        if let Some(struck) =
            view.struck.iter().find(touches).filter(|_| view.now < open_until(activity.day, view.zone))
        {
            found.insert(activity.day, struck.strike.clone());
        }
    }
    found
}

/// Every ruling on planned work: one for each rule and day; and the end of those whose day is no longer judged.
pub fn rulings(view: &ElectiveView<'_>, episodes: &[Episode]) -> Vec<Ruling> {
    let not_stood_down = days(view, ElectivePolicy::EmergencyOnly).into_iter().map(|(d, s)| stood_down(view, d, s));
    let below = days(view, ElectivePolicy::Maintain).into_iter().map(|(d, s)| below_target(view, d, s));
    let mut rulings: Vec<Ruling> = not_stood_down.chain(below).collect();
    let open = episodes.iter().map(|e| &e.alert).filter(|a| a.is_open());
    for alert in open {
        let rule = [NOT_STOOD_DOWN, BELOW_TARGET].into_iter().find(|r| *r == alert.rule);
        let ruled = rulings.iter().any(|r| r.rule == alert.rule && r.instance == alert.instance);
        let Some(rule) = rule.filter(|_| !ruled) else { continue };
        let over = alert.instance.parse().is_ok_and(|day| view.now >= open_until(day, view.zone));
        let resolution = if over { Resolution::Expired } else { Resolution::WindowEnded };
        let ruling = Ruling::said(rule, &[], alert.message.clone()).says(Verdict::Ended(resolution));
        rulings.push(Ruling { instance: alert.instance.clone(), ..ruling });
    }
    rulings
}

fn of_day<'a>(view: &ElectiveView<'a>, day: Day) -> impl Iterator<Item = &'a Activity> {
    view.activity.iter().filter(move |a| a.day == day)
}

/// `elective.not_stood_down`: all planned work was to stand down, and some was delivered that day.
fn stood_down(view: &ElectiveView<'_>, day: Day, strike: StrikeId) -> Ruling {
    let delivered: u32 = of_day(view, day).filter_map(|a| a.delivered).sum();
    let (code, unit) = (view.code, "operations and appointments delivered");
    let message =
        format!("{code}: {delivered} operations and appointments delivered on {day}, limit 0 (emergency care only).");
    let ruling = Ruling::said(NOT_STOOD_DOWN, &[], message);
    let ruling = ruling.measuring(fraction(delivered, 1, unit), fraction(0, 1, unit), "elective policy of the strike");
    let ruling = Ruling { instance: day.to_string(), strike: Some(strike), ..ruling };
    if delivered > 0 {
        return ruling.says(Verdict::Breach(Severity::Warning));
    }
    // Absolute figures: lower ones correct what stood before.
    ruling.says(Verdict::Ended(Resolution::Corrected))
}

/// `elective.below_target`: planned work was to be kept up, and less than the target was delivered (since 2025 95 % of
/// plan). Off by default.
fn below_target(view: &ElectiveView<'_>, day: Day, strike: StrikeId) -> Ruling {
    let both: Vec<(u32, u32)> = of_day(view, day).filter_map(|a| a.delivered.zip(a.planned)).collect();
    let delivered: u32 = both.iter().map(|(delivered, _)| delivered).sum();
    let planned: u32 = both.iter().map(|(_, planned)| planned).sum();
    let (code, target, unit) = (view.code, view.policy.elective_target_percent, "operations and appointments");
    let message = format!(
        "{code}: {delivered} of {planned} planned operations and appointments delivered on {day}, target {target} %."
    );
    let ruling = Ruling::said(BELOW_TARGET, &[], message);
    let ruling = ruling.measuring(fraction(delivered, planned, unit), fraction(target, 100, unit), "policy");
    let ruling = Ruling { instance: day.to_string(), strike: Some(strike), ..ruling };
    let short = u64::from(delivered) * 100 < u64::from(target) * u64::from(planned);
    if short {
        return ruling.says(Verdict::Breach(Severity::Info));
    }
    ruling.says(Verdict::Ended(Resolution::Corrected))
}

/// The instants after now at which a day's figures are judged no longer.
pub fn edges<'a>(view: &ElectiveView<'a>) -> impl Iterator<Item = Time> + 'a {
    let (zone, now) = (view.zone, view.now);
    view.activity.iter().map(move |a| open_until(a.day, zone)).filter(move |at| *at > now)
}
