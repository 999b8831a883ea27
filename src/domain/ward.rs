use std::collections::BTreeMap;

use crate::domain::{OrganisationCode, SiteCode, WardCode, Zone};

/// What a ward is for; decides which limit or formula applies when the ward sets none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WardKind {
    /// 8 patients per registered nurse (NICE SG1, Safe Staffing Alliance).
    AdultInpatient,
    /// 6 (Society for Acute Medicine).
    AcuteMedical,
    /// GPICS.
    IntensiveCare,
    /// GPICS.
    PaediatricIntensiveCare,
    /// BAPM.
    Neonatal,
    /// RCN 2013.
    Paediatric,
    /// NICE NG4.
    Labour,
    /// RCN/RCEM, NICE draft 2015.
    Emergency,
    /// No default limit; midwives count.
    Maternity,
    /// No default limit.
    MentalHealth,
    /// No default limit.
    Community,
    /// No default limit.
    DayUnit,
    /// No default limit.
    Other,
}

/// Whether a ward takes patients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WardState {
    /// It does.
    #[default]
    Open,
    /// It does not: its reports are rejected and its alerts end.
    Closed,
}

/// Why a ward's minimum of registered nurses is not 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinimumReason {
    /// A unit of up to 4 beds.
    SmallUnit,
    /// Local agreement.
    LocalAgreement,
}

/// Patients per registered nurse in hundredths: 800 is 8.00. Integers only, so that a threshold is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limit(pub u32);

impl Limit {
    /// From whole patients per nurse.
    pub const fn whole(patients: u32) -> Self {
        Self(patients * 100)
    }
}

impl std::fmt::Display for Limit {
    /// "8", "6.5", "9.75": no trailing zeros.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{}", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02}"),
        }
    }
}

/// An NHS organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its ODS code.
    pub code: OrganisationCode,
    /// For people.
    pub display_name: String,
    /// ODS code of its region.
    pub region: Option<SiteCode>,
    /// Name of its region.
    pub region_name: String,
    /// ODS code of its integrated care board.
    pub icb: Option<SiteCode>,
    /// Zone of its civil times.
    pub zone: Zone,
}

/// A ward's register entry. What it sets wins over the default of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ward {
    /// Its organisation.
    pub organisation: OrganisationCode,
    /// Its code within it.
    pub code: WardCode,
    /// For people.
    pub display_name: String,
    /// What it is for.
    pub kind: WardKind,
    /// Its site.
    pub site: Option<SiteCode>,
    /// Funded beds, if known.
    pub beds: Option<u32>,
    /// Its own limit, in steps of 0.1.
    pub limit: Option<Limit>,
    /// Its own limit by night.
    pub night_limit: Option<Limit>,
    /// Its own severe limit.
    pub severe_limit: Option<Limit>,
    /// Its own minimum of registered nurses.
    pub minimum: Option<u32>,
    /// Why that differs from 2.
    pub minimum_reason: Option<MinimumReason>,
    /// Registered nurses on a night duty: its baseline while nurses strike. None: it has none.
    pub night_duty_registered_nurses: Option<u32>,
    /// Minutes between reports.
    pub report_every_minutes: Option<u16>,
    /// Census times, minutes since local midnight, ascending.
    pub census_times: Vec<u16>,
    /// Open or closed.
    pub state: WardState,
    /// Codes of other systems for it, by system.
    pub identifiers: BTreeMap<String, String>,
    /// Rules switched on for it that are off by default.
    pub enabled_rules: Vec<String>,
}
