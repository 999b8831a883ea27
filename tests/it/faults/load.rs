//! What the hospital reports while things break: drawn from a seed, so that a run can be had again.

use fastrand::Rng;
use uuid::Uuid;
use wardwatch::domain::{Span, Time};
use wardwatch::wire::pb::{self, MedicalGrade, StaffingReport};
use wardwatch::wire::timestamp_to;

use super::history::now;
use crate::support::hospital::{adult, beds, nurses, report, ward};

/// Wards; the first three are covered by the group.
pub const WARDS: usize = 12;
/// The one cover group.
pub const GROUP: &str = "organisations/RJ1/coverGroups/GENMED";
/// Figures are reported so long after they were true, so that what is good clears by the clock within the run: the
/// policy's minute is nearly over when they arrive.
const LATE: Span = Span::seconds(56);
/// Minutes that good figures must last.
pub const CLEAR_AFTER_MINUTES: i32 = 1;

/// Which system a writer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    Beds,
    Roster,
    Medrota,
}

/// One system's next report, about any ward or the group; and whether it is one that cannot be taken.
pub fn next(rng: &mut Rng, system: System) -> (StaffingReport, bool) {
    let wrong = rng.u8(..) < 3;
    // Some arrive out of order.
    let at = now() - LATE - Span::millis(rng.i64(0..3_000));
    let ward = ward(1 + rng.usize(..WARDS));
    let mut next = match system {
        System::Beds => beds(&ward, at, if wrong { -1 } else { rng.i32(14..=34) }),
        System::Roster => nurses(&ward, at, if wrong { -1 } else { rng.i32(2..=4) }),
        System::Medrota => cover(at, if wrong { -1 } else { rng.i32(0..=2) }),
    };
    next.report_id = Uuid::from_u128(rng.u128(..)).to_string();
    (next, wrong)
}

fn cover(at: Time, registrars: i32) -> StaffingReport {
    let grade = |grade: MedicalGrade, at_work| pb::GradeCover {
        grade: grade.into(),
        at_work: Some(at_work),
        ..Default::default()
    };
    // In the order in which they are stored.
    let grades = vec![grade(MedicalGrade::Registrar, registrars), grade(MedicalGrade::Consultant, 1)];
    let medical_cover = Some(pb::MedicalCover { grades });
    StaffingReport { ward: String::new(), cover_group: GROUP.into(), medical_cover, ..report("", at, "MEDROTA") }
}

/// The wards, the group, and a strike that is on now.
pub fn register() -> (Vec<pb::Ward>, pb::CoverGroup, pb::Strike) {
    let wards: Vec<pb::Ward> = (1..=WARDS).map(|n| pb::Ward { beds: Some(30), ..adult(&ward(n)) }).collect();
    let minimum = pb::CoverMinimum { tier: 2, period: pb::CoverPeriod::AllDay.into(), doctors: Some(1) };
    let covered = wards.iter().take(3).map(|w| w.name.clone()).collect();
    let group = pb::CoverGroup { name: GROUP.into(), wards: covered, minima: vec![minimum], ..Default::default() };
    let day = |days: i64| (now() + Span::days(days)).to_string()[..10].to_owned();
    let window = pb::StrikeWindow {
        start_local: format!("{}T07:00", day(-1)),
        end_local: format!("{}T07:00", day(2)),
        ..Default::default()
    };
    let scope = pb::StrikeScope { organisations: vec!["organisations/RJ1".into()], ..Default::default() };
    let strike = pb::Strike {
        name: "strikes/bma".into(),
        union: "BMA".into(),
        staff_group: pb::StaffGroup::ResidentDoctors.into(),
        mode: pb::StrikeMode::FullWithdrawal.into(),
        elective_policy: pb::ElectivePolicy::EmergencyOnly.into(),
        scope: Some(scope),
        windows: vec![window],
        ..Default::default()
    };
    (wards, group, strike)
}

/// The policy of a run: what is good clears after a minute.
pub fn policy() -> pb::UpdatePolicyRequest {
    let policy = pb::Policy {
        name: "policies/default".into(),
        clear_after_minutes: Some(CLEAR_AFTER_MINUTES),
        ..Default::default()
    };
    pb::UpdatePolicyRequest { policy: Some(policy), ..Default::default() }
}

/// An acknowledgement that runs out soon.
pub fn acknowledge(alert: &str) -> pb::AcknowledgeAlertRequest {
    pb::AcknowledgeAlertRequest {
        name: alert.to_owned(),
        role: pb::ResponderRole::SiteManager.into(),
        action: pb::ActionCode::Redeploying.into(),
        expire_time: Some(timestamp_to(now() + Span::seconds(3))),
        client_system: "DESK".into(),
        ..Default::default()
    }
}
