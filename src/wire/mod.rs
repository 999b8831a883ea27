//! Bytes to meaning and back: the only room that knows protobuf.

mod activity;
mod alert;
mod audit;
mod blocks;
mod cover;
mod cover_group;
mod enums;
mod fields;
pub mod log;
mod policy;
mod receipt;
mod register;
mod report;
mod response;
mod state;
mod strike;
mod strike_enums;
mod strike_windows;
mod summary;
#[cfg(test)]
mod tests;
mod time;

/// The generated messages and service traits.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    missing_docs,
    reason = "generated code"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/pb.rs"));
}

pub use activity::{SubmittedActivity, activity_from, activity_of};
pub use alert::{alert_from, alert_row, alert_to, event_to, fraction_to};
pub use audit::{AuditPlace, Audited, audit_entry, audit_to};
pub use cover::{medical_cover_from, medical_cover_to, withhold_absences};
pub use cover_group::{cover_group_from, cover_group_to, decode_cover_group, encode_cover_group};
pub use fields::{InvalidFields, Violations};
pub use generated::wardwatch::stored::v1 as stored;
pub use generated::wardwatch::v1 as pb;
pub use policy::{
    PolicyUpdate, contradictions, decode_policy, encode_policy, policy_from, policy_in_force_to, policy_to,
    policy_version_to,
};
pub use receipt::receipt_to;
pub use register::{
    decode_organisation, decode_ward, encode_organisation, encode_ward, organisation_from, organisation_to, ward_from,
    ward_to,
};
pub use report::{current_report, decode_report, digest, encode_report, report_from, report_to};
pub use response::{
    AlertRequest, acknowledge_from, action_from, action_to, close_from, role_from, role_to, unacknowledge_from,
};
pub use state::{CorruptState, cold_to, first_state, hot_to, state_from};
pub use strike::{
    Warnings, call_off_reason, change_reason, decode_strike, derogation_from, derogation_to, encode_strike,
    strike_etag, strike_from, strike_to, tier_to,
};
pub use strike_windows::window_to;
pub use summary::{summary_from, summary_to};
pub use time::{duration_to, timestamp_to, to_time};

/// Descriptors, read; none when they are damaged.
pub fn descriptors(set: &[u8]) -> Option<prost_types::FileDescriptorSet> {
    prost::Message::decode(set).ok()
}

/// The API's descriptors, for reflection and the JSON mapping.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wardwatch.fds"));
