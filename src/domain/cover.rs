use crate::domain::{OrganisationCode, ShiftName, Shifts, SiteCode, SubjectName, WardCode, WardState};

/// What a doctor can be relied on for (Royal College of Physicians).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Competent decision maker.
    One,
    /// Senior decision maker.
    Two,
    /// Expert.
    Three,
}

/// Grades of doctor, and of the professions that cover beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "documented value by value in report.proto")]
pub enum MedicalGrade {
    F1,
    F2,
    Core,
    Registrar,
    LocallyEmployed,
    Sas,
    Consultant,
    AdvancedClinicalPractitioner,
    PhysicianAssociate,
}

/// Doctors of one grade. Absent: not reported, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GradeCover {
    /// The grade.
    pub grade: MedicalGrade,
    /// Expected, had nobody been absent.
    pub expected: Option<u32>,
    /// At work.
    pub at_work: u32,
    /// On call, not on site; not part of `at_work`.
    pub on_call: Option<u32>,
    /// Of those at work, acting in tier 1: counted there and not in their own tier.
    pub acting_as_tier1: Option<u32>,
    /// Of those at work, acting in tier 2.
    pub acting_as_tier2: Option<u32>,
    /// Absent in industrial action. Special-category data about few people: no rule reads it, and it stands in no
    /// alert, event, log line or metric.
    pub absent_industrial_action: Option<u32>,
    /// Absent for another reason; the same holds for it.
    pub absent_other: Option<u32>,
}

/// The doctors of a cover group, each counted once: one entry a grade, in the order of the grades.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MedicalCover {
    /// One entry a grade, sorted by grade.
    pub grades: Vec<GradeCover>,
}

/// When a minimum holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CoverPeriod {
    /// By day and by night, where neither has a minimum of its own.
    AllDay,
    /// In the day shift.
    Day,
    /// In the night shift.
    Night,
}

/// Fewest doctors of a tier in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoverMinimum {
    /// The tier.
    pub tier: Tier,
    /// When.
    pub period: CoverPeriod,
    /// Fewest doctors at work.
    pub doctors: u32,
}

/// The modes of a strike in which a group has a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BaselineMode {
    /// As many as on Christmas Day.
    ChristmasDay,
    /// As many as on a night.
    NightDuty,
}

/// Doctors at work, of all tiers, whom a mode leaves in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoverBaseline {
    /// The mode.
    pub mode: BaselineMode,
    /// Doctors at work.
    pub doctors: u32,
}

/// A cover group's register entry: the doctors who cover some wards together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverGroup {
    /// Its organisation.
    pub organisation: OrganisationCode,
    /// Its code within it.
    pub code: WardCode,
    /// For people.
    pub display_name: String,
    /// Its site.
    pub site: Option<SiteCode>,
    /// Code of its specialty, such as main specialty 300; empty: not said.
    pub specialty: String,
    /// The wards it covers, sorted. None, on the group `ALL`: every ward of the organisation.
    pub wards: Vec<WardCode>,
    /// Its minima, sorted; at most one for each tier and period.
    pub minima: Vec<CoverMinimum>,
    /// Whether consultants on call count where a senior doctor must be there.
    pub tier3_on_call_counts: bool,
    /// Its baselines, sorted; at most one for each mode.
    pub baselines: Vec<CoverBaseline>,
    /// Its own shifts, which leave no gap. None: those of its organisation.
    pub shifts: Option<Shifts>,
    /// Open or closed; a closed group is not in force.
    pub state: WardState,
    /// True: nobody registered it; it stands for the organisation until a group is registered.
    pub implicit: bool,
}

impl MedicalGrade {
    /// Every grade, in order.
    pub const ALL: [Self; 9] = [
        Self::F1,
        Self::F2,
        Self::Core,
        Self::Registrar,
        Self::LocallyEmployed,
        Self::Sas,
        Self::Consultant,
        Self::AdvancedClinicalPractitioner,
        Self::PhysicianAssociate,
    ];

    /// Its own tier; none for the professions beside the doctors.
    pub const fn tier(self) -> Option<Tier> {
        match self {
            Self::F1 | Self::F2 | Self::Core => Some(Tier::One),
            Self::Registrar | Self::LocallyEmployed | Self::Sas => Some(Tier::Two),
            Self::Consultant => Some(Tier::Three),
            Self::AdvancedClinicalPractitioner | Self::PhysicianAssociate => None,
        }
    }
}

impl Tier {
    /// Every tier, in order.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Three];

    /// 1, 2 or 3.
    pub const fn number(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }
}

impl From<ShiftName> for CoverPeriod {
    fn from(shift: ShiftName) -> Self {
        match shift {
            ShiftName::Day => Self::Day,
            ShiftName::Night => Self::Night,
        }
    }
}

impl GradeCover {
    /// Of those at work, the ones that act in another tier than their own.
    fn acting(&self) -> u32 {
        self.acting_as_tier1.unwrap_or(0) + self.acting_as_tier2.unwrap_or(0)
    }
    /// Of those at work, the ones that act in `tier`.
    fn acting_in(&self, tier: Tier) -> u32 {
        match tier {
            Tier::One => self.acting_as_tier1.unwrap_or(0),
            Tier::Two => self.acting_as_tier2.unwrap_or(0),
            Tier::Three => 0,
        }
    }
    /// How many of this grade count in `tier`.
    fn counting_in(&self, tier: Tier) -> u32 {
        let own = if self.grade.tier() == Some(tier) { self.at_work.saturating_sub(self.acting()) } else { 0 };
        own + self.acting_in(tier)
    }
}

impl MedicalCover {
    /// Of entries of different grades, in any order.
    pub fn new(mut grades: Vec<GradeCover>) -> Self {
        grades.sort_by_key(|g| g.grade);
        Self { grades }
    }
    /// Doctors at work in a tier, each counted once, where they act. None: not reported, because none of the tier's
    /// grades is listed and nobody acts in it.
    pub fn tier_count(&self, tier: Tier) -> Option<u32> {
        let reported = |g: &GradeCover| g.grade.tier() == Some(tier) || g.acting_in(tier) > 0;
        self.grades.iter().any(reported).then(|| self.grades.iter().map(|g| g.counting_in(tier)).sum())
    }
    /// Doctors who act in a tier below their own.
    pub fn acting_down(&self) -> u32 {
        let down = |g: &GradeCover, tier| if g.grade.tier() > Some(tier) { g.acting_in(tier) } else { 0 };
        self.grades.iter().map(|g| down(g, Tier::One) + down(g, Tier::Two)).sum()
    }
    /// Doctors at work in all: those of every grade that has a tier of its own. None: no such grade was reported.
    pub fn at_work_all(&self) -> Option<u32> {
        let doctors = self.grades.iter().filter(|g| g.grade.tier().is_some()).map(|g| g.at_work);
        doctors.reduce(|sum, n| sum + n)
    }
    /// Consultants on call, not on site. None: not reported.
    pub fn consultants_on_call(&self) -> Option<u32> {
        self.grades.iter().find(|g| g.grade == MedicalGrade::Consultant)?.on_call
    }
}

impl CoverGroup {
    /// The group that stands for a whole organisation until one is registered: every ward, no minima.
    pub fn implicit_all(organisation: OrganisationCode) -> Self {
        Self {
            organisation,
            code: WardCode::all(),
            display_name: WardCode::all().to_string(),
            site: None,
            specialty: String::new(),
            wards: Vec::new(),
            minima: Vec::new(),
            tier3_on_call_counts: false,
            baselines: Vec::new(),
            shifts: None,
            state: WardState::Open,
            implicit: true,
        }
    }
    /// Its name.
    pub fn name(&self) -> SubjectName {
        SubjectName::CoverGroup(self.organisation.clone(), self.code.clone())
    }
    /// Whether it covers every ward of its organisation, also those registered later.
    pub fn covers_all(&self) -> bool {
        self.wards.is_empty() && self.code == WardCode::all()
    }
    /// Whether it covers a ward of its organisation.
    pub fn covers(&self, ward: &WardCode) -> bool {
        self.covers_all() || self.wards.binary_search(ward).is_ok()
    }
    /// Fewest doctors of a tier in a shift; a minimum of the shift's own wins over one for all day.
    pub fn minimum(&self, tier: Tier, shift: ShiftName) -> Option<u32> {
        let of = |period| self.minima.iter().find(|m| (m.tier, m.period) == (tier, period)).map(|m| m.doctors);
        of(shift.into()).or_else(|| of(CoverPeriod::AllDay))
    }
    /// Doctors at work whom a mode leaves in place.
    pub fn baseline(&self, mode: BaselineMode) -> Option<u32> {
        self.baselines.iter().find(|b| b.mode == mode).map(|b| b.doctors)
    }
    /// Whether it is judged and takes reports. `registered`: the organisation has an open group that someone registered.
    pub fn in_force(&self, registered: bool) -> bool {
        self.state == WardState::Open && !(self.implicit && registered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_work(grade: MedicalGrade, at_work: u32) -> GradeCover {
        GradeCover {
            grade,
            expected: None,
            at_work,
            on_call: None,
            acting_as_tier1: None,
            acting_as_tier2: None,
            absent_industrial_action: None,
            absent_other: None,
        }
    }

    fn tiers(cover: &MedicalCover) -> [Option<u32>; 3] {
        Tier::ALL.map(|t| cover.tier_count(t))
    }

    #[test]
    fn a_consultant_acting_down_is_counted_once_and_where_she_acts() {
        let consultants =
            GradeCover { acting_as_tier1: Some(1), acting_as_tier2: Some(2), ..at_work(MedicalGrade::Consultant, 4) };
        let cover = MedicalCover::new(vec![consultants]);
        assert_eq!(tiers(&cover), [Some(1), Some(2), Some(1)]);
        assert_eq!((cover.acting_down(), cover.at_work_all()), (3, Some(4)));
    }

    #[test]
    fn a_tier_nobody_spoke_of_is_not_reported_and_not_zero() {
        let nobody = GradeCover { acting_as_tier2: Some(0), ..at_work(MedicalGrade::F1, 0) };
        let cover = MedicalCover::new(vec![nobody]);
        assert_eq!(tiers(&cover), [Some(0), None, None]);
    }

    #[test]
    fn professions_beside_the_doctors_count_in_a_tier_only_when_they_act_in_it() {
        use MedicalGrade::{AdvancedClinicalPractitioner, PhysicianAssociate};
        let acting = GradeCover { acting_as_tier1: Some(1), ..at_work(AdvancedClinicalPractitioner, 3) };
        let cover = MedicalCover::new(vec![at_work(PhysicianAssociate, 2), acting]);
        assert_eq!(tiers(&cover), [Some(1), None, None]);
        assert_eq!((cover.acting_down(), cover.at_work_all()), (0, None));
    }

    #[test]
    fn a_registrar_acting_in_tier_two_stays_there_and_does_not_act_down() {
        let registrars =
            GradeCover { acting_as_tier1: Some(1), acting_as_tier2: Some(1), ..at_work(MedicalGrade::Registrar, 3) };
        let cover = MedicalCover::new(vec![registrars, at_work(MedicalGrade::F2, 1)]);
        assert_eq!(tiers(&cover), [Some(2), Some(2), None]);
        assert_eq!(cover.acting_down(), 1);
        assert_eq!(cover.grades.first().map(|g| g.grade), Some(MedicalGrade::F2), "sorted by grade");
    }

    #[test]
    fn a_minimum_of_the_night_wins_over_one_for_all_day() -> Result<(), Box<dyn std::error::Error>> {
        use CoverPeriod::{AllDay, Night};
        let shifts = [ShiftName::Day, ShiftName::Night];
        let minimum = |tier, period, doctors| CoverMinimum { tier, period, doctors };
        let group = CoverGroup {
            minima: vec![minimum(Tier::One, AllDay, 3), minimum(Tier::One, Night, 1), minimum(Tier::Two, Night, 0)],
            ..CoverGroup::implicit_all("RJ1".parse()?)
        };
        assert_eq!(shifts.map(|p| group.minimum(Tier::One, p)), [Some(3), Some(1)]);
        assert_eq!(shifts.map(|p| group.minimum(Tier::Two, p)), [None, Some(0)]);
        assert_eq!(group.minimum(Tier::Three, ShiftName::Day), None, "no minimum is not a minimum of zero");
        Ok(())
    }

    #[test]
    fn all_stands_for_every_ward_until_a_group_is_registered() -> Result<(), Box<dyn std::error::Error>> {
        let all = CoverGroup::implicit_all("RJ1".parse()?);
        assert!(all.covers(&"A7".parse()?) && all.in_force(false) && !all.in_force(true));
        let named = CoverGroup { wards: vec!["A1".parse()?], implicit: false, ..all.clone() };
        assert!(named.covers(&"A1".parse()?) && !named.covers(&"A7".parse()?), "ALL with a list covers its list");
        assert!(named.in_force(true));
        let closed = CoverGroup { state: WardState::Closed, ..named };
        assert!(!closed.in_force(true));
        Ok(())
    }
}
