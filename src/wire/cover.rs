//! Medical cover, both ways. Destructuring is exhaustive: a new field fails to compile until someone decides.

use crate::domain::{GradeCover, MedicalCover, MedicalGrade, RejectReason};
use crate::wire::blocks::int;
use crate::wire::{Violations, pb};

/// Medical cover, with what is wrong noted in `v`.
pub fn medical_cover_from(v: &mut Violations, message: pb::MedicalCover) -> Option<MedicalCover> {
    let pb::MedicalCover { grades } = message;
    if grades.is_empty() {
        v.add("medical_cover.grades", RejectReason::Missing, "is required: one entry for each grade that is known");
        return None;
    }
    // Each wrong entry is answered at length: a message full of empty ones must not become a receipt many times its size.
    if grades.len() > MedicalGrade::ALL.len() {
        let text = format!("{} entries for {} grades: send one for each", grades.len(), MedicalGrade::ALL.len());
        v.add("medical_cover.grades", RejectReason::TooMany, text);
        return None;
    }
    let mut read: Vec<GradeCover> = Vec::with_capacity(grades.len());
    for (n, grade) in grades.into_iter().enumerate() {
        let path = format!("medical_cover.grades[{n}]");
        let Some(cover) = grade_cover_from(v, &path, grade) else { continue };
        if read.iter().any(|g| g.grade == cover.grade) {
            let text = format!("{} is there twice: send one entry for each grade", grade_name(cover.grade));
            v.add(&format!("{path}.grade"), RejectReason::Conflict, text);
        }
        read.push(cover);
    }
    Some(MedicalCover::new(read))
}

fn grade_cover_from(v: &mut Violations, path: &str, message: pb::GradeCover) -> Option<GradeCover> {
    let pb::GradeCover {
        grade,
        expected,
        at_work,
        on_call,
        acting_as_tier1,
        acting_as_tier2,
        absent_industrial_action,
        absent_other,
    } = message;
    let said = grade;
    let grade = grade_from(said);
    if grade.is_none() {
        let reason = if said == 0 { RejectReason::Missing } else { RejectReason::Malformed };
        let text = format!("must be one of {}", MedicalGrade::ALL.map(grade_name).join(", "));
        v.add(&format!("{path}.grade"), reason, text);
    }
    let field = |name: &str| format!("{path}.{name}");
    let cover = GradeCover {
        grade: grade.unwrap_or(MedicalGrade::F1),
        expected: v.count(&field("expected"), expected),
        at_work: v.required(&field("at_work"), at_work),
        on_call: v.count(&field("on_call"), on_call),
        acting_as_tier1: v.count(&field("acting_as_tier1"), acting_as_tier1),
        acting_as_tier2: v.count(&field("acting_as_tier2"), acting_as_tier2),
        absent_industrial_action: v.count(&field("absent_industrial_action"), absent_industrial_action),
        absent_other: v.count(&field("absent_other"), absent_other),
    };
    if at_work.is_some_and(|n| n >= 0) {
        acting(v, &field, &cover);
    }
    grade.map(|_| cover)
}

/// Whoever acts in another tier is at work, and acts in one tier only.
fn acting(v: &mut Violations, field: &impl Fn(&str) -> String, cover: &GradeCover) {
    let whole = cover.at_work;
    let [one, two] = [cover.acting_as_tier1, cover.acting_as_tier2].map(Option::unwrap_or_default);
    v.part(&field("acting_as_tier1"), cover.acting_as_tier1, "at_work", whole);
    if one <= whole && one.saturating_add(two) > whole {
        let text = format!("{one} acting in tier 1 and {two} in tier 2 are more than the {whole} of at_work");
        v.add(&field("acting_as_tier2"), RejectReason::Implausible, text);
    }
}

/// Medical cover as its message.
pub fn medical_cover_to(cover: &MedicalCover) -> pb::MedicalCover {
    pb::MedicalCover { grades: cover.grades.iter().map(grade_cover_to).collect() }
}

fn grade_cover_to(cover: &GradeCover) -> pb::GradeCover {
    let GradeCover {
        grade,
        expected,
        at_work,
        on_call,
        acting_as_tier1,
        acting_as_tier2,
        absent_industrial_action,
        absent_other,
    } = cover;
    pb::GradeCover {
        grade: pb::MedicalGrade::from(*grade).into(),
        expected: expected.map(int),
        at_work: Some(int(*at_work)),
        on_call: on_call.map(int),
        acting_as_tier1: acting_as_tier1.map(int),
        acting_as_tier2: acting_as_tier2.map(int),
        absent_industrial_action: absent_industrial_action.map(int),
        absent_other: absent_other.map(int),
    }
}

/// Takes out of a report who was absent and why: special-category data about few people, shown as totals of an
/// organisation and above, and never of one group (domain.md section 6).
pub fn withhold_absences(report: &mut pb::StaffingReport) {
    for grade in report.medical_cover.iter_mut().flat_map(|cover| &mut cover.grades) {
        grade.absent_industrial_action = None;
        grade.absent_other = None;
    }
}

impl From<MedicalGrade> for pb::MedicalGrade {
    fn from(grade: MedicalGrade) -> Self {
        match grade {
            MedicalGrade::F1 => Self::F1,
            MedicalGrade::F2 => Self::F2,
            MedicalGrade::Core => Self::Core,
            MedicalGrade::Registrar => Self::Registrar,
            MedicalGrade::LocallyEmployed => Self::LocallyEmployed,
            MedicalGrade::Sas => Self::Sas,
            MedicalGrade::Consultant => Self::Consultant,
            MedicalGrade::AdvancedClinicalPractitioner => Self::AdvancedClinicalPractitioner,
            MedicalGrade::PhysicianAssociate => Self::PhysicianAssociate,
        }
    }
}

fn grade_from(value: i32) -> Option<MedicalGrade> {
    MedicalGrade::ALL.into_iter().find(|g| i32::from(pb::MedicalGrade::from(*g)) == value)
}

fn grade_name(grade: MedicalGrade) -> &'static str {
    let name = pb::MedicalGrade::from(grade).as_str_name();
    name.strip_prefix("MEDICAL_GRADE_").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grade(grade: pb::MedicalGrade, at_work: Option<i32>) -> pb::GradeCover {
        pb::GradeCover { grade: grade.into(), at_work, ..Default::default() }
    }

    fn wrong(grades: Vec<pb::GradeCover>) -> Vec<(String, RejectReason, String)> {
        let mut v = Violations::default();
        medical_cover_from(&mut v, pb::MedicalCover { grades });
        let found = v.into_report_error().map(|e| e.violations).unwrap_or_default();
        found.into_iter().map(|f| (f.field, f.reason, f.description)).collect()
    }

    #[test]
    fn more_entries_than_grades_are_one_thing_wrong() {
        let found = wrong(vec![pb::GradeCover::default(); 100_000]);
        let text = "100000 entries for 9 grades: send one for each".to_owned();
        assert_eq!(found, [("medical_cover.grades".to_owned(), RejectReason::TooMany, text)]);
    }

    #[test]
    fn cover_comes_back_as_it_went_in_sorted_by_grade() {
        let full = pb::GradeCover {
            expected: Some(5),
            on_call: Some(2),
            acting_as_tier1: Some(1),
            acting_as_tier2: Some(2),
            absent_industrial_action: Some(9),
            absent_other: Some(0),
            ..grade(pb::MedicalGrade::Consultant, Some(3))
        };
        let all = (1..=9).rev().map(|g| grade(pb::MedicalGrade::try_from(g).unwrap(), Some(g)));
        let grades: Vec<_> = all.map(|g| if g.grade == 7 { full } else { g }).collect();
        let mut v = Violations::default();
        let cover = medical_cover_from(&mut v, pb::MedicalCover { grades: grades.clone() }).unwrap();
        assert!(v.is_empty(), "absence beyond what was expected is not for us to refuse");
        let back = medical_cover_to(&cover).grades;
        assert_eq!(back, grades.into_iter().rev().collect::<Vec<_>>());
    }

    #[test]
    fn who_was_absent_is_not_shown_of_one_group() {
        let absent = pb::GradeCover { absent_industrial_action: Some(3), absent_other: Some(1), ..Default::default() };
        let cover = pb::MedicalCover { grades: vec![absent, pb::GradeCover { at_work: Some(2), ..absent }] };
        let mut report = pb::StaffingReport { medical_cover: Some(cover), ..Default::default() };
        withhold_absences(&mut report);
        let left = [pb::GradeCover::default(), pb::GradeCover { at_work: Some(2), ..Default::default() }];
        assert_eq!(report.medical_cover.unwrap().grades, left);
    }

    #[test]
    fn every_wrong_figure_is_named_by_its_path() {
        use RejectReason::{Conflict, Implausible, Malformed, Missing, Negative};
        use pb::MedicalGrade::{Consultant, Core, F1, Registrar};
        let found = wrong(vec![
            grade(pb::MedicalGrade::Unspecified, Some(1)),
            pb::GradeCover { grade: 12, at_work: Some(1), ..Default::default() },
            pb::GradeCover { expected: Some(-3), ..grade(F1, None) },
            pb::GradeCover { acting_as_tier1: Some(2), ..grade(Core, Some(-1)) },
            pb::GradeCover { acting_as_tier1: Some(2), acting_as_tier2: Some(1), ..grade(Consultant, Some(2)) },
            pb::GradeCover { acting_as_tier1: Some(3), ..grade(Registrar, Some(2)) },
            grade(Consultant, Some(10_000)),
        ]);
        let paths: Vec<_> = found.iter().map(|(field, reason, _)| (field.as_str(), *reason)).collect();
        let expected = [
            ("medical_cover.grades[0].grade", Missing),
            ("medical_cover.grades[1].grade", Malformed),
            ("medical_cover.grades[2].expected", Negative),
            ("medical_cover.grades[2].at_work", Missing),
            ("medical_cover.grades[3].at_work", Negative),
            ("medical_cover.grades[4].acting_as_tier2", Implausible),
            ("medical_cover.grades[5].acting_as_tier1", Implausible),
            ("medical_cover.grades[6].at_work", Implausible),
            ("medical_cover.grades[6].grade", Conflict),
        ];
        assert_eq!(paths, expected, "{found:?}");
        assert_eq!(found[5].2, "2 acting in tier 1 and 1 in tier 2 are more than the 2 of at_work");
        assert!(found[0].2.ends_with("ADVANCED_CLINICAL_PRACTITIONER, PHYSICIAN_ASSOCIATE"), "{}", found[0].2);
    }

    #[test]
    fn cover_that_says_nothing_is_not_cover_of_nobody() {
        let found = wrong(Vec::new());
        assert_eq!((found[0].0.as_str(), found[0].1), ("medical_cover.grades", RejectReason::Missing));
    }
}
