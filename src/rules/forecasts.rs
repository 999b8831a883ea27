//! Plans judged by the same rules: forecasts, which end at once when they stop being true (domain.md section 4).

use crate::domain::{Blocks, Episode, Period, Plan, Resolution, Time};
use crate::rules::catalogue::RULES;
use crate::rules::verdict::{Ruling, Verdict};

/// Rulings on a plan as forecasts: a breach of one stands for its period, and anything else ends it.
pub fn forecasts(rulings: Vec<Ruling>, plan: &Plan, actual: &Blocks, by_report: bool) -> Vec<Ruling> {
    let overtaken = overtaken(plan, actual);
    rulings.into_iter().map(|ruling| forecast(ruling, plan.period, overtaken, by_report)).collect()
}

fn forecast(ruling: Ruling, period: Period, overtaken: bool, by_report: bool) -> Ruling {
    let verdict = match ruling.verdict {
        _ if overtaken => Verdict::Ended(Resolution::Overtaken),
        Verdict::Clear | Verdict::NotEvaluable(_) if by_report => Verdict::Ended(Resolution::PlanReplaced),
        Verdict::Clear | Verdict::NotEvaluable(_) => Verdict::Disabled("the plan is within what now holds"),
        said => said,
    };
    Ruling { instance: period.to_string(), forecast: true, verdict, ..ruling }
}

/// Whether actual figures came for what is planned, true within its period.
fn overtaken(plan: &Plan, actual: &Blocks) -> bool {
    let came = |kind| actual.current(kind).is_some_and(|(key, ..)| plan.period.contains(key.observed));
    plan.blocks.kinds().any(came)
}

/// The ends of open forecasts whose plan is no longer kept: its period is over.
pub fn orphans(episodes: &[Episode], plans: &[Plan], now: Time) -> Vec<Ruling> {
    let open = episodes.iter().map(|e| &e.alert).filter(|a| a.is_open() && a.forecast);
    let orphan = |alert: &crate::domain::Alert| {
        let period: Period = alert.instance.parse().ok()?;
        if plans.iter().any(|p| p.period == period) {
            return None;
        }
        let rule = RULES.iter().find(|r| **r == alert.rule)?;
        let resolution = if period.end <= now { Resolution::Expired } else { Resolution::PlanReplaced };
        let ruling = Ruling::said(rule, &[], alert.message.clone()).says(Verdict::Ended(resolution));
        Some(Ruling { instance: alert.instance.clone(), ..ruling })
    };
    open.filter_map(orphan).collect()
}
