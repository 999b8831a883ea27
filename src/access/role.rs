use std::fmt;
use std::str::FromStr;

/// What an identity may do, for the organisations it is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sends reports and planned work.
    Reporter,
    /// Follows and lists alerts, reads wards and the situation.
    Subscriber,
    /// Acknowledges, gives back and closes alerts; reads what a subscriber reads.
    Responder,
    /// Announces and changes strikes; reads what a subscriber reads, and its own employers' absence totals unmasked.
    Planner,
    /// Changes the register: organisations, wards, cover groups.
    Configurer,
    /// Changes what the rules judge by.
    PolicyOwner,
    /// Reads the audit, and alerts.
    Auditor,
    /// Reads totals of organisations: no ward, no cover group, no single alert.
    National,
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Reporter,
        Self::Subscriber,
        Self::Responder,
        Self::Planner,
        Self::Configurer,
        Self::PolicyOwner,
        Self::Auditor,
        Self::National,
    ];

    /// As the permissions file has it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Reporter => "reporter",
            Self::Subscriber => "subscriber",
            Self::Responder => "responder",
            Self::Planner => "planner",
            Self::Configurer => "configurer",
            Self::PolicyOwner => "policy_owner",
            Self::Auditor => "auditor",
            Self::National => "national",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.code() == s);
        found.ok_or_else(|| {
            let codes = Self::ALL.map(Self::code);
            format!("'{}' is not a role: write some of {}", s.escape_debug(), codes.join(", "))
        })
    }
}

impl Roles {
    /// Every role.
    pub const ALL: Self = Self(u8::MAX);

    /// Whether it holds a role.
    pub const fn has(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }
    /// Whether it holds one of several.
    pub fn any(self, of: &[Role]) -> bool {
        of.iter().any(|role| self.has(*role))
    }
    /// The roles in it.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | 1 << role as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
            assert!(Roles::ALL.has(role) && Roles::from_iter([role]).has(role) && !Roles::default().has(role));
        }
        assert!("Reporter".parse::<Role>().unwrap_err().contains("reporter, subscriber"));
    }
}
