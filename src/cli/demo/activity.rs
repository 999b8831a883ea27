//! Planned work that the two organisations postponed: made up by organisation and day, and together the figures of
//! England for 18 April to 2 May 2016 (domain.md section 1).

use crate::cli::demo::hospital::{HOSPITAL, REST};
use crate::client::pb;

/// The system that counts planned work.
const SOURCE: &str = "ELECTIVES";
/// One in so many is the hospital's own.
const HOSPITAL_SHARE: i32 = 40;

/// The first and the last day that were counted.
pub(super) const DAYS: (&str, &str) = ("2016-04-18", "2016-05-02");

/// What was postponed by category.
const POSTPONED: [(pb::ActivityCategory, i32); 3] = [
    (pb::ActivityCategory::Inpatient, 4_187),
    (pb::ActivityCategory::DayCase, 8_524),
    (pb::ActivityCategory::Outpatient, 112_856),
];

/// Working days, and how much of the work was planned for them: most of it for the days of the strike.
const WEIGHTS: [(&str, i32); 11] = [
    ("2016-04-18", 1),
    ("2016-04-19", 1),
    ("2016-04-20", 1),
    ("2016-04-21", 1),
    ("2016-04-22", 1),
    ("2016-04-25", 3),
    ("2016-04-27", 10),
    ("2016-04-28", 3),
    ("2016-04-29", 2),
    ("2016-05-02", 1),
    ("2016-04-26", 10),
];

/// One row an organisation, day and category.
pub(super) fn postponed() -> Vec<pb::Activity> {
    let mut rows = Vec::new();
    for (category, all) in POSTPONED {
        let own = all / HOSPITAL_SHARE;
        for (organisation, total) in [(HOSPITAL, own), (REST, all - own)] {
            rows.extend(spread(total).map(|(day, postponed)| pb::Activity {
                organisation: organisation.to_owned(),
                day: day.to_owned(),
                category: category.into(),
                postponed: Some(postponed),
                source: SOURCE.to_owned(),
                ..pb::Activity::default()
            }));
        }
    }
    rows
}

/// A total over the days; what does not divide falls on the last of them.
fn spread(total: i32) -> impl Iterator<Item = (&'static str, i32)> {
    let whole: i32 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let share = move |weight: i32| total / whole * weight;
    let left = total % whole;
    let last = WEIGHTS.len() - 1;
    WEIGHTS.iter().enumerate().map(move |(n, (day, weight))| (*day, share(*weight) + if n == last { left } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_add_up_to_what_england_postponed() {
        let rows = postponed();
        for (category, all) in POSTPONED {
            let sum: i32 = rows.iter().filter(|r| r.category() == category).filter_map(|r| r.postponed).sum();
            assert_eq!(sum, all);
        }
        let days = rows.iter().map(|r| r.day.as_str());
        assert_eq!((days.clone().min(), days.max()), (Some(DAYS.0), Some(DAYS.1)));
    }
}
