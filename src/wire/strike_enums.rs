//! Enums of strikes, both ways. A value that this version does not know, or that is not said, is `None`.

use crate::domain::{Attribution, CallOffReason, DerogationState, ElectivePolicy, ShiftName, StaffGroup, StrikeMode};
use crate::wire::pb;

impl From<StaffGroup> for pb::StaffGroup {
    fn from(group: StaffGroup) -> Self {
        match group {
            StaffGroup::ResidentDoctors => Self::ResidentDoctors,
            StaffGroup::Consultants => Self::Consultants,
            StaffGroup::SasDoctors => Self::SasDoctors,
            StaffGroup::AllDoctors => Self::AllDoctors,
            StaffGroup::Nurses => Self::Nurses,
        }
    }
}

pub(super) fn staff_group_from(value: i32) -> Option<StaffGroup> {
    match pb::StaffGroup::try_from(value).ok()? {
        pb::StaffGroup::Unspecified => None,
        pb::StaffGroup::ResidentDoctors => Some(StaffGroup::ResidentDoctors),
        pb::StaffGroup::Consultants => Some(StaffGroup::Consultants),
        pb::StaffGroup::SasDoctors => Some(StaffGroup::SasDoctors),
        pb::StaffGroup::AllDoctors => Some(StaffGroup::AllDoctors),
        pb::StaffGroup::Nurses => Some(StaffGroup::Nurses),
    }
}

impl From<StrikeMode> for pb::StrikeMode {
    fn from(mode: StrikeMode) -> Self {
        match mode {
            StrikeMode::FullWithdrawal => Self::FullWithdrawal,
            StrikeMode::EmergencyCareOnly => Self::EmergencyCareOnly,
            StrikeMode::ChristmasDayCover => Self::ChristmasDayCover,
            StrikeMode::NightDutyCover => Self::NightDutyCover,
            StrikeMode::ActionShortOfStrike => Self::ActionShortOfStrike,
        }
    }
}

pub(super) fn strike_mode_from(value: i32) -> Option<StrikeMode> {
    match pb::StrikeMode::try_from(value).ok()? {
        pb::StrikeMode::Unspecified => None,
        pb::StrikeMode::FullWithdrawal => Some(StrikeMode::FullWithdrawal),
        pb::StrikeMode::EmergencyCareOnly => Some(StrikeMode::EmergencyCareOnly),
        pb::StrikeMode::ChristmasDayCover => Some(StrikeMode::ChristmasDayCover),
        pb::StrikeMode::NightDutyCover => Some(StrikeMode::NightDutyCover),
        pb::StrikeMode::ActionShortOfStrike => Some(StrikeMode::ActionShortOfStrike),
    }
}

impl From<ElectivePolicy> for pb::ElectivePolicy {
    fn from(policy: ElectivePolicy) -> Self {
        match policy {
            ElectivePolicy::EmergencyOnly => Self::EmergencyOnly,
            ElectivePolicy::UrgentAndCancer => Self::UrgentAndCancer,
            ElectivePolicy::Maintain => Self::Maintain,
        }
    }
}

pub(super) fn elective_from(value: i32) -> Option<ElectivePolicy> {
    match pb::ElectivePolicy::try_from(value).ok()? {
        pb::ElectivePolicy::Unspecified => None,
        pb::ElectivePolicy::EmergencyOnly => Some(ElectivePolicy::EmergencyOnly),
        pb::ElectivePolicy::UrgentAndCancer => Some(ElectivePolicy::UrgentAndCancer),
        pb::ElectivePolicy::Maintain => Some(ElectivePolicy::Maintain),
    }
}

impl From<Attribution> for pb::Attribution {
    fn from(attribution: Attribution) -> Self {
        match attribution {
            Attribution::Clock => Self::Clock,
            Attribution::ShiftStart => Self::ShiftStart,
        }
    }
}

/// By the clock unless it is said.
pub(super) fn attribution_from(value: i32) -> Option<Attribution> {
    match pb::Attribution::try_from(value).ok()? {
        pb::Attribution::Unspecified | pb::Attribution::Clock => Some(Attribution::Clock),
        pb::Attribution::ShiftStart => Some(Attribution::ShiftStart),
    }
}

impl From<CallOffReason> for pb::CallOffReason {
    fn from(reason: CallOffReason) -> Self {
        match reason {
            CallOffReason::Suspended => Self::Suspended,
            CallOffReason::Withdrawn => Self::Withdrawn,
            CallOffReason::Settled => Self::Settled,
            CallOffReason::CourtOrder => Self::CourtOrder,
        }
    }
}

pub(super) fn call_off_reason_from(value: i32) -> Option<CallOffReason> {
    match pb::CallOffReason::try_from(value).ok()? {
        pb::CallOffReason::Unspecified => None,
        pb::CallOffReason::Suspended => Some(CallOffReason::Suspended),
        pb::CallOffReason::Withdrawn => Some(CallOffReason::Withdrawn),
        pb::CallOffReason::Settled => Some(CallOffReason::Settled),
        pb::CallOffReason::CourtOrder => Some(CallOffReason::CourtOrder),
    }
}

impl From<DerogationState> for pb::DerogationState {
    fn from(state: DerogationState) -> Self {
        match state {
            DerogationState::Requested => Self::Requested,
            DerogationState::Granted => Self::Granted,
            DerogationState::Refused => Self::Refused,
            DerogationState::Withdrawn => Self::Withdrawn,
        }
    }
}

pub(super) fn derogation_state_from(value: i32) -> Option<DerogationState> {
    match pb::DerogationState::try_from(value).ok()? {
        pb::DerogationState::Unspecified => None,
        pb::DerogationState::Requested => Some(DerogationState::Requested),
        pb::DerogationState::Granted => Some(DerogationState::Granted),
        pb::DerogationState::Refused => Some(DerogationState::Refused),
        pb::DerogationState::Withdrawn => Some(DerogationState::Withdrawn),
    }
}

impl From<ShiftName> for pb::ShiftName {
    fn from(name: ShiftName) -> Self {
        match name {
            ShiftName::Day => Self::Day,
            ShiftName::Night => Self::Night,
        }
    }
}
