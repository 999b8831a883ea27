//! What responders do to alerts, both ways.

use crate::domain::{
    Acknowledgement, Act, ActionCode, AlertId, CloseReason, Escalation, RejectReason, Responder, ResponderRole,
};
use crate::wire::enums::severity_from;
use crate::wire::{InvalidFields, Violations, pb, timestamp_to, to_time};

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

const REASONS: [(CloseReason, pb::CloseReason); 5] = [
    (CloseReason::RaisedInError, pb::CloseReason::RaisedInError),
    (CloseReason::PutRight, pb::CloseReason::PutRight),
    (CloseReason::FiguresStale, pb::CloseReason::FiguresStale),
    (CloseReason::WardClosed, pb::CloseReason::WardClosed),
    (CloseReason::Duplicate, pb::CloseReason::Duplicate),
];

/// What a caller asks of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRequest {
    /// Which.
    pub alert: AlertId,
    /// What.
    pub act: Act,
    /// In which role, through which system.
    pub by: Responder,
    /// The alert as the caller read it; none: whatever it is.
    pub etag: Option<String>,
}

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

/// A reason's number on the wire.
pub fn close_reason_to(reason: CloseReason) -> i32 {
    REASONS.iter().find(|(r, _)| *r == reason).map_or(0, |(_, value)| (*value).into())
}

/// A reason by its number; none when it is not said or not known.
pub fn close_reason_from(value: i32) -> Option<CloseReason> {
    REASONS.iter().find(|(_, v)| i32::from(*v) == value).map(|(reason, _)| *reason)
}

/// What a call to acknowledge asks.
///
/// # Errors
/// Every field that is wrong.
pub fn acknowledge_from(message: pb::AcknowledgeAlertRequest) -> Result<AlertRequest, InvalidFields> {
    let pb::AcknowledgeAlertRequest { name, role, action, expire_time, client_system, etag } = message;
    let mut v = Violations::default();
    let who = who(&mut v, &name, role, &client_system);
    let action = coded(&mut v, "action", action, action_from(action), "REDEPLOYING");
    let expires = v.time_optional("expire_time", expire_time);
    asked(v, who, action.map(|action| Act::Acknowledge { action, expires }), etag)
}

/// What a call to unacknowledge asks.
///
/// # Errors
/// Every field that is wrong.
pub fn unacknowledge_from(message: pb::UnacknowledgeAlertRequest) -> Result<AlertRequest, InvalidFields> {
    let pb::UnacknowledgeAlertRequest { name, role, client_system, etag } = message;
    let mut v = Violations::default();
    let who = who(&mut v, &name, role, &client_system);
    asked(v, who, Some(Act::Unacknowledge), etag)
}

/// What a call to close asks.
///
/// # Errors
/// Every field that is wrong.
pub fn close_from(message: pb::CloseAlertRequest) -> Result<AlertRequest, InvalidFields> {
    let pb::CloseAlertRequest { name, reason, role, client_system, etag } = message;
    let mut v = Violations::default();
    let who = who(&mut v, &name, role, &client_system);
    let reason = coded(&mut v, "reason", reason, close_reason_from(reason), "PUT_RIGHT");
    asked(v, who, reason.map(Act::Close), etag)
}

/// Which alert, and who acts on it.
fn who(v: &mut Violations, name: &str, role: i32, client: &str) -> Option<(AlertId, Responder)> {
    let alert = v.parse("name", name);
    let role = coded(v, "role", role, role_from(role), "SITE_MANAGER");
    let client = v.parse("client_system", client);
    Some((alert?, Responder { role: role?, client: client? }))
}

/// A code that must be said and known.
fn coded<T>(v: &mut Violations, field: &str, number: i32, known: Option<T>, such_as: &str) -> Option<T> {
    if known.is_none() && number == 0 {
        v.add(field, RejectReason::Missing, format!("is required, such as {such_as}"));
    } else if known.is_none() {
        v.add(field, RejectReason::Malformed, format!("{number} is not known: send one such as {such_as}"));
    }
    known
}

fn asked(
    v: Violations,
    who: Option<(AlertId, Responder)>,
    act: Option<Act>,
    etag: String,
) -> Result<AlertRequest, InvalidFields> {
    let etag = Some(etag).filter(|etag| !etag.is_empty());
    match (who, act) {
        (Some((alert, by)), Some(act)) if v.is_empty() => Ok(AlertRequest { alert, act, by, etag }),
        _ => Err(InvalidFields(v.into_fields())),
    }
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
