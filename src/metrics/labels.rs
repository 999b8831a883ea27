//! Words for label values: each a fixed list.

use crate::domain::{RejectReason, Severity, WardStatus};

/// gRPC's codes by number, spelled as the conventional metrics spell them.
pub(super) const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// Every reason for which a report may be rejected.
pub(super) const REASONS: [RejectReason; 16] = [
    RejectReason::Missing,
    RejectReason::Malformed,
    RejectReason::Negative,
    RejectReason::Implausible,
    RejectReason::Empty,
    RejectReason::Conflict,
    RejectReason::UnknownSubject,
    RejectReason::WardClosed,
    RejectReason::CoverGroupNeeded,
    RejectReason::IdReused,
    RejectReason::Future,
    RejectReason::TooOld,
    RejectReason::TooMany,
    RejectReason::NotSupported,
    RejectReason::PermissionDenied,
    RejectReason::Internal,
];

/// Every status of a ward.
pub(super) const STATUSES: [WardStatus; 8] = [
    WardStatus::Critical,
    WardStatus::Warning,
    WardStatus::AtLimit,
    WardStatus::Ok,
    WardStatus::Empty,
    WardStatus::Incomplete,
    WardStatus::NeverReported,
    WardStatus::Closed,
];

pub(super) fn reason(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::Missing => "missing",
        RejectReason::Malformed => "malformed",
        RejectReason::Negative => "negative",
        RejectReason::Implausible => "implausible",
        RejectReason::Empty => "empty",
        RejectReason::Conflict => "conflict",
        RejectReason::UnknownSubject => "unknown_subject",
        RejectReason::WardClosed => "ward_closed",
        RejectReason::CoverGroupNeeded => "cover_group_needed",
        RejectReason::IdReused => "id_reused",
        RejectReason::Future => "future",
        RejectReason::TooOld => "too_old",
        RejectReason::TooMany => "too_many",
        RejectReason::NotSupported => "not_supported",
        RejectReason::PermissionDenied => "permission_denied",
        RejectReason::Internal => "internal",
    }
}

pub(super) fn status(status: WardStatus) -> &'static str {
    match status {
        WardStatus::Critical => "critical",
        WardStatus::Warning => "warning",
        WardStatus::AtLimit => "at_limit",
        WardStatus::Ok => "ok",
        WardStatus::Empty => "empty",
        WardStatus::Incomplete => "incomplete",
        WardStatus::NeverReported => "never_reported",
        WardStatus::Closed => "closed",
    }
}

pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}
