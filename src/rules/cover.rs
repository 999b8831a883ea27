//! Whether the cover for absent doctors stands: the rules of a cover group during a strike (domain.md section 4).

use crate::domain::{BlockKind, MedicalCover, Resolution, Severity, StrikeMode, Tier};
use crate::rules::catalogue::{BASELINE, COVER_MINIMUM, NO_SENIOR, PLAN_GAP};
use crate::rules::cover_view::{CoverView, Demand};
use crate::rules::verdict::{Ruling, Verdict, Why, fraction};

const READS: &[BlockKind] = &[BlockKind::MedicalCover];
/// Where a group's limits come from.
const REGISTER: &str = "cover group register";

/// A tier that lacks doctors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// The tier.
    pub tier: Tier,
    /// Doctors who count in it.
    pub doctors: u32,
    /// Fewest that there should be.
    pub minimum: u32,
}

/// The unit of a count in a tier.
const fn unit(tier: Tier) -> &'static str {
    match tier {
        Tier::One => "doctors in tier 1",
        Tier::Two => "doctors in tier 2",
        Tier::Three => "doctors in tier 3",
    }
}

/// Every rule of a cover group, in the order of the catalogue.
pub fn group_rulings(view: &CoverView<'_>) -> Vec<Ruling> {
    let demands = view.demands();
    vec![below_minimum(view, &demands), no_senior(view, &demands), below_baseline(view, &demands)]
}

/// A ruling for a group, or its end when no strike concerns it.
fn ruling(rule: &'static str, demands: &[Demand]) -> Ruling {
    let ruling = Ruling { source: REGISTER, ..Ruling::said(rule, READS, String::new()) };
    match demands.first() {
        Some(demand) => Ruling { strike: Some(demand.strike.clone()), ..ruling },
        None => ruling.says(Verdict::Ended(Resolution::WindowEnded)),
    }
}

/// Tiers below their minimum, the one that lacks most first; a tier that was not reported is not known to lack any.
fn shortfalls(view: &CoverView<'_>, cover: &MedicalCover, demands: &[Demand]) -> Vec<Shortfall> {
    let mut found: Vec<Shortfall> = Tier::ALL
        .into_iter()
        .filter_map(|tier| {
            let doctors = cover.tier_count(tier)?;
            let instants = demands.iter().flat_map(|d| &d.at);
            let minimum = instants.filter_map(|at| view.minimum(tier, *at)).max()?;
            (doctors < minimum).then_some(Shortfall { tier, doctors, minimum })
        })
        .collect();
    found.sort_by_key(|s| std::cmp::Reverse((s.minimum - s.doctors, s.tier)));
    found
}

/// Whether a tier has a minimum and was not reported.
fn unreported(view: &CoverView<'_>, cover: &MedicalCover, demands: &[Demand]) -> bool {
    let applies = |tier| demands.iter().flat_map(|d| &d.at).any(|at| view.minimum(tier, *at).is_some_and(|m| m > 0));
    Tier::ALL.into_iter().any(|tier| cover.tier_count(tier).is_none() && applies(tier))
}

/// Whether any tier has a minimum.
fn has_minimum(view: &CoverView<'_>, demands: &[Demand]) -> bool {
    let instants = || demands.iter().flat_map(|d| &d.at);
    Tier::ALL.into_iter().any(|tier| instants().any(|at| view.minimum(tier, *at).is_some()))
}

/// `cover.below_minimum`: inside a strike, doctors at work in a tier below the group's minimum. No national minimum
/// exists; a group without one has none to be below.
fn below_minimum(view: &CoverView<'_>, demands: &[Demand]) -> Ruling {
    let ruling = ruling(COVER_MINIMUM, demands);
    if demands.is_empty() {
        return ruling;
    }
    if !has_minimum(view, demands) {
        return ruling.says(Verdict::Disabled("the register names no minimum for this group"));
    }
    let cover = match view.cover() {
        Ok(cover) => cover,
        Err(why) => return ruling.unknown(why),
    };
    let short = shortfalls(view, cover, demands);
    let group = &view.facts.group.code;
    let Some(worst) = short.first() else {
        let ruling =
            ruling.with_message(format!("Cover group {group}: every tier at or above its minimum. {}", view.when()));
        return if unreported(view, cover, demands) { ruling.unknown(Why::TiersAbsent) } else { ruling };
    };
    let unit = unit(worst.tier);
    let ruling = ruling.measuring(fraction(worst.doctors, 1, unit), fraction(worst.minimum, 1, unit), REGISTER);
    let tiers: Vec<String> =
        short.iter().map(|s| format!("tier {} {} of {}", s.tier.number(), s.doctors, s.minimum)).collect();
    let message =
        format!("Cover group {group}: doctors {} below minimum: {}. {}", view.doing(), tiers.join(", "), view.when());
    ruling.with_message(message).says(Verdict::Breach(Severity::Critical))
}

/// `cover.no_senior`: a full withdrawal, and no tier-3 doctor at work (or on call, where the group says that counts).
/// The one built-in minimum: at least one tier-3 doctor.
fn no_senior(view: &CoverView<'_>, demands: &[Demand]) -> Ruling {
    let full: Vec<Demand> = demands.iter().filter(|d| d.mode == StrikeMode::FullWithdrawal).cloned().collect();
    let ruling = ruling(NO_SENIOR, &full);
    if full.is_empty() {
        return ruling;
    }
    let counted = view.cover().and_then(|cover| seniors(view, cover).ok_or(Why::TiersAbsent));
    let seniors = match counted {
        Ok(seniors) => seniors,
        Err(why) => return ruling.unknown(why),
    };
    let unit = "tier 3 doctors";
    let ruling =
        ruling.measuring(fraction(seniors, 1, unit), fraction(1, 1, unit), "Royal College of Physicians tiers");
    let (group, when) = (&view.facts.group.code, view.when());
    let place = if view.facts.group.tier3_on_call_counts { " or on call" } else { "" };
    let doing = view.doing();
    let ruling =
        ruling.with_message(format!("Cover group {group}: {seniors} tier 3 doctors {doing}{place}, minimum 1. {when}"));
    if seniors == 0 { ruling.says(Verdict::Breach(Severity::Critical)) } else { ruling }
}

/// Tier-3 doctors who count as the senior; none when that cannot be said. Where those on call count and nobody is at work,
/// a number on call that was not reported is not zero.
fn seniors(view: &CoverView<'_>, cover: &MedicalCover) -> Option<u32> {
    let at_work = cover.tier_count(Tier::Three)?;
    let on_call = cover.consultants_on_call();
    match view.facts.group.tier3_on_call_counts {
        true if at_work == 0 => on_call,
        true => Some(at_work + on_call.unwrap_or(0)),
        false => Some(at_work),
    }
}

/// `cover.below_baseline`: fewer doctors at work than the strike's mode leaves in place (Christmas Day or night duty).
fn below_baseline(view: &CoverView<'_>, demands: &[Demand]) -> Ruling {
    let ruling = ruling(BASELINE, demands);
    if demands.is_empty() {
        return ruling;
    }
    let Some(baseline) = demands.iter().filter_map(|d| view.baseline(d.mode)).max() else {
        return ruling.says(Verdict::Disabled("the register names no baseline for the mode of this strike"));
    };
    let counted = view.cover().and_then(|cover| cover.at_work_all().ok_or(Why::TiersAbsent));
    let doctors = match counted {
        Ok(doctors) => doctors,
        Err(why) => return ruling.unknown(why),
    };
    let unit = "doctors at work";
    let ruling = ruling.measuring(fraction(doctors, 1, unit), fraction(baseline, 1, unit), REGISTER);
    let side = if doctors < baseline { "below" } else { "at or above" };
    let (group, doing, when) = (&view.facts.group.code, view.doing(), view.when());
    let message = format!("Cover group {group}: {doctors} doctors {doing}, {side} the baseline of {baseline}. {when}");
    let ruling = ruling.with_message(message);
    if doctors < baseline { ruling.says(Verdict::Breach(Severity::Warning)) } else { ruling }
}

/// `cover.plan_gap`: the doctors planned for a period that a strike touches would breach one of the rules above; the
/// worst of them speaks.
pub fn plan_gap(view: &CoverView<'_>) -> Ruling {
    let rulings = group_rulings(view);
    let severity = |r: &Ruling| match r.verdict {
        Verdict::Breach(severity) => Some(severity),
        _ => None,
    };
    // Of equals the first: below minimum says more than no senior.
    let worst = rulings.into_iter().rev().filter(Ruling::breaches).max_by_key(severity);
    match worst {
        Some(worst) => Ruling { rule: PLAN_GAP, ..worst },
        None => ruling(PLAN_GAP, &view.demands()),
    }
}
