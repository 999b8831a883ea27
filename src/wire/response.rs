//! What responders do to alerts, both ways.

use crate::domain::{Acknowledgement, ActionCode, Escalation, Responder, ResponderRole};
use crate::wire::enums::severity_from;
use crate::wire::{pb, timestamp_to, to_time};

const ROLES: [(ResponderRole, pb::ResponderRole); 5] = [
    (ResponderRole::NurseInCharge, pb::ResponderRole::NurseInCharge),
    (ResponderRole::Matron, pb::ResponderRole::Matron),
    (ResponderRole::SiteManager, pb::ResponderRole::SiteManager),
    (ResponderRole::ChiefNurse, pb::ResponderRole::ChiefNurse),
    (ResponderRole::MedicalDirector, pb::ResponderRole::MedicalDirector),
];

const ACTIONS: [(ActionCode, pb::ActionCode); 9] = [
    (ActionCode::Redeploying, pb::ActionCode::Redeploying),
    (ActionCode::BankRequested, pb::ActionCode::BankRequested),
    (ActionCode::AgencyRequested, pb::ActionCode::AgencyRequested),
    (ActionCode::ActingDown, pb::ActionCode::ActingDown),
    (ActionCode::BedsClosed, pb::ActionCode::BedsClosed),
    (ActionCode::Diverting, pb::ActionCode::Diverting),
    (ActionCode::ElectivesStopped, pb::ActionCode::ElectivesStopped),
    (ActionCode::RiskAccepted, pb::ActionCode::RiskAccepted),
    (ActionCode::NoneAvailable, pb::ActionCode::NoneAvailable),
];

/// A role's number on the wire.
pub fn role_to(role: ResponderRole) -> i32 {
    ROLES.iter().find(|(r, _)| *r == role).map_or(0, |(_, value)| (*value).into())
}

/// A role by its number; none when it is not said or not known.
pub fn role_from(value: i32) -> Option<ResponderRole> {
    ROLES.iter().find(|(_, v)| i32::from(*v) == value).map(|(role, _)| *role)
}

/// An action's number on the wire.
pub fn action_to(action: ActionCode) -> i32 {
    ACTIONS.iter().find(|(a, _)| *a == action).map_or(0, |(_, value)| (*value).into())
}

/// An action by its number; none when it is not said or not known.
pub fn action_from(value: i32) -> Option<ActionCode> {
    ACTIONS.iter().find(|(_, v)| i32::from(*v) == value).map(|(action, _)| *action)
}

pub(super) fn acknowledgement_to(ack: &Acknowledgement) -> pb::Acknowledgement {
    let Acknowledgement { by: Responder { role, client }, action, at, expires, severity } = ack;
    pb::Acknowledgement {
        role: role_to(*role),
        action: action_to(*action),
        client_system: client.to_string(),
        acknowledge_time: Some(timestamp_to(*at)),
        expire_time: Some(timestamp_to(*expires)),
        severity: pb::Severity::from(*severity).into(),
    }
}

pub(super) fn acknowledgement_from(message: pb::Acknowledgement) -> Option<Acknowledgement> {
    let pb::Acknowledgement { role, action, client_system, acknowledge_time, expire_time, severity } = message;
    Some(Acknowledgement {
        by: Responder { role: role_from(role)?, client: client_system.parse().ok()? },
        action: action_from(action)?,
        at: to_time(acknowledge_time?)?,
        expires: to_time(expire_time?)?,
        severity: severity_from(severity)?,
    })
}

pub(super) fn escalation_to(escalation: &Escalation) -> pb::Escalation {
    let Escalation { role, at } = escalation;
    pb::Escalation { role: role_to(*role), escalate_time: Some(timestamp_to(*at)) }
}

pub(super) fn escalation_from(message: pb::Escalation) -> Option<Escalation> {
    let pb::Escalation { role, escalate_time } = message;
    Some(Escalation { role: role_from(role)?, at: to_time(escalate_time?)? })
}
