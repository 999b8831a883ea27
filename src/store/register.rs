use bytes::Bytes;

use crate::domain::{SubjectName, Time};
use crate::store::{ContextRow, ContextWrite};

/// Kinds of register rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConfigKind {
    /// An organisation.
    Organisation,
    /// A ward.
    Ward,
    /// A cover group.
    CoverGroup,
}

/// A register row as stored, with its subject's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigRow {
    /// What it is.
    pub kind: ConfigKind,
    /// Its subject's name.
    pub name: SubjectName,
    /// Its subject's number.
    pub number: i64,
    /// Generation of the register that it was last written with.
    pub generation: i64,
    /// Encoded entry.
    pub payload: Bytes,
}

/// What of the register is newer than some generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The register's generation.
    pub generation: i64,
    /// Rows, by number.
    pub rows: Vec<ConfigRow>,
    /// Strikes and policies, every newer version, by name and then version.
    pub context: Vec<ContextRow>,
}

/// A register row to write; its subject is created with it when it is new.
#[derive(Clone, Debug)]
pub struct ConfigWrite {
    /// What it is.
    pub kind: ConfigKind,
    /// Its subject's name.
    pub name: SubjectName,
    /// Encoded entry.
    pub payload: Bytes,
    /// First state of its subject, used only when there is none yet.
    pub first: FirstState,
}

/// What a subject starts with.
#[derive(Clone, Debug, Default)]
pub struct FirstState {
    /// Hot bytes.
    pub hot: Bytes,
    /// Cold bytes.
    pub cold: Bytes,
    /// When the sweep first looks at it.
    pub next_check: Option<Time>,
}

/// A change of the register, of strikes or of policies: all of it or nothing.
#[derive(Clone, Debug)]
pub struct ConfigChange {
    /// The generation it was made from; another one is a conflict.
    pub base: i64,
    /// Rows to write. Existing subjects among them are touched: new etag, new generation, due now.
    /// An organisation stands before its wards and cover groups.
    pub rows: Vec<ConfigWrite>,
    /// Versions of strikes and policies to write.
    pub context: Vec<ContextWrite>,
    /// Further subjects to touch, by number: as many as it concerns.
    pub touched: Vec<i64>,
    /// Fresh 63-bit random number.
    pub tag: i64,
    /// The service's time.
    pub now: Time,
    /// Encoded audit entry.
    pub audit: Bytes,
}

/// What became of a change of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOutcome {
    /// Done; the register's generation is now this.
    Changed(i64),
    /// Someone else changed the register first.
    Conflict,
}

/// A subject's two rows.
#[derive(Clone, Debug)]
pub struct SubjectRow {
    /// Its number.
    pub number: i64,
    /// Number of its organisation's subject; its own for an organisation.
    pub organisation: i64,
    /// Its name.
    pub name: SubjectName,
    /// Tag of the commit that last wrote or touched it.
    pub etag: i64,
    /// Generation of the register that last touched it.
    pub generation: i64,
    /// When the sweep looks at it.
    pub next_check: Option<Time>,
    /// Written with each report.
    pub hot: Bytes,
    /// Written only when changed.
    pub cold: Bytes,
    /// What others read of it.
    pub summary: Bytes,
}

/// A subject's kind as stored.
pub(super) const fn subject_kind(name: &SubjectName) -> i32 {
    match name {
        SubjectName::Organisation(_) => 0,
        SubjectName::Ward(..) => 1,
        SubjectName::CoverGroup(..) => 2,
    }
}

impl ConfigKind {
    /// As stored.
    pub(super) const fn number(self) -> i32 {
        match self {
            Self::Organisation => 0,
            Self::Ward => 1,
            Self::CoverGroup => 2,
        }
    }
    /// From the store; none for what only a later version knows.
    pub(super) const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Organisation),
            1 => Some(Self::Ward),
            2 => Some(Self::CoverGroup),
            _ => None,
        }
    }
}
