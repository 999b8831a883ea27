//! Planned work, one way: it is stored in columns, not as a message.

use crate::domain::{
    Activity, ActivityCategory, Day, OrganisationCode, RejectReason, SourceCode, SubjectName, Time, Zone,
};
use crate::wire::enums::activity_category_from;
use crate::wire::{Violations, pb};

/// No organisation plans so much of anything on a day.
const MOST: i32 = 1_000_000;
/// How far from today a day may be: a slip of a year is noticed.
const FAR: i64 = 400;

/// Figures of an organisation, and who sent them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmittedActivity {
    /// The organisation.
    pub organisation: OrganisationCode,
    /// The figures.
    pub activity: Activity,
    /// Who sent them.
    pub source: SourceCode,
}

/// Figures as sent, with what is wrong noted in `v`.
pub fn activity_from(v: &mut Violations, message: pb::Activity, now: Time) -> Option<SubmittedActivity> {
    let pb::Activity { organisation, day, category, planned, delivered, postponed, source } = message;
    let organisation: Option<SubjectName> = v.parse("organisation", &organisation);
    let organisation = organisation.and_then(|name| {
        if let SubjectName::Organisation(code) = name {
            return Some(code);
        }
        v.add("organisation", RejectReason::Malformed, format!("'{name}' is not organisations/{{ods}}"));
        None
    });
    let day: Option<Day> = v.parse("day", &day);
    if let Some(day) = day {
        near(v, day, now);
    }
    let category = kind(v, category);
    let none = planned.is_none() && delivered.is_none() && postponed.is_none();
    let [planned, delivered, postponed] = [("planned", planned), ("delivered", delivered), ("postponed", postponed)]
        .map(|(field, count)| v.bounded(field, count, MOST));
    if none {
        v.add("planned", RejectReason::Empty, "none of planned, delivered and postponed is there: send at least one");
    }
    let source = v.parse("source", &source);
    let activity = Activity { day: day?, category: category?, planned, delivered, postponed };
    Some(SubmittedActivity { organisation: organisation?, activity, source: source? })
}

fn near(v: &mut Violations, day: Day, now: Time) {
    let today = Day::of(now, &Zone::london());
    if (day.number() - today.number()).abs() > FAR {
        let text = format!("{day} is more than {FAR} days from today, {today}");
        v.add("day", RejectReason::Implausible, text);
    }
}

fn kind(v: &mut Violations, value: i32) -> Option<ActivityCategory> {
    let category = activity_category_from(value);
    if category.is_none() {
        let reason = if value == 0 { RejectReason::Missing } else { RejectReason::Malformed };
        v.add("category", reason, "must be INPATIENT, DAY_CASE or OUTPATIENT");
    }
    category
}

/// Figures from a stored row: day and category as numbers; planned, delivered, postponed. None for a category that only a
/// later version knows.
pub fn activity_of(day: i64, category: i32, figures: [Option<i64>; 3]) -> Option<Activity> {
    let [planned, delivered, postponed] = figures.map(|count| count.and_then(|n| u32::try_from(n).ok()));
    let (day, category) = (Day::from_number(day)?, activity_category_from(category)?);
    Some(Activity { day, category, planned, delivered, postponed })
}
