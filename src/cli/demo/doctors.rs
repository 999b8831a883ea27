//! The made-up hospital's doctors: cover groups, and what the doctors' rota says of them.

use crate::cli::demo::day::{london, report};
use crate::cli::demo::hospital::{self, HOSPITAL, REST};
use crate::client::{pb, timestamp_to};
use crate::domain::Time;

/// The system that reports on doctors.
const MEDROTA: &str = "MEDROTA";

/// Doctors of a group at work. Registrars and all below them are called out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doctors {
    /// At work, those who act down among them.
    pub(super) consultants: i32,
    /// Of these, acting in tier 1 and in tier 2.
    pub(super) acting: (i32, i32),
    /// Specialist, associate specialist and specialty doctors.
    pub(super) sas: i32,
}

/// General medicine as it is planned in the end: two in each tier.
pub(super) const GENMED_WHOLE: Doctors = Doctors { consultants: 5, acting: (2, 1), sas: 1 };
/// General medicine with one consultant less: tier 2 is short.
pub(super) const GENMED_SHORT: Doctors = Doctors { consultants: 4, acting: (2, 0), sas: 1 };
/// The same doctors, and one consultant more acts in tier 2.
pub(super) const GENMED_ACTING: Doctors = Doctors { consultants: 4, acting: (2, 1), sas: 1 };
/// General medicine at the end of the day, and by night.
pub(super) const GENMED_LATE: Doctors = Doctors { consultants: 3, acting: (2, 0), sas: 1 };

/// All groups but general medicine, and their doctors on both days.
const OTHERS: [(&str, Doctors); 3] = [
    ("SURG", Doctors { consultants: 2, acting: (0, 0), sas: 1 }),
    ("CRITCARE", Doctors { consultants: 2, acting: (0, 1), sas: 0 }),
    ("ALL", Doctors { consultants: 6, acting: (2, 1), sas: 2 }),
];

/// A group's full name. `ALL` is the one that the organisation without groups of its own has.
pub(super) fn name(group: &str) -> String {
    let organisation = if group == "ALL" { REST } else { HOSPITAL };
    format!("{organisation}/coverGroups/{group}")
}

/// The register's entries: minima by tier.
pub(super) fn groups() -> Vec<pb::CoverGroup> {
    let group = |code: &str, wards: &[&str], minima: &[(i32, i32)]| {
        let minimum = |(tier, doctors): &(i32, i32)| pb::CoverMinimum {
            tier: *tier,
            doctors: Some(*doctors),
            ..pb::CoverMinimum::default()
        };
        pb::CoverGroup {
            name: name(code),
            wards: wards.iter().map(|w| hospital::name(w)).collect(),
            minima: minima.iter().map(minimum).collect(),
            ..pb::CoverGroup::default()
        }
    };
    vec![
        group("GENMED", &["A1", "A2", "A3", "A4"], &[(1, 2), (2, 2), (3, 1)]),
        group("SURG", &["A5", "A6", "A7"], &[(2, 1), (3, 1)]),
        group("CRITCARE", &["ICU1"], &[(2, 1), (3, 1)]),
    ]
}

/// What the rota says of one group now.
pub(super) fn at_work(group: &str, doctors: Doctors, now: Time) -> pb::StaffingReport {
    let name = name(group);
    pb::StaffingReport { medical_cover: Some(doctors.cover()), ..about(&name, now) }
}

/// What the rota says of all groups but general medicine and `without`.
pub(super) fn others_at_work(without: &str, now: Time) -> Vec<pb::StaffingReport> {
    let others = OTHERS.iter().filter(|(code, _)| *code != without);
    others.map(|(code, doctors)| at_work(code, *doctors, now)).collect()
}

/// A group's plan for the strike of a day.
pub(super) fn planned(group: &str, doctors: Doctors, day: i64, now: Time) -> pb::StaffingReport {
    let (from, to) = (london(day, 8, 0), london(day, 17, 0));
    let plan_period = Some(pb::PlanPeriod {
        start_time: Some(timestamp_to(from)),
        end_time: Some(timestamp_to(to)),
        withdrawn: false,
    });
    let id = report(MEDROTA, &format!("{}/{day}", name(group)), now).report_id;
    pb::StaffingReport { report_id: id, plan_period, ..at_work(group, doctors, now) }
}

/// The plans of all groups but general medicine for the strike of a day.
pub(super) fn others_planned(day: i64, now: Time) -> Vec<pb::StaffingReport> {
    OTHERS.iter().map(|(code, doctors)| planned(code, *doctors, day, now)).collect()
}

impl Doctors {
    fn cover(self) -> pb::MedicalCover {
        let grade = |grade: pb::MedicalGrade, at_work: i32| pb::GradeCover {
            grade: grade.into(),
            at_work: Some(at_work),
            ..pb::GradeCover::default()
        };
        let (tier1, tier2) = self.acting;
        let consultants = pb::GradeCover {
            acting_as_tier1: Some(tier1),
            acting_as_tier2: Some(tier2),
            ..grade(pb::MedicalGrade::Consultant, self.consultants)
        };
        let struck = [pb::MedicalGrade::F1, pb::MedicalGrade::Core, pb::MedicalGrade::Registrar].map(|g| grade(g, 0));
        let mut grades = Vec::from(struck);
        grades.extend([grade(pb::MedicalGrade::Sas, self.sas), consultants]);
        pb::MedicalCover { grades }
    }
}

fn about(group: &str, now: Time) -> pb::StaffingReport {
    pb::StaffingReport { cover_group: group.to_owned(), ..report(MEDROTA, group, now) }
}
