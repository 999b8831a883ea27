//! What keeps a connection from being made, in words that say what to do.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::target::Target;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// Nobody answers.
    #[error("{0}")]
    Unreachable(String),
    /// The two do not get on over TLS.
    #[error("{0}")]
    Tls(String),
    /// Our own files cannot be used.
    #[error("{0}")]
    Credentials(String),
}

impl Trouble {
    pub fn unreachable(error: &dyn StdError) -> Self {
        Self::Unreachable(deepest(error).to_string())
    }
    pub fn tls(what: impl Into<String>) -> Self {
        Self::Tls(what.into())
    }
    pub fn credentials(what: impl Into<String>) -> Self {
        Self::Credentials(what.into())
    }

    /// The trouble that an error of the transport came from, if it was ours.
    pub fn within<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(trouble) = error.downcast_ref() {
                return Some(trouble);
            }
            next = error.source();
        }
        None
    }
}

/// What lies at the ground of an error.
pub(super) fn deepest(error: &dyn StdError) -> &dyn StdError {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest
}

/// A file of ours that cannot be used.
pub(super) fn file(flag: &str, file: &Path, what: &str) -> Trouble {
    Trouble::credentials(format!("{flag}: {}: {what}", file.display()))
}

/// What an error on a TLS connection to `host` means.
pub(super) fn explained(error: &io::Error, host: &str, target: &Target) -> Trouble {
    let Some(tls) = error.get_ref().and_then(|e| e.downcast_ref::<TlsError>()) else {
        return Trouble::tls(format!("the connection broke during the TLS handshake ({error})"));
    };
    Trouble::Tls(match tls {
        TlsError::InvalidMessage(_) => "it does not speak TLS: write http://, or name its TLS port".to_owned(),
        TlsError::InvalidCertificate(e) => theirs(e, host, target),
        TlsError::AlertReceived(alert) => ours(*alert, target),
        other => other.to_string(),
    })
}

/// What we have against the service's certificate.
fn theirs(error: &CertificateError, host: &str, target: &Target) -> String {
    match error {
        CertificateError::UnknownIssuer => match &target.ca_file {
            Some(file) => format!("its certificate is not issued by those in {}", file.display()),
            None => "nobody this system trusts has issued its certificate: name the issuer with --ca-file".to_owned(),
        },
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired: its operator must renew it".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: are both clocks right?".to_owned()
        }
        CertificateError::NotValidForName => format!("its certificate is not for {host}"),
        CertificateError::NotValidForNameContext { presented, .. } => {
            // rustls writes them as DnsName("localhost").
            let names: Vec<_> = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect();
            format!("its certificate is not for {host} but for {}", names.join(", "))
        }
        other => format!("its certificate cannot be used: {other}"),
    }
}

/// What the service has against us.
fn ours(alert: AlertDescription, target: &Target) -> String {
    match (alert, &target.cert_file) {
        (AlertDescription::CertificateRequired, _) | (AlertDescription::HandshakeFailure, None) => {
            "it asks clients for a certificate: name yours with --cert-file and --key-file".to_owned()
        }
        (AlertDescription::CertificateExpired, _) => {
            "it says that our certificate (--cert-file) has expired".to_owned()
        }
        (AlertDescription::UnknownCA, _) => "it does not know the issuer of our certificate (--cert-file)".to_owned(),
        (AlertDescription::NoApplicationProtocol, _) => {
            "it does not speak HTTP/2 over TLS (ALPN h2): is this the port of the API?".to_owned()
        }
        (AlertDescription::ProtocolVersion, _) => "it speaks only versions of TLS before 1.2".to_owned(),
        (alert, Some(_)) => format!("it refused us or our certificate (alert {alert:?})"),
        (alert, None) => format!("it refused us (alert {alert:?})"),
    }
}
