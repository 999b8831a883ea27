//! A made-up hospital: its wards, and what bed management and the roster say of them. Nothing here describes a real ward.

use crate::cli::demo::day::report;
use crate::client::pb;
use crate::domain::{Time, Zone};

/// The hospital's organisation: a made-up code.
pub(super) const HOSPITAL: &str = "organisations/WW1";
/// Another one, which stands for the rest of the country: it has no wards here.
pub(super) const REST: &str = "organisations/WW2";

/// The systems that report on wards.
const BEDS: &str = "BEDS";
const ROSTER: &str = "ROSTER";

/// A ward as it is now.
#[derive(Debug)]
pub(super) struct DemoWard {
    code: &'static str,
    kind: pb::WardKind,
    beds: i32,
    /// Patients in its beds.
    pub(super) patients: i32,
    /// Registered nurses at work.
    pub(super) nurses: i32,
    /// Nobody enters anything any more.
    pub(super) silent: bool,
}

/// The wards.
#[derive(Debug)]
pub(super) struct Hospital(Vec<DemoWard>);

const fn ward(code: &'static str, kind: pb::WardKind, beds: i32, patients: i32, nurses: i32) -> DemoWard {
    DemoWard { code, kind, beds, patients, nurses, silent: false }
}

/// A ward's full name.
pub(super) fn name(code: &str) -> String {
    format!("{HOSPITAL}/wards/{code}")
}

/// Both organisations.
pub(super) fn organisations() -> Vec<pb::Organisation> {
    let organisation = |name: &str, display: &str| pb::Organisation {
        name: name.to_owned(),
        display_name: display.to_owned(),
        ..pb::Organisation::default()
    };
    vec![organisation(HOSPITAL, "A made-up hospital"), organisation(REST, "The rest of a made-up country")]
}

impl Hospital {
    /// The wards on a calm day.
    pub(super) fn calm() -> Self {
        const ADULT: pb::WardKind = pb::WardKind::AdultInpatient;
        Self(vec![
            ward("A1", ADULT, 28, 27, 4),
            ward("A2", ADULT, 26, 23, 3),
            ward("A3", ADULT, 28, 28, 4),
            ward("A4", ADULT, 24, 21, 3),
            ward("A5", ADULT, 24, 23, 3),
            ward("A6", ADULT, 28, 26, 4),
            ward("A7", ADULT, 24, 24, 4),
            ward("ICU1", pb::WardKind::IntensiveCare, 10, 8, 8),
        ])
    }

    /// The register's entries: each ward reports every hour.
    pub(super) fn entries(&self) -> Vec<pb::Ward> {
        let entry = |ward: &DemoWard| pb::Ward {
            name: name(ward.code),
            kind: ward.kind.into(),
            site: "WW101".to_owned(),
            beds: Some(ward.beds),
            report_every_minutes: Some(60),
            ..pb::Ward::default()
        };
        self.0.iter().map(entry).collect()
    }

    /// Something happens on a ward; the next report says so.
    pub(super) fn change(&mut self, code: &str, what: impl Fn(&mut DemoWard)) {
        self.0.iter_mut().filter(|w| w.code == code).for_each(what);
    }

    /// What is reported at a time: beds on the hour, the roster five minutes later, ward by ward.
    pub(super) fn routine(&self, now: Time) -> Vec<pb::StaffingReport> {
        let speaking = self.0.iter().filter(|w| !w.silent);
        match now.local_minute(&Zone::london()).rem_euclid(60) {
            0 => speaking.map(|w| w.in_beds(now)).collect(),
            5 => speaking.map(|w| w.on_duty(now)).collect(),
            _ => Vec::new(),
        }
    }

    /// What the roster says of one ward between times.
    pub(super) fn roster(&self, code: &str, now: Time) -> Vec<pb::StaffingReport> {
        self.0.iter().filter(|w| w.code == code).map(|w| w.on_duty(now)).collect()
    }
}

impl DemoWard {
    fn in_beds(&self, now: Time) -> pb::StaffingReport {
        let intensive = pb::LevelsOfCare { level3: Some(5), level2: Some(3), ..pb::LevelsOfCare::default() };
        pb::StaffingReport {
            ward: name(self.code),
            patients: Some(pb::Patients { bedded: Some(self.patients), ..pb::Patients::default() }),
            levels_of_care: (self.kind == pb::WardKind::IntensiveCare).then_some(intensive),
            ..report(BEDS, &name(self.code), now)
        }
    }

    fn on_duty(&self, now: Time) -> pb::StaffingReport {
        pb::StaffingReport {
            ward: name(self.code),
            nursing: Some(pb::Nursing { registered_nurses: Some(self.nurses), ..pb::Nursing::default() }),
            ..report(ROSTER, &name(self.code), now)
        }
    }
}
