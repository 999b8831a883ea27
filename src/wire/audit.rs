use bytes::Bytes;
use prost::Message;

use crate::domain::Cause;
use crate::wire::stored;

/// An audit entry's bytes: what caused a change (`detail` names the method for a change of the register), under which
/// policy and generation of the register, and the names of what changed.
pub fn audit_entry(cause: &Cause, detail: &str, policy_version: &str, generation: i64, changed: Vec<String>) -> Bytes {
    let (kind, detail) = match cause {
        Cause::Report(key) => ("report", key.to_string()),
        Cause::Timer => ("timer", detail.to_owned()),
        Cause::Register => ("register", detail.to_owned()),
    };
    let (actor, policy_version) = (String::new(), policy_version.to_owned());
    let entry = stored::AuditEntry { cause: kind.to_owned(), detail, actor, policy_version, generation, changed };
    entry.encode_to_vec().into()
}
