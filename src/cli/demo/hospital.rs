//! A made-up hospital and one day of its figures. Nothing here describes a real ward.

use crate::client::pb;
use crate::domain::{Span, Time};

/// The organisation: a made-up code.
pub(super) const ORGANISATION: &str = "organisations/WW1";
/// The ward that falls silent, and when (minutes after the day's start).
pub(super) const SILENT: (&str, i64) = ("A3", 9 * 60);

/// A ward as the day begins.
pub(super) struct DemoWard {
    pub(super) code: &'static str,
    kind: pb::WardKind,
    beds: i32,
    patients: i32,
    by_day: i32,
    by_night: i32,
}

const fn ward(
    code: &'static str,
    kind: pb::WardKind,
    beds: i32,
    patients: i32,
    by_day: i32,
    by_night: i32,
) -> DemoWard {
    DemoWard { code, kind, beds, patients, by_day, by_night }
}

/// The wards: beds, patients, registered nurses by day and by night.
pub(super) const WARDS: [DemoWard; 12] = [
    ward("A1", pb::WardKind::AdultInpatient, 28, 26, 4, 3),
    ward("A2", pb::WardKind::AdultInpatient, 28, 24, 4, 3),
    ward("A3", pb::WardKind::AdultInpatient, 26, 25, 4, 4),
    ward("A4", pb::WardKind::AdultInpatient, 26, 24, 4, 3),
    ward("A5", pb::WardKind::AdultInpatient, 24, 20, 3, 2),
    ward("A6", pb::WardKind::AdultInpatient, 28, 27, 4, 2),
    ward("A7", pb::WardKind::AdultInpatient, 30, 28, 4, 4),
    ward("AMU1", pb::WardKind::AcuteMedical, 24, 23, 4, 4),
    ward("ICU1", pb::WardKind::IntensiveCare, 10, 10, 8, 8),
    ward("NEO1", pb::WardKind::Neonatal, 16, 13, 7, 7),
    ward("P1", pb::WardKind::Paediatric, 20, 15, 5, 4),
    ward("LAB1", pb::WardKind::Labour, 10, 7, 2, 2),
];

/// Registered nurses from one time to another, in minutes after the day's start: what the day's story is made of.
const STAFFING: [(&str, i64, i64, i32); 4] = [
    ("A7", 4 * 60 + 30, 5 * 60 + 30, 3),
    ("A7", 5 * 60 + 30, 6 * 60 + 30, 2),
    ("A7", 6 * 60 + 30, 14 * 60, 5),
    ("ICU1", 7 * 60, 8 * 60, 7),
];

/// Minutes after the day's start (06:00) at which the night shift begins: 20:00.
const NIGHT: i64 = 14 * 60;

impl DemoWard {
    pub(super) fn name(&self) -> String {
        format!("{ORGANISATION}/wards/{}", self.code)
    }

    /// Its register entry: it reports every hour.
    pub(super) fn entry(&self) -> pb::Ward {
        pb::Ward {
            name: self.name(),
            kind: self.kind.into(),
            site: "WW101".to_owned(),
            beds: Some(self.beds),
            report_every_minutes: Some(60),
            ..pb::Ward::default()
        }
    }

    /// What bed management says `minute` minutes into the day.
    pub(super) fn beds(&self, start: Time, minute: i64) -> pb::StaffingReport {
        let women = if (16 * 60..18 * 60).contains(&minute) { 7 } else { 5 };
        let levels = match self.kind {
            pb::WardKind::IntensiveCare => pb::LevelsOfCare { level3: Some(6), level2: Some(4), ..Default::default() },
            pb::WardKind::Neonatal => pb::LevelsOfCare {
                neonatal_intensive: Some(3),
                neonatal_high_dependency: Some(4),
                neonatal_special: Some(6),
                ..Default::default()
            },
            pb::WardKind::Paediatric => {
                pb::LevelsOfCare { children_under2: Some(6), children_from2: Some(9), ..Default::default() }
            }
            pb::WardKind::Labour => pb::LevelsOfCare { women_in_labour: Some(women), ..Default::default() },
            _ => pb::LevelsOfCare::default(),
        };
        let arrivals = if self.code == "AMU1" && minute >= 11 * 60 { 3 } else { 0 };
        let patients = self.patients + arrivals;
        let bedded = patients.min(self.beds);
        pb::StaffingReport {
            patients: Some(pb::Patients {
                bedded: Some(bedded),
                boarded: Some(patients - bedded),
                ..pb::Patients::default()
            }),
            levels_of_care: (levels != pb::LevelsOfCare::default()).then_some(levels),
            ..self.report("BEDS", start, minute)
        }
    }

    /// What the roster says `minute` minutes into the day.
    pub(super) fn roster(&self, start: Time, minute: i64) -> pb::StaffingReport {
        let story = STAFFING.iter().find(|(code, from, to, _)| *code == self.code && (*from..*to).contains(&minute));
        let shift = if minute >= NIGHT { self.by_night } else { self.by_day };
        let nurses = story.map_or(shift, |(.., nurses)| *nurses);
        let labour = self.kind == pb::WardKind::Labour;
        let nursing = pb::Nursing {
            registered_nurses: Some(nurses),
            registered_midwives: labour.then_some(6),
            coordinator_supernumerary: labour.then_some(true),
            ..pb::Nursing::default()
        };
        pb::StaffingReport { nursing: Some(nursing), ..self.report("ROSTER", start, minute) }
    }

    fn report(&self, source: &str, start: Time, minute: i64) -> pb::StaffingReport {
        let name = format!("{}/{source}/{minute}", self.name());
        let at = start + Span::minutes(minute);
        pb::StaffingReport {
            report_id: uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes()).to_string(),
            ward: self.name(),
            observed_time: Some(crate::client::timestamp_to(at)),
            source: source.to_owned(),
            ..pb::StaffingReport::default()
        }
    }
}

/// All reports of minute `minute` of the day: each ward's beds on the hour and its roster ten minutes later, wards ten
/// minutes apart in six groups, so that the two systems never speak at once.
pub(super) fn reports(start: Time, minute: i64) -> Vec<pb::StaffingReport> {
    let speaking = |offset: i64| {
        WARDS.iter().zip(0i64..).filter(move |(ward, n)| {
            let silent = ward.code == SILENT.0 && minute >= SILENT.1;
            !silent && (minute - offset - n % 6 * 10).rem_euclid(60) == 0
        })
    };
    let beds = speaking(0).map(|(ward, _)| ward.beds(start, minute));
    beds.chain(speaking(10).map(|(ward, _)| ward.roster(start, minute))).collect()
}
