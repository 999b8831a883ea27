use crate::domain::{GradeCover, MedicalCover, MedicalGrade, RejectReason};
use crate::wire::{Violations, pb};

/// The doctors of a cover group, with what is wrong noted in `v`.
pub fn medical_cover_from(v: &mut Violations, message: pb::MedicalCover) -> MedicalCover {
    let mut grades: Vec<GradeCover> = Vec::with_capacity(message.grades.len());
    for (n, entry) in message.grades.into_iter().enumerate() {
        let Some(grade) = grade_from(v, n, entry) else { continue };
        if grades.iter().any(|g| g.grade == grade.grade) {
            let text = "is listed twice: send one entry a grade";
            v.add(&format!("medical_cover.grades[{n}].grade"), RejectReason::Conflict, text);
        }
        grades.push(grade);
    }
    MedicalCover::new(grades)
}

fn grade_from(v: &mut Violations, n: usize, entry: pb::GradeCover) -> Option<GradeCover> {
    let pb::GradeCover {
        grade,
        expected,
        at_work,
        on_call,
        acting_as_tier1,
        acting_as_tier2,
        absent_industrial_action,
        absent_other,
    } = entry;
    let path = |field: &str| format!("medical_cover.grades[{n}].{field}");
    let at_work = v.required(&path("at_work"), at_work);
    let cover = GradeCover {
        grade: grade_of(grade).or_else(|| {
            v.add(&path("grade"), RejectReason::Missing, "is required: F1, F2, CORE, REGISTRAR, ... (MedicalGrade)");
            None
        })?,
        expected: v.count(&path("expected"), expected),
        at_work,
        on_call: v.count(&path("on_call"), on_call),
        acting_as_tier1: v.count(&path("acting_as_tier1"), acting_as_tier1),
        acting_as_tier2: v.count(&path("acting_as_tier2"), acting_as_tier2),
        absent_industrial_action: v.count(&path("absent_industrial_action"), absent_industrial_action),
        absent_other: v.count(&path("absent_other"), absent_other),
    };
    let acting = cover.acting_as_tier1.unwrap_or(0) + cover.acting_as_tier2.unwrap_or(0);
    if acting > at_work {
        let text = format!("{acting} acting in another tier are more than the {at_work} at work");
        let field = if cover.acting_as_tier1.is_some() { "acting_as_tier1" } else { "acting_as_tier2" };
        v.add(&path(field), RejectReason::Implausible, text);
    }
    Some(cover)
}

fn grade_of(value: i32) -> Option<MedicalGrade> {
    MedicalGrade::ALL.into_iter().find(|g| i32::from(grade_to(*g)) == value)
}

fn grade_to(grade: MedicalGrade) -> pb::MedicalGrade {
    match grade {
        MedicalGrade::F1 => pb::MedicalGrade::F1,
        MedicalGrade::F2 => pb::MedicalGrade::F2,
        MedicalGrade::Core => pb::MedicalGrade::Core,
        MedicalGrade::Registrar => pb::MedicalGrade::Registrar,
        MedicalGrade::LocallyEmployed => pb::MedicalGrade::LocallyEmployed,
        MedicalGrade::Sas => pb::MedicalGrade::Sas,
        MedicalGrade::Consultant => pb::MedicalGrade::Consultant,
        MedicalGrade::AdvancedClinicalPractitioner => pb::MedicalGrade::AdvancedClinicalPractitioner,
        MedicalGrade::PhysicianAssociate => pb::MedicalGrade::PhysicianAssociate,
    }
}

/// The doctors of a cover group as their message.
pub fn medical_cover_to(cover: &MedicalCover) -> pb::MedicalCover {
    let count = |n: Option<u32>| n.and_then(|n| i32::try_from(n).ok());
    let grade = |g: &GradeCover| pb::GradeCover {
        grade: grade_to(g.grade).into(),
        expected: count(g.expected),
        at_work: count(Some(g.at_work)),
        on_call: count(g.on_call),
        acting_as_tier1: count(g.acting_as_tier1),
        acting_as_tier2: count(g.acting_as_tier2),
        absent_industrial_action: count(g.absent_industrial_action),
        absent_other: count(g.absent_other),
    };
    pb::MedicalCover { grades: cover.grades.iter().map(grade).collect() }
}
