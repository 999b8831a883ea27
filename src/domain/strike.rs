use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::domain::{
    CivilTime, Code, CodeKind, InvalidId, Organisation, OrganisationCode, SiteCode, SubjectName, Tier, Time, Zone,
    shown,
};

/// Marks codes of unions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unions {}

/// Code of a union, such as `BMA`.
pub type UnionCode = Code<Unions>;

impl CodeKind for Unions {
    const LENGTH: std::ops::RangeInclusive<usize> = 2..=16;
    const EXPECTED: &'static str = "a union's code (2-16 upper-case letters and digits)";
    fn allows(byte: u8) -> bool {
        byte.is_ascii_uppercase() || byte.is_ascii_digit()
    }
}

/// A strike's id: 1-40 lower-case letters, digits and hyphens. Displayed and parsed as its resource name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StrikeId(Arc<str>);

impl StrikeId {
    /// Longest id.
    pub const LONGEST: usize = 40;

    /// From the id alone, `bma-2016-04-26`.
    ///
    /// # Errors
    /// When it has other characters or another length.
    pub fn from_id(id: &str) -> Result<Self, InvalidId> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=Self::LONGEST).contains(&id.len()) && id.bytes().all(allowed) {
            return Ok(Self(id.into()));
        }
        let value = shown(id, InvalidId::MOST);
        Err(InvalidId { value, expected: "a strike's id (1-40 of a-z 0-9 -)" })
    }
    /// The id alone.
    pub fn id(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StrikeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "strikes/{}", self.0)
    }
}

impl FromStr for StrikeId {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        let expected = "a strike's name: strikes/{id}, the id 1-40 of a-z 0-9 -";
        let invalid = || InvalidId { value: shown(s, InvalidId::MOST), expected };
        let id = s.strip_prefix("strikes/").ok_or_else(invalid)?;
        Self::from_id(id).map_err(|_| invalid())
    }
}

/// Who is called out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StaffGroup {
    /// Resident doctors, until September 2024 called junior doctors.
    ResidentDoctors,
    /// Consultants.
    Consultants,
    /// Specialist, associate specialist and specialty doctors.
    SasDoctors,
    /// Doctors of every grade.
    AllDoctors,
    /// Nurses.
    Nurses,
}

impl StaffGroup {
    /// Whether the rules of medical cover react to it.
    pub const fn is_doctors(self) -> bool {
        !matches!(self, Self::Nurses)
    }
    /// For people: "resident doctors".
    pub const fn words(self) -> &'static str {
        match self {
            Self::ResidentDoctors => "resident doctors",
            Self::Consultants => "consultants",
            Self::SasDoctors => "SAS doctors",
            Self::AllDoctors => "all doctors",
            Self::Nurses => "nurses",
        }
    }
}

/// What those called out still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StrikeMode {
    /// Nothing: no emergency cover either.
    FullWithdrawal,
    /// Emergency care.
    EmergencyCareOnly,
    /// What is staffed on Christmas Day.
    ChristmasDayCover,
    /// What is staffed at night.
    NightDutyCover,
    /// They work, but not beyond contract.
    ActionShortOfStrike,
}

/// What is asked of planned work meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ElectivePolicy {
    /// All of it is stood down.
    EmergencyOnly,
    /// Urgent and cancer treatment goes on.
    UrgentAndCancer,
    /// It is kept up; since 2025 95 % of plan is expected.
    Maintain,
}

/// Which work a window strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribution {
    /// What lies inside the window, by the clock.
    #[default]
    Clock,
    /// Shifts begun inside it, whole; whoever is on shift when it opens finishes.
    ShiftStart,
}

/// Why a strike, or a window of it, does not take place as announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallOffReason {
    /// Suspended by the union, for talks.
    Suspended,
    /// Withdrawn by the union.
    Withdrawn,
    /// The dispute is settled.
    Settled,
    /// A court shortened or forbade it.
    CourtOrder,
}

/// Whose staff is called out: one of three ways to say it, never a mixture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// These employers.
    Organisations(BTreeSet<OrganisationCode>),
    /// All employers of these regions.
    Regions(BTreeSet<SiteCode>),
    /// All employers of England, that is all that are registered.
    England,
}

impl Scope {
    /// Whether an organisation's staff is called out.
    pub fn covers(&self, organisation: &Organisation) -> bool {
        match self {
            Self::Organisations(codes) => codes.contains(&organisation.code),
            Self::Regions(regions) => organisation.region.as_ref().is_some_and(|r| regions.contains(r)),
            Self::England => true,
        }
    }
}

/// A time for which staff is called out: half-open, civil times resolved to instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its number within the strike, from 1; kept for ever.
    pub id: u32,
    /// When it opens, in the strike's zone.
    pub start_local: CivilTime,
    /// When it closes.
    pub end_local: CivilTime,
    /// When it opens.
    pub start: Time,
    /// The first instant after it.
    pub end: Time,
    /// Why it does not take place, if so.
    pub called_off: Option<CallOffReason>,
}

/// How far a derogation got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DerogationState {
    /// The employer asked.
    Requested,
    /// The union agreed.
    Granted,
    /// It did not.
    Refused,
    /// What was agreed no longer holds.
    Withdrawn,
}

/// A number of doctors that the union lets return to a cover group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Derogation {
    /// The cover group.
    pub group: SubjectName,
    /// The tier in which they work.
    pub tier: Tier,
    /// From when it holds.
    pub effective: Time,
    /// How many.
    pub number: u32,
    /// How far it got.
    pub state: DerogationState,
}

/// A strike at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strike {
    /// Its id.
    pub id: StrikeId,
    /// The union that calls it.
    pub union: UnionCode,
    /// Who is called out.
    pub staff_group: StaffGroup,
    /// What they still do.
    pub mode: StrikeMode,
    /// What is asked of planned work.
    pub elective: ElectivePolicy,
    /// Whose staff.
    pub scope: Scope,
    /// Zone of its civil times.
    pub zone: Zone,
    /// Which work its windows strike.
    pub attribution: Attribution,
    /// Its windows by start, those called off among them; they do not overlap.
    pub windows: Vec<Window>,
    /// Its derogations by group, tier and effective time.
    pub derogations: Vec<Derogation>,
    /// Counts its changes from 1.
    pub version: i64,
    /// The reason given with the last change: how alerts end that it makes untrue.
    pub changed_by: Option<CallOffReason>,
    /// When this version was recorded.
    pub changed: Time,
}

impl Strike {
    /// Windows that take place, by start.
    pub fn planned(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter().filter(|w| w.called_off.is_none())
    }
    /// How many doctors the union lets return to a tier of a group at an instant. Asking for more or being refused
    /// leaves what was granted before.
    pub fn granted(&self, group: &SubjectName, tier: Tier, now: Time) -> Option<u32> {
        let decided = |d: &&Derogation| matches!(d.state, DerogationState::Granted | DerogationState::Withdrawn);
        let of = self.derogations.iter().filter(|d| d.group == *group && d.tier == tier && d.effective <= now);
        let last = of.filter(decided).max_by_key(|d| d.effective)?;
        (last.state == DerogationState::Granted).then_some(last.number)
    }
}
