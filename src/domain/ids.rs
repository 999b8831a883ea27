use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::{Time, shown};

/// Text that is not the identifier it should be: what it is, and the form it should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{value}' is not {expected}")]
pub struct InvalidId {
    /// The text.
    pub value: String,
    /// What it should have been.
    pub expected: &'static str,
}

impl InvalidId {
    /// As much of the text as is repeated, in characters.
    pub(super) const MOST: usize = 120;
}

fn ods_char(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit()
}

fn code_char(b: u8) -> bool {
    ods_char(b) || matches!(b, b'.' | b'_' | b'-')
}

/// What tells one kind of code from another: its length, its letters, and how to say so.
pub trait CodeKind {
    /// Fewest and most characters.
    const LENGTH: RangeInclusive<usize>;
    /// The form, for the error.
    const EXPECTED: &'static str;
    /// Whether a byte may stand in it.
    fn allows(byte: u8) -> bool;
}

/// A short upper-case code of one kind; parsing is the only way to make one. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code<K>(Arc<str>, PhantomData<K>);

/// Marks codes of organisations and sites.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ods {}
/// Marks codes of wards and cover groups.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Local {}
/// Marks codes of sending systems.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {}

/// ODS code of an organisation, such as `RJ1`.
pub type OrganisationCode = Code<Ods>;
/// ODS code of a site, such as `RJ121`, or of a region, such as `Y56`.
pub type SiteCode = Code<Ods>;
/// Code of a ward or cover group within its organisation; must not reveal a diagnosis.
pub type WardCode = Code<Local>;
/// Code of a sending system, such as `BEDS`.
pub type SourceCode = Code<System>;

impl CodeKind for Ods {
    const LENGTH: RangeInclusive<usize> = 3..=10;
    const EXPECTED: &'static str = "an ODS code (3-10 upper-case letters and digits)";
    fn allows(byte: u8) -> bool {
        ods_char(byte)
    }
}

impl CodeKind for Local {
    const LENGTH: RangeInclusive<usize> = 1..=12;
    const EXPECTED: &'static str = "a ward code (1-12 of A-Z 0-9 . _ -)";
    fn allows(byte: u8) -> bool {
        code_char(byte)
    }
}

impl CodeKind for System {
    const LENGTH: RangeInclusive<usize> = 1..=32;
    const EXPECTED: &'static str = "a source code (1-32 of A-Z 0-9 . _ -)";
    fn allows(byte: u8) -> bool {
        code_char(byte)
    }
}

impl<K> Code<K> {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl WardCode {
    /// `ALL`: the cover group that stands for a whole organisation until one is registered.
    pub fn all() -> Self {
        Self("ALL".into(), PhantomData)
    }
}

impl<K: CodeKind> FromStr for Code<K> {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        if K::LENGTH.contains(&s.len()) && s.bytes().all(K::allows) {
            Ok(Self(s.into(), PhantomData))
        } else {
            Err(InvalidId { value: shown(s, InvalidId::MOST), expected: K::EXPECTED })
        }
    }
}

impl<K> fmt::Display for Code<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A subject: what a report or an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectName {
    /// The organisation itself: rules that read all its wards.
    Organisation(OrganisationCode),
    /// A ward.
    Ward(OrganisationCode, WardCode),
    /// A cover group of doctors.
    CoverGroup(OrganisationCode, WardCode),
}

impl SubjectName {
    /// The organisation it belongs to.
    pub fn organisation(&self) -> &OrganisationCode {
        match self {
            Self::Organisation(o) | Self::Ward(o, _) | Self::CoverGroup(o, _) => o,
        }
    }
    /// The ward's code, if it is a ward.
    pub fn ward_code(&self) -> Option<&WardCode> {
        match self {
            Self::Ward(_, code) => Some(code),
            Self::Organisation(_) | Self::CoverGroup(..) => None,
        }
    }
    /// Its own code: what people call it.
    pub fn code(&self) -> &str {
        match self {
            Self::Organisation(o) => o.as_str(),
            Self::Ward(_, c) | Self::CoverGroup(_, c) => c.as_str(),
        }
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organisation(o) => write!(f, "organisations/{o}"),
            Self::Ward(o, w) => write!(f, "organisations/{o}/wards/{w}"),
            Self::CoverGroup(o, g) => write!(f, "organisations/{o}/coverGroups/{g}"),
        }
    }
}

impl FromStr for SubjectName {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        let mut parts = s.split('/');
        let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
        match parts {
            [Some("organisations"), Some(o), None, ..] => Ok(Self::Organisation(o.parse()?)),
            [Some("organisations"), Some(o), Some("wards"), Some(w), None] => Ok(Self::Ward(o.parse()?, w.parse()?)),
            [Some("organisations"), Some(o), Some("coverGroups"), Some(g), None] => {
                Ok(Self::CoverGroup(o.parse()?, g.parse()?))
            }
            _ => Err(InvalidId {
                value: shown(s, InvalidId::MOST),
                expected: "a resource name such as organisations/RJ1/wards/A1",
            }),
        }
    }
}

/// A report's id: chosen by its sender, a name within its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportId(pub Uuid);

impl ReportId {
    /// 64 bits that tell ids apart: the two halves folded, so that the random half of a UUIDv7 counts.
    pub fn fold(self) -> u64 {
        let (high, low) = self.0.as_u64_pair();
        high ^ low
    }
}

impl fmt::Display for ReportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ReportId {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        Uuid::try_parse(s).map(Self).map_err(|_| InvalidId {
            value: shown(s, InvalidId::MOST),
            expected: "a UUID such as 018f2b6e-7c1a-7d3e-9b52-3f6c1d2e4a5b",
        })
    }
}

/// What names a stored report: its subject, observed time and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportKey {
    /// The subject.
    pub subject: SubjectName,
    /// When its facts were true.
    pub observed: Time,
    /// Its id.
    pub id: ReportId,
}

impl fmt::Display for ReportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/reports/{}-{}", self.subject, self.observed.as_micros(), self.id)
    }
}

impl FromStr for ReportKey {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId {
            value: shown(s, InvalidId::MOST),
            expected: "a report's name: organisations/{ods}/wards/{ward}/reports/{observed microseconds}-{report_id}",
        };
        let (subject, key) = s.split_once("/reports/").ok_or_else(invalid)?;
        let (micros, id) = key.split_once('-').ok_or_else(invalid)?;
        let observed = Time::from_micros(micros.parse().map_err(|_| invalid())?);
        Ok(Self { subject: subject.parse()?, observed, id: id.parse()? })
    }
}

/// An alert's id: a pure function of what the episode is, so that two replicas that raise it agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(pub Uuid);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alerts/{}", self.0)
    }
}

impl FromStr for AlertId {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        s.strip_prefix("alerts/")
            .and_then(|id| Uuid::try_parse(id).ok())
            .map(Self)
            .ok_or_else(|| InvalidId { value: shown(s, InvalidId::MOST), expected: "an alert's name: alerts/{uuid}" })
    }
}
