//! THE error map: every problem an RPC can end with, its gRPC code, reason and details.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::access::Refused;
use crate::feed::Refusal;
use crate::grpc::quota::UNFINISHED;
use crate::store::StoreError;

/// Most bytes of one inbound message (architecture.md section 3).
pub const MAX_INBOUND_BYTES: usize = 1 << 20;

/// Why an RPC ends other than well.
#[derive(Clone, Debug)]
pub enum Problem {
    /// Fields of the request are wrong: (path, what and the remedy).
    BadRequest(Vec<(String, String)>),
    /// A cursor that this service never made, or that was damaged on the way.
    CursorMalformed,
    /// The cursor is older than retention; the oldest one to resume after.
    CursorExpired(Vec<u8>),
    /// The log has another history at the cursor.
    CursorEpochChanged,
    /// Nothing of that name.
    NotFound(String),
    /// Something of that name is there already: which, and the remedy.
    AlreadyExists(String),
    /// What was to be changed is at another version than the caller read: its name.
    EtagMismatch(String),
    /// The log no longer reaches back to the time asked for; the oldest cursor.
    TimeExpired(Vec<u8>),
    /// The alert has ended: its name.
    AlertResolved(String),
    /// Nobody had acknowledged the alert: its name.
    NotAcknowledged(String),
    /// To close the alert would hide a breach: its name.
    StillBreaching(String),
    /// Storage could not be reached in time; why, for the log.
    StorageUnavailable(String),
    /// The database refused, or a stored payload cannot be read; what it says, for the log.
    Internal(String),
    /// A message above the limit, in bytes.
    MessageTooLarge(usize),
    /// The register was changed by others again and again.
    Contended,
    /// The service is going down.
    Draining(Duration),
    /// The stream reached its greatest age.
    StreamAge(Duration),
    /// There are as many subscriptions as there may be.
    TooManySubscriptions(Duration),
    /// The caller is not known, or may not do this.
    Refused(Refused),
    /// The caller may not claim the staff role it acts in.
    RoleNotYours,
    /// The request did not come in, or was not answered, in time.
    TooSlow,
    /// The caller has as many streams as it may.
    TooManyStreams(Duration),
    /// The caller sends more reports a second than it may; when there is room again.
    TooManyReports(Duration),
    /// The caller has as much under way in messages that have not come whole as it may.
    TooMuchUnfinished(Duration),
}

impl Problem {
    /// One field is wrong.
    pub fn field(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self::BadRequest(vec![(path.into(), what.into())])
    }

    fn code(&self) -> (Code, &'static str) {
        match self {
            Self::BadRequest(_) => (Code::InvalidArgument, "INVALID_REQUEST"),
            Self::CursorMalformed => (Code::InvalidArgument, "CURSOR_MALFORMED"),
            Self::CursorExpired(_) => (Code::OutOfRange, "CURSOR_EXPIRED"),
            Self::CursorEpochChanged => (Code::OutOfRange, "CURSOR_EPOCH_CHANGED"),
            Self::NotFound(_) => (Code::NotFound, "NOT_FOUND"),
            Self::AlreadyExists(_) => (Code::AlreadyExists, "ALREADY_EXISTS"),
            Self::EtagMismatch(_) => (Code::Aborted, "ETAG_MISMATCH"),
            Self::TimeExpired(_) => (Code::OutOfRange, "TIME_EXPIRED"),
            Self::AlertResolved(_) => (Code::FailedPrecondition, "ALERT_RESOLVED"),
            Self::NotAcknowledged(_) => (Code::FailedPrecondition, "NOT_ACKNOWLEDGED"),
            Self::StillBreaching(_) => (Code::FailedPrecondition, "STILL_BREACHING"),
            Self::StorageUnavailable(_) => (Code::Unavailable, "STORAGE_UNAVAILABLE"),
            Self::Internal(_) => (Code::Internal, "INTERNAL"),
            Self::MessageTooLarge(_) => (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"),
            Self::Contended => (Code::Aborted, "REGISTER_CONTENDED"),
            Self::Draining(_) => (Code::Unavailable, "SERVER_DRAINING"),
            Self::StreamAge(_) => (Code::Unavailable, "STREAM_AGE"),
            Self::TooManySubscriptions(_) => (Code::ResourceExhausted, "TOO_MANY_SUBSCRIPTIONS"),
            Self::Refused(why) => {
                let (code, reason, _) = refused(*why);
                (code, reason)
            }
            Self::RoleNotYours => (Code::PermissionDenied, "RESPONDER_ROLE_DENIED"),
            Self::TooSlow => (Code::DeadlineExceeded, "REQUEST_TOO_SLOW"),
            Self::TooManyStreams(_) => (Code::ResourceExhausted, "TOO_MANY_STREAMS"),
            Self::TooManyReports(_) => (Code::ResourceExhausted, "TOO_MANY_REPORTS"),
            Self::TooMuchUnfinished(_) => (Code::ResourceExhausted, "TOO_MUCH_UNFINISHED"),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::BadRequest(fields) => fields.iter().map(|(f, d)| format!("{f}: {d}")).collect::<Vec<_>>().join("; "),
            Self::CursorMalformed => "the cursor is damaged: use one exactly as this service gave it".into(),
            Self::CursorExpired(_) => {
                "the cursor is older than the log reaches back: start with a snapshot, or ask for on_expired SNAPSHOT"
                    .into()
            }
            Self::CursorEpochChanged => {
                "the log has another history at this cursor (a restored backup): start with a snapshot".into()
            }
            Self::NotFound(what) => format!("{what} does not exist"),
            Self::AlreadyExists(what) => what.clone(),
            Self::EtagMismatch(what) => {
                format!(
                    "{what} was changed by another one meanwhile: read it again, decide anew, and send its new etag"
                )
            }
            Self::TimeExpired(_) => "the log does not reach back so far: ask for a later time".into(),
            Self::AlertResolved(name) => format!("{name} has ended: there is nothing to do about it any more"),
            Self::NotAcknowledged(name) => format!("{name} is not acknowledged: there is nothing to give back"),
            Self::StillBreaching(name) => {
                format!("{name} is breaching by current figures: it ends when they are good; acknowledge it meanwhile")
            }
            Self::StorageUnavailable(_) => "storage is unavailable: try again".into(),
            Self::Internal(_) => "internal error: the service's log says more".into(),
            Self::MessageTooLarge(limit) => {
                format!("the message is above the limit of {limit} bytes: send fewer reports in one")
            }
            Self::Contended => "the register was changed by others meanwhile: try again".into(),
            Self::Draining(_) => {
                "the service is going down: come back with your last cursor, resend what has no receipt".into()
            }
            Self::StreamAge(_) => {
                "the stream reached its greatest age: come back with your last cursor, resend what has no receipt"
                    .into()
            }
            Self::TooManySubscriptions(_) => {
                "the service has as many subscriptions as it may: come back later, or ask another replica".into()
            }
            Self::Refused(why) => refused(*why).2.into(),
            Self::TooSlow => "the request was not there, or not answered, within a minute: send it whole".into(),
            Self::RoleNotYours => "you may not act in this staff role: ask whoever keeps the permissions file".into(),
            Self::TooManyStreams(_) => "you have as many streams open as you may: close one, or come back later".into(),
            Self::TooManyReports(_) => {
                "you send more reports a second than you may: wait, then resend what has no receipt".into()
            }
            Self::TooMuchUnfinished(_) => format!(
                "{} MiB of your messages have begun and not come whole: send fewer at a time, then resend what has no \
                 receipt",
                UNFINISHED >> 20
            ),
        }
    }

    fn details(&self, reason: &str) -> ErrorDetails {
        let mut details = ErrorDetails::new();
        let mut metadata = std::collections::HashMap::new();
        match self {
            Self::BadRequest(fields) => {
                let fields = fields.iter().map(|(f, d)| FieldViolation::new(f, d)).collect::<Vec<_>>();
                details.set_bad_request(fields);
            }
            Self::CursorExpired(oldest) | Self::TimeExpired(oldest) => {
                metadata.insert("oldest_cursor".to_owned(), hex::encode(oldest));
            }
            Self::MessageTooLarge(limit) => {
                metadata.insert("limit_bytes".to_owned(), limit.to_string());
            }
            Self::Draining(after)
            | Self::StreamAge(after)
            | Self::TooManySubscriptions(after)
            | Self::TooManyStreams(after)
            | Self::TooManyReports(after)
            | Self::TooMuchUnfinished(after) => {
                details.set_retry_info(Some(*after));
            }
            Self::StorageUnavailable(_) | Self::Contended | Self::Refused(Refused::NoKeys) => {
                details.set_retry_info(Some(Duration::from_secs(1)));
            }
            Self::CursorMalformed
            | Self::CursorEpochChanged
            | Self::NotFound(_)
            | Self::AlreadyExists(_)
            | Self::EtagMismatch(_)
            | Self::AlertResolved(_)
            | Self::NotAcknowledged(_)
            | Self::StillBreaching(_)
            | Self::Refused(_)
            | Self::RoleNotYours
            | Self::TooSlow
            | Self::Internal(_) => {}
        }
        details.set_error_info(reason, "wardwatch", metadata);
        details
    }
}

/// Code, reason and text of a refusal. A caller learns whether it should get another credential, or ask for permission, and
/// nothing of what there is.
const fn refused(why: Refused) -> (Code, &'static str, &'static str) {
    match why {
        Refused::Missing => (
            Code::Unauthenticated,
            "CREDENTIALS_MISSING",
            "show who you are: a client certificate, or a token in the authorization header",
        ),
        Refused::Expired => (
            Code::Unauthenticated,
            "TOKEN_EXPIRED",
            "your credential has expired: get another one, and go on after your last cursor",
        ),
        Refused::NoKeys => {
            (Code::Unavailable, "AUTHENTICATION_UNAVAILABLE", "your token cannot be checked now: try again")
        }
        Refused::Malformed
        | Refused::UnknownToken
        | Refused::NoIssuer
        | Refused::Algorithm
        | Refused::UnknownKey
        | Refused::Signature
        | Refused::Issuer
        | Refused::Audience
        | Refused::NotYetValid => (
            Code::Unauthenticated,
            "CREDENTIALS_INVALID",
            "your credential is not accepted: get another one; the service's log says why",
        ),
        Refused::Unlisted | Refused::Ambiguous | Refused::Role | Refused::Organisation => {
            (Code::PermissionDenied, "PERMISSION_DENIED", "you may not do this: ask whoever keeps the permissions file")
        }
        Refused::Withdrawn => {
            (Code::PermissionDenied, "PERMISSION_WITHDRAWN", "your permission was changed: connect anew")
        }
    }
}

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        // What the database says may name its host, and is for those who run it.
        match &problem {
            Problem::Internal(error) => tracing::error!(error, "a call could not be answered"),
            Problem::StorageUnavailable(error) => tracing::debug!(error, "storage is unavailable to a call"),
            _ => {}
        }
        let (code, reason) = problem.code();
        Status::with_error_details(code, problem.text(), problem.details(reason))
    }
}

/// What reading a request ended with, by our map: tonic calls a message above the limit OUT_OF_RANGE, which is ours for
/// cursors.
pub fn inbound(status: Status) -> Status {
    // tonic has no type for it; its text (0.14) is pinned by a test: "... found 9 bytes, the limit is: 8 bytes".
    let text = status.message();
    if status.code() == Code::OutOfRange && text.starts_with("Error, decoded message length too large") {
        let limit = text.rsplit("the limit is: ").next().and_then(|rest| rest.split(' ').next()?.parse().ok());
        return Problem::MessageTooLarge(limit.unwrap_or(MAX_INBOUND_BYTES)).into();
    }
    status
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed => Self::CursorMalformed,
            Refusal::Expired(oldest) => Self::CursorExpired(oldest.to_vec()),
            Refusal::OtherHistory => Self::CursorEpochChanged,
            Refusal::Storage(error) => error.into(),
            Refusal::Draining(after) => Self::Draining(after),
            Refusal::StreamAge(after) => Self::StreamAge(after),
            Refusal::Full(after) => Self::TooManySubscriptions(after),
            Refusal::Refused(why) => Self::Refused(why),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) | StoreError::Unknown(why) => Self::StorageUnavailable(why),
            StoreError::Refused(why) => Self::Internal(why),
        }
    }
}
