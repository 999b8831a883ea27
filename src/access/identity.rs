use std::collections::BTreeSet;
use std::sync::Arc;

use crate::access::{Role, Roles};
use crate::domain::{OrganisationCode, ResponderRole, SubjectName};

/// Organisations that an identity is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All, also those to come.
    All,
    /// These.
    Only(BTreeSet<OrganisationCode>),
}

/// How much an identity may ask for, where its bound is not the service's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Streams at a time.
    pub streams: Option<u32>,
    /// Reports a second.
    pub reports_per_second: Option<u32>,
}

/// Who a caller is to the service: a system or a service account, never a person's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its name in the permissions file, and in the audit. Empty: nobody is asked who they are.
    pub name: Arc<str>,
    /// What it may do.
    pub roles: Roles,
    /// For which organisations.
    pub reach: Reach,
    /// The staff roles it may claim when it acknowledges; none listed: every one.
    pub responder_roles: Option<Vec<ResponderRole>>,
    /// Its own bounds.
    pub bounds: Bounds,
}

impl Reach {
    /// Whether it has an organisation.
    pub fn has(&self, code: &OrganisationCode) -> bool {
        match self {
            Self::All => true,
            Self::Only(codes) => codes.contains(code),
        }
    }
    /// Whether it has the organisation of a resource by name; what has no organisation is nobody's.
    pub fn has_named(&self, name: &str) -> bool {
        *self == Self::All || name.parse::<SubjectName>().is_ok_and(|name| self.has(name.organisation()))
    }
    /// Whether it has everything that another one has.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(own), Self::Only(others)) => others.is_subset(own),
        }
    }
    /// The organisations by name; none: all.
    pub fn named(&self) -> Option<&BTreeSet<OrganisationCode>> {
        match self {
            Self::All => None,
            Self::Only(codes) => Some(codes),
        }
    }
}

impl Identity {
    /// Whoever calls a service that asks nobody.
    pub fn anyone() -> Self {
        Self { name: "".into(), roles: Roles::ALL, reach: Reach::All, responder_roles: None, bounds: Bounds::default() }
    }
    /// Whether it may see no more than totals.
    pub fn sees_totals_only(&self) -> bool {
        !self.roles.any(&[Role::Subscriber, Role::Responder, Role::Planner])
    }
    /// Whether it may hear of wards and cover groups by name.
    pub fn sees_wards(&self) -> bool {
        Role::ALL.into_iter().any(|role| role != Role::National && self.roles.has(role))
    }
    /// Whether it may claim a staff role.
    pub fn may_claim(&self, role: ResponderRole) -> bool {
        self.responder_roles.as_ref().is_none_or(|roles| roles.contains(&role))
    }
}
