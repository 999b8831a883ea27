//! What can be counted of TLS.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::{CertificateError, Error as TlsError};

/// Why a handshake came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The client went away.
    Gone,
    /// It took too long.
    Timeout,
    /// Too many others were under way.
    Busy,
    /// The client speaks something else, such as plain HTTP.
    NotTls,
    /// The client does not offer HTTP/2.
    NoHttp2,
    /// The client has no certificate and must have one.
    NoCertificate,
    /// Its certificate has ended, or has not begun.
    Expired,
    /// Nobody we know has issued its certificate.
    UnknownIssuer,
    /// Its certificate is not good for something else.
    BadCertificate,
    /// The client did not like our certificate, or something else about us.
    RefusedByClient,
    /// The client is too old, too new, or broken.
    Incompatible,
}

/// Counts and values of TLS, for metrics; all since the start.
#[derive(Debug)]
pub struct TlsStatus {
    reloaded: AtomicU64,
    refused: AtomicU64,
    in_step: AtomicBool,
    not_after: AtomicI64,
    done: AtomicU64,
    failed: [AtomicU64; Reason::ALL.len()],
    said: Mutex<[Said; Reason::ALL.len()]>,
}

/// When a kind of failure was last logged, and how many came since.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    at: Option<Instant>,
    since: u64,
}

/// Failures of one kind are logged once in so long: whoever knocks a thousand times a second must not fill a disk.
const QUIET: Duration = Duration::from_secs(10);

impl Reason {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Gone,
        Self::Timeout,
        Self::Busy,
        Self::NotTls,
        Self::NoHttp2,
        Self::NoCertificate,
        Self::Expired,
        Self::UnknownIssuer,
        Self::BadCertificate,
        Self::RefusedByClient,
        Self::Incompatible,
    ];

    /// As logs and metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::NotTls => "not_tls",
            Self::NoHttp2 => "no_http2",
            Self::NoCertificate => "no_certificate",
            Self::Expired => "expired",
            Self::UnknownIssuer => "unknown_issuer",
            Self::BadCertificate => "bad_certificate",
            Self::RefusedByClient => "refused_by_client",
            Self::Incompatible => "incompatible",
        }
    }

    /// What an error of a handshake means.
    pub(super) fn of(error: &std::io::Error) -> Self {
        let Some(error) = error.get_ref().and_then(|e| e.downcast_ref::<TlsError>()) else { return Self::Gone };
        match error {
            TlsError::InvalidMessage(_) => Self::NotTls,
            TlsError::NoApplicationProtocol => Self::NoHttp2,
            TlsError::NoCertificatesPresented => Self::NoCertificate,
            TlsError::AlertReceived(_) => Self::RefusedByClient,
            TlsError::InvalidCertificate(e) => match e {
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Self::Expired,
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                _ => Self::BadCertificate,
            },
            _ => Self::Incompatible,
        }
    }
}

impl TlsStatus {
    pub(super) fn new(not_after: i64) -> Self {
        Self {
            reloaded: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            in_step: AtomicBool::new(true),
            not_after: AtomicI64::new(not_after),
            done: AtomicU64::new(0),
            failed: Default::default(),
            said: Mutex::default(),
        }
    }

    /// How often other files were taken.
    pub fn reloaded(&self) -> u64 {
        self.reloaded.load(Ordering::Relaxed)
    }
    /// How often other files were refused; the same ones once.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
    /// Whether what the files hold is in force.
    pub fn in_step(&self) -> bool {
        self.in_step.load(Ordering::Relaxed)
    }
    /// When the certificate in force ends, in seconds since the Unix epoch.
    pub fn not_after(&self) -> i64 {
        self.not_after.load(Ordering::Relaxed)
    }
    /// Handshakes done.
    pub fn handshakes(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
    /// Handshakes that came to nothing, by reason.
    pub fn failed(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL.into_iter().zip(&self.failed).map(|(reason, count)| (reason, count.load(Ordering::Relaxed)))
    }

    pub(super) fn took(&self, not_after: i64) {
        self.not_after.store(not_after, Ordering::Relaxed);
        self.reloaded.fetch_add(1, Ordering::Relaxed);
        self.in_step.store(true, Ordering::Relaxed);
    }
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.in_step.store(false, Ordering::Relaxed);
    }
    /// The files hold again what is in force.
    pub(super) fn restored(&self) {
        self.in_step.store(true, Ordering::Relaxed);
    }
    pub(super) fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
    /// Counts a failure; how many of its kind to log now: none while it was logged a moment ago.
    pub(super) fn fail(&self, reason: Reason) -> u64 {
        self.fail_at(reason, Instant::now())
    }

    fn fail_at(&self, reason: Reason, now: Instant) -> u64 {
        self.failed[reason as usize].fetch_add(1, Ordering::Relaxed);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = &mut said[reason as usize];
        said.since += 1;
        if said.at.is_some_and(|at| now.duration_since(at) < QUIET) {
            return 0;
        }
        said.at = Some(now);
        std::mem::take(&mut said.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place_and_name() {
        let mut names: Vec<_> = Reason::ALL.map(Reason::name).into();
        assert!(Reason::ALL.iter().enumerate().all(|(n, reason)| *reason as usize == n));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
    }

    #[test]
    fn a_flood_of_failures_is_counted_and_logged_once_in_a_while() {
        let (status, now) = (TlsStatus::new(0), Instant::now());
        let said: Vec<_> = (0..1_000).map(|_| status.fail_at(Reason::NotTls, now)).filter(|n| *n > 0).collect();
        assert_eq!(said, [1]);
        assert_eq!(status.fail_at(Reason::Timeout, now), 1, "each kind for itself");
        assert_eq!(status.fail_at(Reason::NotTls, now + QUIET), 1_000);
        let counted: Vec<_> = status.failed().filter(|(_, n)| *n > 0).map(|(r, n)| (r.name(), n)).collect();
        assert_eq!(counted, [("timeout", 1), ("not_tls", 1_001)]);
    }
}
