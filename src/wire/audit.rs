use bytes::Bytes;
use prost::Message;

use crate::domain::{Act, Cause, Time};
use crate::wire::log::CorruptPayload;
use crate::wire::response::{action_to, close_reason_to, role_to};
use crate::wire::{pb, stored, timestamp_to};

/// What stands before a role's name on the wire.
const ROLE: &str = "RESPONDER_ROLE_";

/// What an audit entry says beside its cause.
#[derive(Clone, Debug, Default)]
pub struct Audited {
    /// The method that changed something, where no report did.
    pub method: String,
    /// The authenticated subject; empty without authentication.
    pub actor: String,
    /// Version of the policy.
    pub policy_version: String,
    /// Generation of the register.
    pub generation: i64,
    /// Names of what changed.
    pub changed: Vec<String>,
    /// Names of the reports that the changed alerts were judged on.
    pub inputs: Vec<String>,
    /// What a responder did.
    pub act: Option<Act>,
}

/// Where an entry of the audit stands.
#[derive(Clone, Debug)]
pub struct AuditPlace {
    /// Its number.
    pub sequence: i64,
    /// When it was recorded.
    pub recorded: Time,
    /// Name of its subject; empty for what is about no one subject.
    pub subject: String,
    /// Position of the last event; 0: none.
    pub position: i64,
}

/// An audit entry's bytes (A1): what caused a change, and what changed.
pub fn audit_entry(cause: &Cause, audited: Audited) -> Bytes {
    let Audited { method, actor, policy_version, generation, changed, inputs, act } = audited;
    let (kind, detail) = match cause {
        Cause::Report(key) => ("report", key.to_string()),
        Cause::Timer => ("timer", method),
        Cause::Register => ("register", method),
        Cause::Strike => ("strike", method),
        Cause::Policy => ("policy", method),
        Cause::Responder(_) => ("responder", method),
    };
    let (role, client_system) = match cause {
        Cause::Responder(by) => {
            let role = pb::ResponderRole::try_from(role_to(by.role)).unwrap_or_default().as_str_name();
            (role.trim_start_matches(ROLE).to_owned(), by.client.to_string())
        }
        _ => (String::new(), String::new()),
    };
    let (action, close_reason) = match act {
        Some(Act::Acknowledge { action, .. }) => (action_to(action), 0),
        Some(Act::Close(reason)) => (0, close_reason_to(reason)),
        Some(Act::Unacknowledge) | None => (0, 0),
    };
    let entry = stored::AuditEntry {
        cause: kind.to_owned(),
        detail,
        actor,
        policy_version,
        generation,
        changed,
        role,
        client_system,
        inputs,
        action,
        close_reason,
    };
    entry.encode_to_vec().into()
}

/// A stored entry as the API shows it.
///
/// # Errors
/// When it is not what it should be.
pub fn audit_to(place: AuditPlace, entry: &[u8]) -> Result<pb::AuditEntry, CorruptPayload> {
    let AuditPlace { sequence, recorded, subject, position } = place;
    let stored::AuditEntry {
        cause,
        detail,
        actor,
        policy_version,
        generation,
        changed,
        role,
        client_system,
        inputs,
        action,
        close_reason,
    } = stored::AuditEntry::decode(entry).map_err(|e| CorruptPayload::of("audit entry", &e))?;
    let kind = match cause.as_str() {
        "report" => pb::CauseKind::Report,
        "timer" => pb::CauseKind::Timer,
        "register" => pb::CauseKind::Register,
        "strike" => pb::CauseKind::Strike,
        "policy" => pb::CauseKind::Policy,
        "responder" => pb::CauseKind::Responder,
        _ => pb::CauseKind::Unspecified,
    };
    let (report, method) =
        if kind == pb::CauseKind::Report { (detail, String::new()) } else { (String::new(), detail) };
    let role = pb::ResponderRole::from_str_name(&format!("{ROLE}{role}")).unwrap_or_default();
    Ok(pb::AuditEntry {
        name: format!("auditEntries/{sequence}"),
        record_time: Some(timestamp_to(recorded)),
        subject,
        cause: Some(pb::Cause { kind: kind.into(), report, role: role.into(), client_system }),
        method,
        actor,
        action,
        close_reason,
        policy_version,
        generation,
        changed,
        inputs,
        position,
    })
}
