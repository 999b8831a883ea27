use bytes::Bytes;
use prost::Message;

use crate::domain::Cause;
use crate::wire::stored;

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
}

/// An audit entry's bytes (A1): what caused a change, and what changed.
pub fn audit_entry(cause: &Cause, audited: Audited) -> Bytes {
    let Audited { method, actor, policy_version, generation, changed, inputs } = audited;
    let (kind, detail) = match cause {
        Cause::Report(key) => ("report", key.to_string()),
        Cause::Timer => ("timer", method),
        Cause::Register => ("register", method),
        Cause::Strike => ("strike", method),
        Cause::Policy => ("policy", method),
        Cause::Responder(_) => ("responder", method),
    };
    let (role, client_system) = match cause {
        Cause::Responder(by) => (format!("{:?}", by.role), by.client.to_string()),
        _ => (String::new(), String::new()),
    };
    let cause = kind.to_owned();
    let entry =
        stored::AuditEntry { cause, detail, actor, policy_version, generation, changed, role, client_system, inputs };
    entry.encode_to_vec().into()
}
