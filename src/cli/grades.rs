//! The doctors of a cover group: a flag for each grade, and columns of a CSV for each grade and figure.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::table::{Column, Kind, one_of};
use crate::client::json;

/// The block, and where the columns' cells stand until they are gathered.
pub(super) const BLOCK: &str = "medical_cover";
/// The figures of a grade, by their names in the API.
const FIGURES: [&str; 7] = [
    "expected",
    "at_work",
    "on_call",
    "acting_as_tier1",
    "acting_as_tier2",
    "absent_industrial_action",
    "absent_other",
];

/// Grades as columns and flags say them, in the order of the API: `locally_employed`.
static GRADES: LazyLock<Vec<String>> =
    LazyLock::new(|| json::enum_values("MedicalGrade").iter().map(|name| name.to_ascii_lowercase()).collect());
/// Names of the columns: `locally_employed_at_work`.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    GRADES.iter().flat_map(|grade| FIGURES.iter().map(move |figure| format!("{grade}_{figure}"))).collect()
});
static COLUMNS: LazyLock<Vec<Column>> =
    LazyLock::new(|| NAMES.iter().map(|name| Column::of(BLOCK, name, Kind::Count, "")).collect());

/// A column for each grade and figure.
pub(super) fn columns() -> &'static [Column] {
    &COLUMNS
}

/// Cells of these columns are figures of one block, flat; the API has an entry for each grade.
pub(super) fn gather(message: &mut Map<String, Value>) {
    let Some(Value::Object(cells)) = message.remove(BLOCK) else { return };
    let mut grades: Vec<Value> = Vec::new();
    for (n, grade) in GRADES.iter().enumerate() {
        let of_grade =
            |figure: &&str| cells.get(&format!("{grade}_{figure}")).map(|v| ((*figure).to_owned(), v.clone()));
        let mut figures: Map<String, Value> = FIGURES.iter().filter_map(of_grade).collect();
        if !figures.is_empty() {
            figures.insert("grade".into(), (n + 1).into());
            grades.push(figures.into());
        }
    }
    message.insert(BLOCK.into(), serde_json::json!({ "grades": grades }));
}

/// `consultant:at_work=2,acting_as_tier2=1` as an entry of the block.
pub(super) fn flag(text: &str) -> Result<Value, String> {
    let form = "write it as consultant:at_work=2,on_call=1";
    let (grade, figures) = text.split_once(':').ok_or_else(|| format!("'{text}' names no figures; {form}"))?;
    let mut entry = Map::new();
    entry.insert("grade".into(), one_of("MedicalGrade", &grade.replace('-', "_").to_ascii_uppercase())?);
    for figure in figures.split(',') {
        let (name, count) = figure.split_once('=').ok_or_else(|| format!("'{figure}' is not a figure; {form}"))?;
        let name = name.replace('-', "_");
        if !FIGURES.contains(&name.as_str()) {
            return Err(format!("'{name}' is none of {}", FIGURES.join(", ")));
        }
        let count: i32 = count.parse().map_err(|_| format!("{name}: '{count}' is not a whole number"))?;
        if entry.insert(name.clone(), count.into()).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(entry.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_of_a_grade_is_a_column_and_may_stand_in_the_flag() {
        let names = json::field_names("GradeCover");
        assert_eq!(names[1..], FIGURES);
        assert_eq!(columns().len(), 9 * 7);
        assert!(columns().iter().any(|c| c.name == "advanced_clinical_practitioner_acting_as_tier1"));
    }

    #[test]
    fn cells_become_an_entry_for_each_grade_that_has_some() {
        let cells = serde_json::json!({"core_at_work": 2, "consultant_on_call": 1, "consultant_at_work": 0});
        let mut message = Map::from_iter([(BLOCK.to_owned(), cells)]);
        gather(&mut message);
        let expected = serde_json::json!({"medical_cover": {"grades": [
            {"grade": 3, "at_work": 2}, {"grade": 7, "at_work": 0, "on_call": 1},
        ]}});
        assert_eq!(Value::Object(message), expected);
        let mut nothing = Map::new();
        gather(&mut nothing);
        assert!(nothing.is_empty(), "no cell, no block");
    }

    #[test]
    fn a_flag_says_what_is_wrong_with_it() {
        let good = flag("locally-employed:at_work=2,acting-as-tier1=1").unwrap();
        assert_eq!(good, serde_json::json!({"grade": 5, "at_work": 2, "acting_as_tier1": 1}));
        assert_eq!(flag("sas:at_work=-1").unwrap()["at_work"], -1, "the service refuses it by its field");
        for (text, what) in [
            ("consultant", "'consultant' names no figures; write it as consultant:at_work=2,on_call=1"),
            ("consultant:2", "'2' is not a figure; write it as consultant:at_work=2,on_call=1"),
            ("consultant:at_work=two", "at_work: 'two' is not a whole number"),
            ("consultant:at_work=2,at_work=3", "at_work is there twice"),
        ] {
            assert_eq!(flag(text).unwrap_err(), what);
        }
        assert!(flag("house_officer:at_work=2").unwrap_err().starts_with("'HOUSE_OFFICER' is none of F1, F2, CORE"));
        assert!(flag("f1:here=2").unwrap_err().starts_with("'here' is none of expected, at_work"));
    }
}
