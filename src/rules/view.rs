use crate::domain::{
    BlockKind, Blocks, Current, LevelsOfCare, Nursing, Patients, Period, Policy, SubjectState, Time, WardFacts,
    WardKind,
};
use crate::rules::due::overdue_time;
use crate::rules::inputs::Inputs;
use crate::rules::switches;
use crate::rules::verdict::Why;

/// A ward's blocks, read together at one instant: its current ones, or those planned for a period.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What the register says.
    pub facts: &'a WardFacts,
    /// The policy in force.
    pub policy: &'a Policy,
    /// What was reported.
    pub blocks: &'a Blocks,
    /// When the ward was registered.
    pub registered: Time,
    /// Now.
    pub now: Time,
    /// Present: what was reported is a plan for it.
    pub plan: Option<Period>,
}

/// Registered nurses as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nurses {
    /// At least so many.
    pub count: u32,
    /// False: midwives count here and were not reported, so there may be more.
    pub complete: bool,
}

impl Inputs for View<'_> {
    fn blocks(&self) -> &Blocks {
        self.blocks
    }
    fn now(&self) -> Time {
        self.now
    }
    fn overdue_time(&self, kind: BlockKind, since: Time) -> Option<Time> {
        // A plan does not age: it holds until its period is over.
        if self.plan.is_some() { None } else { overdue_time(self.facts, self.policy, kind, since) }
    }
}

impl<'a> View<'a> {
    /// A ward's current figures.
    pub fn of(facts: &'a WardFacts, policy: &'a Policy, state: &'a SubjectState, now: Time) -> Self {
        Self { facts, policy, blocks: &state.blocks, registered: state.registered, now, plan: None }
    }
    /// Patients, unless never reported or overdue. Nurses planned without patients are judged at the funded beds.
    pub fn patients(&self) -> Result<Patients, Why> {
        match (self.plan, &self.blocks.patients, self.funded_beds()) {
            (Some(_), None, Some(bedded)) => Ok(Patients { bedded, ..Patients::default() }),
            (_, patients, _) => self.ageing(BlockKind::Patients, patients.as_ref()).copied(),
        }
    }
    /// Levels of care, likewise.
    pub fn levels(&self) -> Result<&'a LevelsOfCare, Why> {
        self.ageing(BlockKind::LevelsOfCare, self.blocks.levels_of_care.as_ref())
    }
    /// Nursing, likewise.
    pub fn nursing(&self) -> Result<&'a Nursing, Why> {
        self.ageing(BlockKind::Nursing, self.blocks.nursing.as_ref())
    }

    fn ageing<B>(&self, kind: BlockKind, current: Option<&'a Current<B>>) -> Result<&'a B, Why> {
        let current = current.ok_or(Why::NeverReported(kind))?;
        if self.overdue(kind, current.key.observed) { Err(Why::Overdue(kind)) } else { Ok(&current.body) }
    }

    /// The beds that stand for patients in a plan that has nurses only.
    pub fn funded_beds(&self) -> Option<u32> {
        let nurses_only = self.plan.is_some() && self.blocks.patients.is_none() && self.blocks.nursing.is_some();
        self.facts.ward.beds.filter(|_| nurses_only)
    }

    /// Who counts: registered nurses, and on labour and maternity wards registered midwives beside them
    /// (domain.md section 3).
    pub fn nurses(&self, nursing: &Nursing) -> Nurses {
        let nurses = nursing.registered_nurses;
        if !matches!(self.facts.ward.kind, WardKind::Labour | WardKind::Maternity) {
            return Nurses { count: nurses, complete: true };
        }
        let midwives = nursing.registered_midwives;
        Nurses { count: nurses + midwives.unwrap_or(0), complete: midwives.is_some() }
    }

    /// Known to have no patients: no staffing rule fires.
    pub fn is_empty(&self) -> bool {
        self.patients().is_ok_and(|p| p.total() == 0)
    }

    /// As [`Self::is_empty`], for rules that do not read the patients otherwise: a ward whose last count was none and is
    /// overdue is neither empty nor occupied, so that silence alone raises nothing on it.
    pub fn emptied(&self) -> Result<bool, Why> {
        let none = self.blocks.patients.as_ref().is_some_and(|c| c.body.total() == 0);
        if none { self.patients().map(|_| true) } else { Ok(false) }
    }

    /// Whether a rule is on here.
    pub fn is_on(&self, rule: &str) -> bool {
        switches::is_on(self.policy, &self.facts.ward.enabled_rules, rule)
    }

    /// The instant that limits by day and by night are read at.
    pub fn at(&self, kinds: &[BlockKind]) -> Time {
        self.plan.map_or_else(|| self.newest(kinds), |period| period.start)
    }

    /// When figures are true, as messages end: "Observed 10:52." or "Planned 27 Apr 08:00-17:00."
    pub fn when(&self, kinds: &[BlockKind]) -> String {
        match self.plan {
            Some(period) => format!("Planned {}.", period.local(&self.facts.organisation.zone)),
            None => format!("Observed {}.", self.clock(self.newest(kinds))),
        }
    }

    /// Patients in words, for messages; those that funded beds stand for are said to be so.
    pub fn counted(&self, patients: i64) -> String {
        let beds = if self.funded_beds().is_some() { " (its funded beds)" } else { "" };
        format!("{patients} patients{beds}")
    }

    /// Local hours and minutes, for messages.
    pub fn clock(&self, at: Time) -> String {
        at.local_hhmm(&self.facts.organisation.zone)
    }
}
