//! The blocks of a report, both ways. Destructuring is exhaustive: a new field fails to compile until someone decides.

use crate::domain::{Judgement, LevelsOfCare, Nursing, NursingHours, Patients, RejectReason, Span};
use crate::wire::{Violations, pb, timestamp_to};

/// Most minutes in one block of nursing time: a thousand nurses for a day.
const MOST_MINUTES: i32 = 1_440_000;

pub(super) fn patients_from(v: &mut Violations, message: pb::Patients) -> Patients {
    let pb::Patients { bedded, boarded, corridor, one_to_one } = message;
    let patients = Patients {
        bedded: v.required("patients.bedded", bedded),
        boarded: v.count("patients.boarded", boarded),
        corridor: v.count("patients.corridor", corridor),
        one_to_one: v.count("patients.one_to_one", one_to_one),
    };
    v.part("patients.one_to_one", patients.one_to_one, "patients", patients.total());
    patients
}

pub(super) fn levels_from(v: &mut Violations, message: pb::LevelsOfCare) -> LevelsOfCare {
    let pb::LevelsOfCare {
        level2,
        level3,
        neonatal_intensive,
        neonatal_high_dependency,
        neonatal_special,
        children_under2,
        children_from2,
        women_in_labour,
        resus,
        majors,
    } = message;
    LevelsOfCare {
        level2: v.count("levels_of_care.level2", level2),
        level3: v.count("levels_of_care.level3", level3),
        neonatal_intensive: v.count("levels_of_care.neonatal_intensive", neonatal_intensive),
        neonatal_high_dependency: v.count("levels_of_care.neonatal_high_dependency", neonatal_high_dependency),
        neonatal_special: v.count("levels_of_care.neonatal_special", neonatal_special),
        children_under2: v.count("levels_of_care.children_under2", children_under2),
        children_from2: v.count("levels_of_care.children_from2", children_from2),
        women_in_labour: v.count("levels_of_care.women_in_labour", women_in_labour),
        resus: v.count("levels_of_care.resus", resus),
        majors: v.count("levels_of_care.majors", majors),
    }
}

pub(super) fn nursing_from(v: &mut Violations, message: pb::Nursing) -> Nursing {
    let pb::Nursing {
        registered_nurses,
        registered_midwives,
        agency_registered_nurses,
        one_to_one_nurses,
        nursing_associates,
        healthcare_support_workers,
        students,
        supernumerary,
        largest_allocation,
        coordinator_supernumerary,
    } = message;
    let nursing = Nursing {
        registered_nurses: v.required("nursing.registered_nurses", registered_nurses),
        registered_midwives: v.count("nursing.registered_midwives", registered_midwives),
        agency_registered_nurses: v.count("nursing.agency_registered_nurses", agency_registered_nurses),
        one_to_one_nurses: v.count("nursing.one_to_one_nurses", one_to_one_nurses),
        nursing_associates: v.count("nursing.nursing_associates", nursing_associates),
        healthcare_support_workers: v.count("nursing.healthcare_support_workers", healthcare_support_workers),
        students: v.count("nursing.students", students),
        supernumerary: v.count("nursing.supernumerary", supernumerary),
        largest_allocation: v.count("nursing.largest_allocation", largest_allocation),
        coordinator_supernumerary,
    };
    if registered_nurses.is_some() {
        let whole = ("nursing.registered_nurses", nursing.registered_nurses);
        v.part("nursing.agency_registered_nurses", nursing.agency_registered_nurses, whole.0, whole.1);
        v.part("nursing.one_to_one_nurses", nursing.one_to_one_nurses, whole.0, whole.1);
    }
    nursing
}

pub(super) fn hours_from(v: &mut Violations, message: pb::NursingHours) -> Option<NursingHours> {
    let pb::NursingHours {
        shift_start_time,
        shift_end_time,
        rn_required_minutes,
        rn_available_minutes,
        rn_planned_minutes,
    } = message;
    let shift_start = v.time("nursing_hours.shift_start_time", shift_start_time);
    let shift_end = v.time("nursing_hours.shift_end_time", shift_end_time);
    let required_minutes = v.bounded("nursing_hours.rn_required_minutes", rn_required_minutes, MOST_MINUTES);
    let available_minutes = v.bounded("nursing_hours.rn_available_minutes", rn_available_minutes, MOST_MINUTES);
    let planned_minutes = v.bounded("nursing_hours.rn_planned_minutes", rn_planned_minutes, MOST_MINUTES);
    let (shift_start, shift_end) = (shift_start?, shift_end?);
    if shift_end <= shift_start || shift_end - shift_start > Span::hours(24) {
        let text = "must be after shift_start_time and at most 24 hours later";
        v.add("nursing_hours.shift_end_time", RejectReason::Implausible, text);
    }
    Some(NursingHours { shift_start, shift_end, required_minutes, available_minutes, planned_minutes })
}

pub(super) fn judgement_from(v: &mut Violations, message: pb::ProfessionalJudgement) -> Option<Judgement> {
    match message.judgement() {
        pb::Judgement::Safe => Some(Judgement::Safe),
        pb::Judgement::Unsafe => Some(Judgement::Unsafe),
        pb::Judgement::Unspecified if message.judgement == 0 => {
            v.missing("professional_judgement.judgement");
            None
        }
        pb::Judgement::Unspecified => {
            v.add(
                "professional_judgement.judgement",
                RejectReason::Malformed,
                "is neither JUDGEMENT_SAFE nor JUDGEMENT_UNSAFE",
            );
            None
        }
    }
}

/// A count as the wire has it; counts are at most five digits.
pub(super) fn int(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

pub(super) fn patients_to(p: &Patients) -> pb::Patients {
    pb::Patients {
        bedded: Some(int(p.bedded)),
        boarded: p.boarded.map(int),
        corridor: p.corridor.map(int),
        one_to_one: p.one_to_one.map(int),
    }
}

pub(super) fn levels_to(l: &LevelsOfCare) -> pb::LevelsOfCare {
    pb::LevelsOfCare {
        level2: l.level2.map(int),
        level3: l.level3.map(int),
        neonatal_intensive: l.neonatal_intensive.map(int),
        neonatal_high_dependency: l.neonatal_high_dependency.map(int),
        neonatal_special: l.neonatal_special.map(int),
        children_under2: l.children_under2.map(int),
        children_from2: l.children_from2.map(int),
        women_in_labour: l.women_in_labour.map(int),
        resus: l.resus.map(int),
        majors: l.majors.map(int),
    }
}

pub(super) fn nursing_to(n: &Nursing) -> pb::Nursing {
    pb::Nursing {
        registered_nurses: Some(int(n.registered_nurses)),
        registered_midwives: n.registered_midwives.map(int),
        agency_registered_nurses: n.agency_registered_nurses.map(int),
        one_to_one_nurses: n.one_to_one_nurses.map(int),
        nursing_associates: n.nursing_associates.map(int),
        healthcare_support_workers: n.healthcare_support_workers.map(int),
        students: n.students.map(int),
        supernumerary: n.supernumerary.map(int),
        largest_allocation: n.largest_allocation.map(int),
        coordinator_supernumerary: n.coordinator_supernumerary,
    }
}

pub(super) fn hours_to(h: &NursingHours) -> pb::NursingHours {
    pb::NursingHours {
        shift_start_time: Some(timestamp_to(h.shift_start)),
        shift_end_time: Some(timestamp_to(h.shift_end)),
        rn_required_minutes: h.required_minutes.map(int),
        rn_available_minutes: h.available_minutes.map(int),
        rn_planned_minutes: h.planned_minutes.map(int),
    }
}

pub(super) fn judgement_to(j: Judgement) -> pb::ProfessionalJudgement {
    let judgement = match j {
        Judgement::Safe => pb::Judgement::Safe,
        Judgement::Unsafe => pb::Judgement::Unsafe,
    };
    pb::ProfessionalJudgement { judgement: judgement.into() }
}
