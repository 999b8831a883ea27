use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::trouble::{Trouble, deepest};

/// Why a call or a stream ended other than well. Its text is one line for a person.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Not a URL of a service.
    #[error("'{0}' is not the URL of a service; write it as http://127.0.0.1:50051, or https://... with TLS")]
    Url(String),
    /// The URL and what goes with it make no sense together.
    #[error("{0}")]
    Target(String),
    /// A certificate, key or token of our own cannot be used.
    #[error("{0}")]
    Credentials(String),
    /// Somebody is there, but the two do not get on over TLS.
    #[error("no connection to the service at {url}: {why}")]
    Tls {
        /// Where.
        url: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Nobody answers there, or the connection broke.
    #[error(
        "cannot reach the service at {url} ({why}): start it with 'wardwatch serve', or name another with --server"
    )]
    Unreachable {
        /// Where.
        url: String,
        /// What the network said.
        why: String,
    },
    /// The service said no.
    #[error("{0}")]
    Refused(Refusal),
    /// The cursor is older than the log reaches back.
    #[error(
        "the cursor is older than the log reaches back: events between were lost to this subscriber; start again with a snapshot (--snapshot, another --cursor-file)"
    )]
    CursorExpired {
        /// The oldest cursor to resume after; empty if the service did not say.
        oldest: Vec<u8>,
    },
    /// The log has another history at the cursor.
    #[error(
        "the log has another history at this cursor (a restored backup): start again with a snapshot (--snapshot, another --cursor-file)"
    )]
    HistoryChanged,
    /// A stream was silent for three heartbeats.
    #[error("nothing came for {} s, three heartbeats: the connection is taken for dead", .0.as_secs())]
    Silent(Duration),
    /// The service ended a stream without saying why.
    #[error("the service at {0} ended the stream before it was done")]
    Ended(String),
    /// The service broke the contract.
    #[error("the service broke the contract: {0}")]
    Contract(String),
}

/// What the service said when it refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// gRPC code.
    pub code: Code,
    /// One line.
    pub message: String,
    /// Reason of the `ErrorInfo`, such as `INVALID_REQUEST`; empty if there was none.
    pub reason: String,
    /// Field paths of the request and what is wrong with each.
    pub fields: Vec<(String, String)>,
    /// When to come back, if the service said so.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fields.as_slice() {
            [] => f.write_str(&self.message)?,
            fields => {
                let fields: Vec<_> = fields.iter().map(|(path, what)| format!("{path}: {what}")).collect();
                f.write_str(&fields.join("; "))?;
            }
        }
        let name = if self.reason.is_empty() { format!("{:?}", self.code) } else { self.reason.clone() };
        write!(f, " ({name})")
    }
}

impl Error {
    /// The connection could not be made, or broke.
    pub(super) fn broken(url: &str, error: &(dyn StdError + 'static), answered_by_tls: bool) -> Self {
        let url = url.to_owned();
        match Trouble::within(error) {
            Some(Trouble::Tls(why)) => Self::Tls { url, why: why.clone() },
            Some(Trouble::Credentials(why)) => Self::Credentials(why.clone()),
            _ if answered_by_tls => Self::Tls { url, why: "it speaks TLS: write https://".to_owned() },
            _ => Self::Unreachable { url, why: deepest(error).to_string() },
        }
    }

    pub(super) fn from_status(url: &str, status: &Status, answered_by_tls: bool) -> Self {
        // Only what this side of the wire made has a source: the connection failed, the service said nothing.
        if status.source().is_some() && status.code() != Code::OutOfRange {
            return Self::broken(url, status, answered_by_tls);
        }
        let (reason, metadata) =
            status.get_details_error_info().map(|info| (info.reason, info.metadata)).unwrap_or_default();
        match reason.as_str() {
            "CURSOR_EXPIRED" => Self::CursorExpired {
                oldest: metadata.get("oldest_cursor").and_then(|t| hex::decode(t).ok()).unwrap_or_default(),
            },
            "CURSOR_EPOCH_CHANGED" => Self::HistoryChanged,
            _ => Self::Refused(Refusal {
                code: status.code(),
                message: status.message().to_owned(),
                reason,
                fields: status.get_details_bad_request().map(fields).unwrap_or_default(),
                retry_after: status.get_details_retry_info().and_then(|r| r.retry_delay),
            }),
        }
    }

    /// Whether the same may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            // Certificates are renewed and files replaced, on both sides, while someone keeps trying.
            Self::Unreachable { .. } | Self::Tls { .. } | Self::Credentials(_) | Self::Silent(_) | Self::Ended(_) => {
                true
            }
            Self::Refused(r) => match r.code {
                Code::Unavailable | Code::Aborted | Code::Cancelled | Code::DeadlineExceeded | Code::Unknown => true,
                // Without a reason it was not the service that spoke: a proxy, or the HTTP/2 layer.
                Code::Internal => r.reason.is_empty(),
                Code::ResourceExhausted => r.retry_after.is_some(),
                _ => false,
            },
            Self::Url(_) | Self::Target(_) | Self::CursorExpired { .. } | Self::HistoryChanged | Self::Contract(_) => {
                false
            }
        }
    }

    /// When the service asked to come back.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(r) => r.retry_after,
            _ => None,
        }
    }

    /// Whether the service knows the caller, or does not, and will not do this.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Refused(r) if matches!(r.code, Code::PermissionDenied | Code::Unauthenticated))
    }

    /// Whether the service does not know who asks: a token has ended, or was never good.
    pub fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Refused(r) if r.code == Code::Unauthenticated)
    }

    /// Whether the service found fault with the request itself.
    pub fn is_bad_request(&self) -> bool {
        matches!(self, Self::Refused(r) if r.code == Code::InvalidArgument)
    }
}

fn fields(bad: tonic_types::BadRequest) -> Vec<(String, String)> {
    bad.field_violations.into_iter().map(|v| (v.field, v.description)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::{ErrorDetails, FieldViolation};

    const URL: &str = "http://localhost:1";

    #[test]
    fn a_bad_field_is_shown_by_its_path() {
        let mut details = ErrorDetails::new();
        details.set_error_info("INVALID_REQUEST", "wardwatch", std::collections::HashMap::new());
        details.set_bad_request(vec![FieldViolation::new("wards[3].kind", "missing")]);
        let status = Status::with_error_details(Code::InvalidArgument, "no", details);
        let error = Error::from_status(URL, &status, false);
        assert!(error.is_bad_request() && !error.is_transient());
        assert_eq!(error.to_string(), "wards[3].kind: missing (INVALID_REQUEST)");
    }

    #[test]
    fn an_expired_cursor_brings_the_oldest_one() {
        let mut details = ErrorDetails::new();
        let metadata = std::collections::HashMap::from([("oldest_cursor".to_owned(), "00ff1a".to_owned())]);
        details.set_error_info("CURSOR_EXPIRED", "wardwatch", metadata);
        let status = Status::with_error_details(Code::OutOfRange, "no", details);
        let error = Error::from_status(URL, &status, false);
        assert!(matches!(error, Error::CursorExpired { oldest } if oldest == [0, 0xff, 0x1a]));
    }

    #[test]
    fn a_draining_service_says_when_to_come_back() {
        let mut details = ErrorDetails::new();
        details.set_retry_info(Some(Duration::from_secs(3)));
        let status = Status::with_error_details(Code::Unavailable, "going down", details);
        let error = Error::from_status(URL, &status, false);
        assert!(error.is_transient());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_missing_permission_is_not_tried_again() {
        assert!(!Error::from_status(URL, &Status::permission_denied("no"), false).is_transient());
        assert!(!Error::from_status(URL, &Status::resource_exhausted("too large"), false).is_transient());
    }
}
