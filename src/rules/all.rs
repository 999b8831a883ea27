use crate::rules::verdict::Ruling;
use crate::rules::view::View;
use crate::rules::{capacity, care_level, hours, minimum, overdue, plausible, ratio, skill_mix};

/// Every rule of a ward, in the order of the catalogue; red flags come with their reports.
pub fn ward_rulings(view: &View<'_>) -> Vec<Ruling> {
    let [patients, nursing] = plausible::implausible(view);
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
        overdue::overdue(view),
        patients,
        nursing,
        skill_mix::low(view),
    ]
}
