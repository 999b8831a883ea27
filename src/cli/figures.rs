//! What a report may say, as flags of `report` and columns of a CSV: one table for both.

use super::table::{Column, Kind};

const fn count(block: &'static str, name: &'static str, help: &'static str) -> Column {
    Column::of(block, name, Kind::Count, help)
}

/// Every figure of every block that a ward's report may have, by its name in the API.
pub(super) const FIGURES: &[Column] = &[
    count("patients", "bedded", "Patients in the ward's bed spaces (required with any of these)"),
    count("patients", "boarded", "Patients nursed on the ward without a bed space"),
    count("patients", "corridor", "Patients in a corridor for 45 minutes or more"),
    count("patients", "one_to_one", "Of all patients, those with a nurse to themselves"),
    count("levels_of_care", "level2", "Level 2 patients (intensive care)"),
    count("levels_of_care", "level3", "Level 3 patients (intensive care)"),
    count("levels_of_care", "neonatal_intensive", "Babies in intensive care"),
    count("levels_of_care", "neonatal_high_dependency", "Babies in high dependency care"),
    count("levels_of_care", "neonatal_special", "Babies in special care"),
    count("levels_of_care", "children_under2", "Children under two years"),
    count("levels_of_care", "children_from2", "Children from two years"),
    count("levels_of_care", "women_in_labour", "Women in established labour"),
    count("levels_of_care", "resus", "Patients in resuscitation"),
    count("levels_of_care", "majors", "Patients in majors"),
    count("nursing", "registered_nurses", "Registered nurses giving direct care now (required with any of these)"),
    count("nursing", "registered_midwives", "Registered midwives"),
    count("nursing", "agency_registered_nurses", "Of the registered nurses, those from an agency"),
    count("nursing", "one_to_one_nurses", "Of the registered nurses, those with a single patient"),
    count("nursing", "nursing_associates", "Nursing associates"),
    count("nursing", "healthcare_support_workers", "Healthcare support workers"),
    count("nursing", "students", "Students"),
    count("nursing", "supernumerary", "Supernumerary staff"),
    count("nursing", "largest_allocation", "Patients of the nurse who has the most"),
    Column::of(
        "nursing",
        "coordinator_supernumerary",
        Kind::Truth,
        "Labour ward: whether the coordinator has no women of her own (true or false)",
    ),
    Column::of("nursing_hours", "shift_start_time", Kind::Time, "Start of the shift"),
    Column::of("nursing_hours", "shift_end_time", Kind::Time, "End of the shift"),
    count("nursing_hours", "rn_required_minutes", "Registered nurse minutes the patients require"),
    count("nursing_hours", "rn_available_minutes", "Registered nurse minutes available"),
    count("nursing_hours", "rn_planned_minutes", "Registered nurse minutes planned"),
    Column::of(
        "professional_judgement",
        "judgement",
        Kind::OneOf("Judgement"),
        "The nurse in charge's judgement: SAFE or UNSAFE",
    ),
];

/// Columns of a report that are not figures.
pub(super) const HEADS: &[Column] = &[
    Column::plain("ward", Kind::Text),
    Column::plain("cover_group", Kind::Text),
    Column::plain("observed_time", Kind::Time),
    Column::plain("source", Kind::Text),
    Column::plain("report_id", Kind::Text),
    Column::plain("revision", Kind::Long),
    Column::of("plan_period", "plan_start_time", Kind::Time, "").writing("start_time"),
    Column::of("plan_period", "plan_end_time", Kind::Time, "").writing("end_time"),
    Column::of("plan_period", "plan_withdrawn", Kind::Truth, "").writing("withdrawn"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::json;

    #[test]
    fn every_figure_of_the_api_is_a_flag_and_a_column() {
        for (block, message) in [
            ("patients", "Patients"),
            ("levels_of_care", "LevelsOfCare"),
            ("nursing", "Nursing"),
            ("nursing_hours", "NursingHours"),
            ("professional_judgement", "ProfessionalJudgement"),
        ] {
            let here: Vec<_> = FIGURES.iter().filter(|f| f.block == block).map(|f| f.name.to_owned()).collect();
            assert_eq!(here, json::field_names(message), "{block}");
        }
    }
}
