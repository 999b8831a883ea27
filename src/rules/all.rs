use crate::domain::{SubjectName, Summary};
use crate::rules::switches::switched;
use crate::rules::verdict::Ruling;
use crate::rules::view::View;
use crate::rules::{capacity, care_level, hours, minimum, overdue, plausible, ratio, skill_mix, strike_ward};

/// Every rule of a ward, in the order of the catalogue; red flags come with their reports.
pub fn ward_rulings(view: &View<'_>, reads: &[(SubjectName, Summary)]) -> Vec<Ruling> {
    let [patients, nursing] = plausible::implausible(view);
    let mut rulings = figures(view);
    rulings.extend([overdue::overdue(view), patients, nursing, strike_ward::below_baseline(view)]);
    // What is off makes no double gap either.
    let mut rulings = on(view, rulings);
    rulings.push(strike_ward::double_gap(view, &rulings, reads));
    rulings.push(skill_mix::low(view));
    on(view, rulings)
}

fn on(view: &View<'_>, rulings: Vec<Ruling>) -> Vec<Ruling> {
    switched(view.policy, &view.facts.ward.enabled_rules, rulings)
}

/// The rules that a ward's plan is judged by as well.
pub fn planned_rulings(view: &View<'_>) -> Vec<Ruling> {
    let mut rulings = figures(view);
    rulings.extend([strike_ward::below_baseline(view), skill_mix::low(view)]);
    on(view, rulings)
}

fn figures(view: &View<'_>) -> Vec<Ruling> {
    vec![
        ratio::over_limit(view),
        ratio::max_allocation(view),
        minimum::none(view),
        minimum::below_minimum(view),
        hours::shortfall(view),
        care_level::under_cover(view),
        hours::judged_unsafe(view),
        capacity::over(view),
        capacity::corridor(view),
    ]
}
