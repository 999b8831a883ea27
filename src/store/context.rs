use bytes::Bytes;

use crate::domain::Time;

/// Kinds of context that are kept version by version, beside the register's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContextKind {
    /// A strike.
    Strike,
    /// A policy.
    Policy,
}

/// A version of a strike or a policy as stored. Versions are never changed nor removed, and retention leaves them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextRow {
    /// What it is.
    pub kind: ContextKind,
    /// Its name, such as `strikes/bma-2016-04-26`.
    pub name: String,
    /// Its version; the greatest is in force.
    pub version: i64,
    /// Generation of the register that it was written with.
    pub generation: i64,
    /// The service's time when it was written.
    pub recorded: Time,
    /// Encoded strike or policy.
    pub payload: Bytes,
}

/// A version of a strike or a policy to write. One that is there already is refused, never overwritten.
#[derive(Clone, Debug)]
pub struct ContextWrite {
    /// What it is.
    pub kind: ContextKind,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: i64,
    /// Encoded strike or policy.
    pub payload: Bytes,
}

impl ContextKind {
    /// As stored.
    pub(super) const fn number(self) -> i32 {
        match self {
            Self::Strike => 0,
            Self::Policy => 1,
        }
    }
    /// From the store; none for what only a later version knows.
    pub(super) const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Strike),
            1 => Some(Self::Policy),
            _ => None,
        }
    }
}
