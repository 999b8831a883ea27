//! Where every call comes in: what it shows is made into a caller, or it is refused.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::access::refusal::Denied;
use crate::access::{Caller, Credential, Identity, Issuer, Permissions, Refused, Token};
use crate::clock::SharedClock;
use crate::domain::Time;

/// What a call shows of itself.
#[derive(Clone, Default)]
pub struct Shown {
    /// The names of its client certificate, which the TLS handshake has checked, and the end of it.
    pub certificate: Option<(Arc<[String]>, Time)>,
    /// Its `authorization` header; none: it has none. One that is not text is an empty one.
    pub authorization: Option<String>,
    /// The address it comes from.
    pub from: Option<IpAddr>,
}

/// Knows who may come in.
#[derive(Debug)]
pub struct Gate {
    /// None: nobody is asked who they are.
    permissions: Option<watch::Sender<Arc<Permissions>>>,
    issuer: Option<Issuer>,
    clock: SharedClock,
    refusals: Mutex<HashMap<Refused, u64>>,
    said: Mutex<HashMap<About, Said>>,
}

/// What a line of the log is about: the reason, whom, and from where.
type About = (Refused, String, Option<IpAddr>);

/// When a refusal was last logged, and how many were not since.
#[derive(Debug, Default)]
struct Said {
    at: Option<Instant>,
    unsaid: u64,
}

/// Refusals of the same reason, of the same caller, are logged once in so long.
const QUIET: Duration = Duration::from_secs(10);

/// So many are told apart in that time; those beyond share a line, for anybody can come from many addresses.
const TOLD_APART: usize = 1_024;

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.authorization.as_ref().map(|_| "***");
        f.debug_struct("Shown")
            .field("certificate", &self.certificate)
            .field("authorization", &header)
            .field("from", &self.from)
            .finish()
    }
}

impl Gate {
    /// Lets everyone do everything.
    pub fn open(clock: SharedClock) -> Arc<Self> {
        Arc::new(Self { permissions: None, issuer: None, clock, refusals: Mutex::default(), said: Mutex::default() })
    }

    /// Lets in whom the permissions know.
    pub fn guarded(permissions: Permissions, issuer: Option<Issuer>, clock: SharedClock) -> Arc<Self> {
        let permissions = Some(watch::Sender::new(Arc::new(permissions)));
        Arc::new(Self { permissions, issuer, clock, refusals: Mutex::default(), said: Mutex::default() })
    }

    /// Whether callers are asked who they are.
    pub fn asks(&self) -> bool {
        self.permissions.is_some()
    }

    /// The issuer whose tokens are taken.
    pub fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// Puts other permissions in force, also for calls that are under way.
    pub fn replace(&self, permissions: Permissions) {
        if let Some(sender) = &self.permissions {
            sender.send_replace(Arc::new(permissions));
        }
    }

    /// Who a call of a method comes from. A refusal is noted.
    ///
    /// # Errors
    /// When what it shows is nobody's.
    pub async fn admit(self: &Arc<Self>, shown: Shown, method: &str) -> Result<Caller, Refused> {
        let from = shown.from;
        self.caller(shown).await.map_err(|Denied { why, whom }| {
            self.refuse(why, &whom, from, method);
            why
        })
    }

    async fn caller(self: &Arc<Self>, shown: Shown) -> Result<Caller, Denied> {
        if !self.asks() {
            let anyone = Arc::new(Identity::anyone());
            return Ok(Caller::new(Arc::clone(self), Credential::Nobody, anyone, None, shown.from));
        }
        let from = shown.from;
        let (credential, ends) = self.credential(shown).await?;
        let (identity, until) = self.whose(&credential).map_err(|why| why.of(credential.to_string()))?;
        let expires = [ends, until].into_iter().flatten().min();
        if expires.is_some_and(|at| at <= self.clock.now()) {
            return Err(Refused::Expired.of(&*identity.name));
        }
        Ok(Caller::new(Arc::clone(self), credential, identity, expires, from))
    }

    /// A token counts before the connection's certificate: it was shown for this very call.
    async fn credential(&self, shown: Shown) -> Result<(Credential, Option<Time>), Denied> {
        let Some(header) = shown.authorization else {
            let (names, ends) = shown.certificate.ok_or(Refused::Missing)?;
            return Ok((Credential::Certificate(names), Some(ends)));
        };
        let (scheme, token) = header.split_once(' ').ok_or(Refused::Malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refused::Malformed.into());
        }
        if Token::is_meant(token) {
            return Ok((Credential::Token(token.parse().map_err(|()| Refused::Malformed)?), None));
        }
        let issuer = self.issuer.as_ref().ok_or(Refused::NoIssuer)?;
        let proven = issuer.prove(token.trim(), self.clock.now()).await?;
        Ok((Credential::Subject(proven.subject.into()), Some(proven.expires)))
    }

    /// Whose a credential is by the permissions in force, and until when they let it.
    pub(super) fn whose(&self, credential: &Credential) -> Result<(Arc<Identity>, Option<Time>), Refused> {
        let Some(sender) = &self.permissions else { return Ok((Arc::new(Identity::anyone()), None)) };
        let permissions = sender.borrow();
        match credential {
            Credential::Nobody => Err(Refused::Missing),
            Credential::Certificate(names) => Ok((permissions.by_certificate(names)?, None)),
            Credential::Subject(subject) => Ok((permissions.by_subject(subject)?, None)),
            Credential::Token(token) => permissions.by_token(token),
        }
    }

    /// Hears of other permissions; none: there are none to change.
    pub(super) fn changes(&self) -> Option<watch::Receiver<Arc<Permissions>>> {
        self.permissions.as_ref().map(watch::Sender::subscribe)
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Notes a refusal: in the counts, and in the log, as the audit of those who were kept out. In the database anyone could
    /// fill it with them, and in the log too if each were a line: of the same reason and caller one in so long is.
    pub fn refuse(&self, why: Refused, whom: &str, from: Option<IpAddr>, method: &str) {
        *lock(&self.refusals).entry(why).or_default() += 1;
        // Whoever is known is so from wherever it comes. The id of an unknown token is whatever somebody wrote.
        let known = !whom.is_empty() && why != Refused::UnknownToken;
        let about = if known { (why, whom.to_owned(), None) } else { (why, String::new(), from) };
        let Some(more) = Said::again(&mut lock(&self.said), about) else { return };
        let from = from.map(tracing::field::display);
        tracing::warn!(target: "wardwatch::access", reason = why.code(), identity = whom, from, method, more, "refused: {why}");
    }

    /// Refusals by reason since the start.
    pub fn refusals(&self) -> HashMap<Refused, u64> {
        lock(&self.refusals).clone()
    }
}

impl Said {
    /// How many of these were not logged since the last that was, if it is time for another line.
    fn again(said: &mut HashMap<About, Self>, mut about: About) -> Option<u64> {
        if said.len() >= TOLD_APART && !said.contains_key(&about) {
            said.retain(|_, Self { at, .. }| at.is_some_and(|at| at.elapsed() < QUIET));
            if said.len() >= TOLD_APART {
                (about.1, about.2) = (String::new(), None);
            }
        }
        let Self { at, unsaid } = said.entry(about).or_default();
        if at.is_some_and(|at| at.elapsed() < QUIET) {
            *unsaid += 1;
            return None;
        }
        *at = Some(Instant::now());
        Some(std::mem::take(unsaid))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_strangers_shares_a_line_once_so_many_are_told_apart() {
        let mut said = HashMap::new();
        let from = |n: u32| Some(IpAddr::from(n.to_be_bytes()));
        let stranger = |n| (Refused::Missing, String::new(), from(n));
        let lines = (0..5_000).filter(|n| Said::again(&mut said, stranger(*n)).is_some()).count();
        assert_eq!((lines, said.len()), (TOLD_APART + 1, TOLD_APART + 1));
        assert_eq!(Said::again(&mut said, stranger(3)), None, "who was told of lately is not again");
        assert!(Said::again(&mut said, (Refused::Role, String::new(), from(1))).is_some(), "another reason is told of");
        // Those of long ago make room.
        for one in said.values_mut() {
            one.at = Instant::now().checked_sub(QUIET);
        }
        assert_eq!(Said::again(&mut said, stranger(3)), Some(1));
        assert_eq!(Said::again(&mut said, stranger(9_999)), Some(0));
        assert_eq!(said.len(), 2);
    }
}
