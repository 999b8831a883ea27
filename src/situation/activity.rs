//! Planned work, added up over days and organisations.

use crate::domain::{Activity, ActivityCategory};
use crate::situation::nurses::total;
use crate::wire::pb;

/// The sums of what was reported.
pub(super) fn activity(rows: &[&Activity], organisations_counted: i32) -> pb::SituationActivity {
    use ActivityCategory::{DayCase, Inpatient, Outpatient};
    let of = |categories: &[ActivityCategory]| {
        let of = || rows.iter().filter(|a| categories.contains(&a.category));
        Some(pb::SituationCounts {
            planned: total(of().map(|a| a.planned)),
            delivered: total(of().map(|a| a.delivered)),
            postponed: total(of().map(|a| a.postponed)),
        })
    };
    pb::SituationActivity {
        inpatient: of(&[Inpatient]),
        day_case: of(&[DayCase]),
        operations: of(&[Inpatient, DayCase]),
        outpatient: of(&[Outpatient]),
        total: of(&ActivityCategory::ALL),
        organisations_counted,
    }
}
