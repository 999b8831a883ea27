//! Enums, both ways. A stored value that this version does not know is `None`.

use crate::domain::{
    ActivityCategory, AlertState, BlockKind, Condition, EventType, Freshness, MinimumReason, RejectReason, Resolution,
    Severity, WardKind, WardState, WardStatus,
};
use crate::wire::pb;

impl From<Severity> for pb::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warning,
            Severity::Critical => Self::Critical,
        }
    }
}

pub(super) fn severity_from(value: i32) -> Option<Severity> {
    match pb::Severity::try_from(value).ok()? {
        pb::Severity::Unspecified => None,
        pb::Severity::Info => Some(Severity::Info),
        pb::Severity::Warning => Some(Severity::Warning),
        pb::Severity::Critical => Some(Severity::Critical),
    }
}

impl From<AlertState> for pb::AlertState {
    fn from(state: AlertState) -> Self {
        match state {
            AlertState::Open => Self::Open,
            AlertState::Acknowledged => Self::Acknowledged,
            AlertState::Resolved => Self::Resolved,
        }
    }
}

pub(super) fn alert_state_from(value: i32) -> Option<AlertState> {
    match pb::AlertState::try_from(value).ok()? {
        pb::AlertState::Unspecified => None,
        pb::AlertState::Open => Some(AlertState::Open),
        pb::AlertState::Acknowledged => Some(AlertState::Acknowledged),
        pb::AlertState::Resolved => Some(AlertState::Resolved),
    }
}

impl From<Condition> for pb::AlertCondition {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Breaching => Self::Breaching,
            Condition::Clearing => Self::Clearing,
        }
    }
}

pub(super) fn condition_from(value: i32) -> Option<Condition> {
    match pb::AlertCondition::try_from(value).ok()? {
        pb::AlertCondition::Unspecified => None,
        pb::AlertCondition::Breaching => Some(Condition::Breaching),
        pb::AlertCondition::Clearing => Some(Condition::Clearing),
    }
}

impl From<EventType> for pb::AlertEventType {
    fn from(kind: EventType) -> Self {
        match kind {
            EventType::Raised => Self::Raised,
            EventType::SeverityChanged => Self::SeverityChanged,
            EventType::Updated => Self::Updated,
            EventType::Acknowledged => Self::Acknowledged,
            EventType::Unacknowledged => Self::Unacknowledged,
            EventType::Escalated => Self::Escalated,
            EventType::Resolved => Self::Resolved,
            EventType::Reopened => Self::Reopened,
        }
    }
}

/// Resolutions, in the order of the proto's numbers from 1.
const RESOLUTIONS: [Resolution; 20] = [
    Resolution::StaffingImproved,
    Resolution::DemandFell,
    Resolution::Corrected,
    Resolution::Replaced,
    Resolution::WardClosed,
    Resolution::Expired,
    Resolution::ReportingResumed,
    Resolution::RedFlagResolved,
    Resolution::RegisterChanged,
    Resolution::FiguresAgreed,
    Resolution::WindowEnded,
    Resolution::Suspended,
    Resolution::Withdrawn,
    Resolution::Settled,
    Resolution::CourtOrder,
    Resolution::PlanReplaced,
    Resolution::Overtaken,
    Resolution::ReturnReceived,
    Resolution::ClosedByResponder,
    Resolution::PolicyChanged,
];

impl From<Resolution> for pb::Resolution {
    fn from(resolution: Resolution) -> Self {
        match resolution {
            Resolution::StaffingImproved => Self::StaffingImproved,
            Resolution::DemandFell => Self::DemandFell,
            Resolution::Corrected => Self::Corrected,
            Resolution::Replaced => Self::Replaced,
            Resolution::WardClosed => Self::WardClosed,
            Resolution::Expired => Self::Expired,
            Resolution::ReportingResumed => Self::ReportingResumed,
            Resolution::RedFlagResolved => Self::RedFlagResolved,
            Resolution::RegisterChanged => Self::RegisterChanged,
            Resolution::FiguresAgreed => Self::FiguresAgreed,
            Resolution::WindowEnded => Self::WindowEnded,
            Resolution::Suspended => Self::Suspended,
            Resolution::Withdrawn => Self::Withdrawn,
            Resolution::Settled => Self::Settled,
            Resolution::CourtOrder => Self::CourtOrder,
            Resolution::PlanReplaced => Self::PlanReplaced,
            Resolution::Overtaken => Self::Overtaken,
            Resolution::ReturnReceived => Self::ReturnReceived,
            Resolution::ClosedByResponder => Self::ClosedByResponder,
            Resolution::PolicyChanged => Self::PolicyChanged,
        }
    }
}

pub(super) fn resolution_from(value: i32) -> Option<Resolution> {
    RESOLUTIONS.into_iter().find(|r| i32::from(pb::Resolution::from(*r)) == value)
}

impl From<BlockKind> for pb::BlockKind {
    fn from(kind: BlockKind) -> Self {
        match kind {
            BlockKind::Patients => Self::Patients,
            BlockKind::LevelsOfCare => Self::LevelsOfCare,
            BlockKind::Nursing => Self::Nursing,
            BlockKind::NursingHours => Self::NursingHours,
            BlockKind::MedicalCover => Self::MedicalCover,
            BlockKind::ProfessionalJudgement => Self::ProfessionalJudgement,
        }
    }
}

pub(super) fn block_kind_from(value: i32) -> Option<BlockKind> {
    match pb::BlockKind::try_from(value).ok()? {
        pb::BlockKind::Unspecified => None,
        pb::BlockKind::Patients => Some(BlockKind::Patients),
        pb::BlockKind::LevelsOfCare => Some(BlockKind::LevelsOfCare),
        pb::BlockKind::Nursing => Some(BlockKind::Nursing),
        pb::BlockKind::NursingHours => Some(BlockKind::NursingHours),
        pb::BlockKind::MedicalCover => Some(BlockKind::MedicalCover),
        pb::BlockKind::ProfessionalJudgement => Some(BlockKind::ProfessionalJudgement),
    }
}

impl From<Freshness> for pb::Freshness {
    fn from(freshness: Freshness) -> Self {
        match freshness {
            Freshness::Fresh => Self::Fresh,
            Freshness::Stale => Self::Stale,
        }
    }
}

pub(super) fn freshness_from(value: i32) -> Freshness {
    if value == i32::from(pb::Freshness::Fresh) { Freshness::Fresh } else { Freshness::Stale }
}

impl From<WardStatus> for pb::WardStatus {
    fn from(status: WardStatus) -> Self {
        match status {
            WardStatus::Critical => Self::Critical,
            WardStatus::Warning => Self::Warning,
            WardStatus::AtLimit => Self::AtLimit,
            WardStatus::Ok => Self::Ok,
            WardStatus::Empty => Self::Empty,
            WardStatus::Incomplete => Self::Incomplete,
            WardStatus::NeverReported => Self::NeverReported,
            WardStatus::Closed => Self::Closed,
        }
    }
}

impl From<RejectReason> for pb::RejectReason {
    fn from(reason: RejectReason) -> Self {
        match reason {
            RejectReason::Missing => Self::Missing,
            RejectReason::Malformed => Self::Malformed,
            RejectReason::Negative => Self::Negative,
            RejectReason::Implausible => Self::Implausible,
            RejectReason::Empty => Self::Empty,
            RejectReason::Conflict => Self::Conflict,
            RejectReason::UnknownSubject => Self::UnknownSubject,
            RejectReason::WardClosed => Self::WardClosed,
            RejectReason::CoverGroupNeeded => Self::CoverGroupNeeded,
            RejectReason::IdReused => Self::IdReused,
            RejectReason::Future => Self::Future,
            RejectReason::TooOld => Self::TooOld,
            RejectReason::TooMany => Self::TooMany,
            RejectReason::NotSupported => Self::NotSupported,
            RejectReason::Internal => Self::Internal,
            RejectReason::PermissionDenied => Self::PermissionDenied,
        }
    }
}

impl From<WardKind> for pb::WardKind {
    fn from(kind: WardKind) -> Self {
        match kind {
            WardKind::AdultInpatient => Self::AdultInpatient,
            WardKind::AcuteMedical => Self::AcuteMedical,
            WardKind::IntensiveCare => Self::IntensiveCare,
            WardKind::PaediatricIntensiveCare => Self::PaediatricIntensiveCare,
            WardKind::Neonatal => Self::Neonatal,
            WardKind::Paediatric => Self::Paediatric,
            WardKind::Labour => Self::Labour,
            WardKind::Emergency => Self::Emergency,
            WardKind::Maternity => Self::Maternity,
            WardKind::MentalHealth => Self::MentalHealth,
            WardKind::Community => Self::Community,
            WardKind::DayUnit => Self::DayUnit,
            WardKind::Other => Self::Other,
        }
    }
}

pub(super) fn ward_kind_from(value: i32) -> Option<WardKind> {
    match pb::WardKind::try_from(value).ok()? {
        pb::WardKind::Unspecified => None,
        pb::WardKind::AdultInpatient => Some(WardKind::AdultInpatient),
        pb::WardKind::AcuteMedical => Some(WardKind::AcuteMedical),
        pb::WardKind::IntensiveCare => Some(WardKind::IntensiveCare),
        pb::WardKind::PaediatricIntensiveCare => Some(WardKind::PaediatricIntensiveCare),
        pb::WardKind::Neonatal => Some(WardKind::Neonatal),
        pb::WardKind::Paediatric => Some(WardKind::Paediatric),
        pb::WardKind::Labour => Some(WardKind::Labour),
        pb::WardKind::Emergency => Some(WardKind::Emergency),
        pb::WardKind::Maternity => Some(WardKind::Maternity),
        pb::WardKind::MentalHealth => Some(WardKind::MentalHealth),
        pb::WardKind::Community => Some(WardKind::Community),
        pb::WardKind::DayUnit => Some(WardKind::DayUnit),
        pb::WardKind::Other => Some(WardKind::Other),
    }
}

impl From<WardState> for pb::WardState {
    fn from(state: WardState) -> Self {
        match state {
            WardState::Open => Self::Open,
            WardState::Closed => Self::Closed,
        }
    }
}

impl From<MinimumReason> for pb::MinimumReason {
    fn from(reason: MinimumReason) -> Self {
        match reason {
            MinimumReason::SmallUnit => Self::SmallUnit,
            MinimumReason::LocalAgreement => Self::LocalAgreement,
        }
    }
}

impl From<ActivityCategory> for pb::ActivityCategory {
    fn from(category: ActivityCategory) -> Self {
        match category {
            ActivityCategory::Inpatient => Self::Inpatient,
            ActivityCategory::DayCase => Self::DayCase,
            ActivityCategory::Outpatient => Self::Outpatient,
        }
    }
}

pub(super) fn activity_category_from(value: i32) -> Option<ActivityCategory> {
    match pb::ActivityCategory::try_from(value).ok()? {
        pb::ActivityCategory::Unspecified => None,
        pb::ActivityCategory::Inpatient => Some(ActivityCategory::Inpatient),
        pb::ActivityCategory::DayCase => Some(ActivityCategory::DayCase),
        pb::ActivityCategory::Outpatient => Some(ActivityCategory::Outpatient),
    }
}
