use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::sleep;

use crate::access::{Gate, Identity, Reach, Refused, Role, Token};
use crate::domain::{OrganisationCode, ResponderRole, Time};

/// What a caller is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Nobody is asked.
    Nobody,
    /// A client certificate, by its names.
    Certificate(Arc<[String]>),
    /// A token of the issuer, by its subject.
    Subject(Arc<str>),
    /// A token of ours.
    Token(Token),
}

/// As the log may show it: names, never a secret.
impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => Ok(()),
            Self::Certificate(names) => f.write_str(&names.join(" ")),
            Self::Subject(subject) => f.write_str(subject),
            Self::Token(token) => f.write_str(&token.id),
        }
    }
}

/// Who calls. Travels with the call, and with its stream as long as that lasts.
#[derive(Clone, Debug)]
pub struct Caller {
    gate: Arc<Gate>,
    credential: Credential,
    /// As the permissions had it when the call began.
    identity: Arc<Identity>,
    expires: Option<Time>,
    /// Its address, where the connection says it.
    from: Option<IpAddr>,
}

impl Caller {
    pub(super) fn new(
        gate: Arc<Gate>,
        credential: Credential,
        identity: Arc<Identity>,
        expires: Option<Time>,
        from: Option<IpAddr>,
    ) -> Self {
        Self { gate, credential, identity, expires, from }
    }

    /// The identity, as it was when the call began.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// When its credential expires.
    pub fn expires(&self) -> Option<Time> {
        self.expires
    }

    /// Its name, for the audit; empty when nobody is asked.
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// Whether it was asked who it is.
    pub fn is_known(&self) -> bool {
        self.credential != Credential::Nobody
    }

    /// The organisations it is bound to.
    pub fn reach(&self) -> &Reach {
        &self.identity.reach
    }

    /// Whether it may hear of an organisation.
    pub fn sees(&self, organisation: &OrganisationCode) -> bool {
        self.identity.reach.has(organisation)
    }

    /// Whether it has one of several roles.
    pub fn has(&self, roles: &[Role]) -> bool {
        self.identity.roles.any(roles)
    }

    /// Whether it may claim a staff role.
    pub fn may_claim(&self, role: ResponderRole) -> bool {
        self.identity.may_claim(role)
    }

    /// The identity as it is now: a credential expires, and permissions change, while a stream lives.
    ///
    /// # Errors
    /// When the credential has expired or is nobody's any longer.
    pub fn now(&self) -> Result<Arc<Identity>, Refused> {
        if self.expires.is_some_and(|at| at <= self.gate.clock().now()) {
            return Err(Refused::Expired);
        }
        let (identity, until) = self.gate.whose(&self.credential).map_err(|_| Refused::Withdrawn)?;
        if until.is_some_and(|at| at <= self.gate.clock().now()) {
            return Err(Refused::Expired);
        }
        Ok(identity)
    }

    /// That nothing of what it was allowed when the call began was taken from it.
    ///
    /// # Errors
    /// As [`Self::now`]; or roles or organisations were taken.
    pub fn still(&self) -> Result<(), Refused> {
        if !self.is_known() {
            return Ok(());
        }
        let now = self.now()?;
        let kept = self.identity.roles.iter().all(|role| now.roles.has(role));
        if kept && now.reach.covers(&self.identity.reach) { Ok(()) } else { Err(Refused::Withdrawn) }
    }

    /// Returns when it is no longer allowed what it was, with the reason.
    pub async fn ended(&self) -> Refused {
        let Some(mut permissions) = self.gate.changes() else { return std::future::pending().await };
        loop {
            permissions.mark_unchanged();
            if let Err(why) = self.still() {
                return why;
            }
            let left = async {
                match self.until() {
                    Some(at) => sleep((at - self.gate.clock().now()).to_std()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = left => {}
                changed = permissions.changed() => {
                    if changed.is_err() {
                        return std::future::pending().await;
                    }
                }
            }
        }
    }

    /// When it ends, as far as is known now: permissions may have brought it forward.
    fn until(&self) -> Option<Time> {
        let set = self.gate.whose(&self.credential).ok().and_then(|(_, until)| until);
        [self.expires, set].into_iter().flatten().min()
    }

    /// Notes that it was refused something.
    pub fn refuse(&self, why: Refused, method: &str) {
        self.gate.refuse(why, self.name(), self.from, method);
    }
}
