use crate::domain::{
    BaselineMode, BlockKind, Blocks, GroupFacts, MedicalCover, Period, Policy, Shifts, StrikeId, StrikeMode, Tier, Time,
};
use crate::rules::inputs::Inputs;
use crate::rules::verdict::Why;
use crate::rules::windows::{self, Struck};

/// A cover group's doctors at one instant, at work or planned, and the strikes that concern them.
#[derive(Clone, Copy, Debug)]
pub struct CoverView<'a> {
    /// What the register says.
    pub facts: &'a GroupFacts,
    /// The policy in force.
    pub policy: &'a Policy,
    /// What was reported.
    pub blocks: &'a Blocks,
    /// Intervals in which doctors' work is struck, by start.
    pub struck: &'a [Struck],
    /// Now.
    pub now: Time,
    /// Present: what was reported is a plan for it.
    pub plan: Option<Period>,
}

/// One strike's demands on a group at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The strike.
    pub strike: StrikeId,
    /// What its members still do.
    pub mode: StrikeMode,
    /// Instants at which the minima are read: one for each shift that the time touches.
    pub at: Vec<Time>,
}

/// A group's shifts: its own, or the policy's.
pub fn shifts(facts: &GroupFacts, policy: &Policy) -> Shifts {
    facts.group.shifts.clone().unwrap_or_else(|| policy.shifts.clone())
}

/// Intervals in which the work of a group's doctors is struck.
pub fn struck(facts: &GroupFacts, policy: &Policy) -> Vec<Struck> {
    windows::struck(&facts.context.strikes, true, &shifts(facts, policy), &facts.organisation.zone)
}

/// When a group's medical cover observed at `observed` falls overdue; none when no strike will ask for it again.
pub fn cover_overdue_time(facts: &GroupFacts, observed: Time, now: Time) -> Option<Time> {
    let policy = facts.context.policy(now);
    let (struck, blocks) = (struck(facts, &policy), Blocks::default());
    let view = CoverView { facts, policy: &policy, blocks: &blocks, struck: &struck, now, plan: None };
    view.overdue_time(BlockKind::MedicalCover, observed)
}

impl Inputs for CoverView<'_> {
    fn blocks(&self) -> &Blocks {
        self.blocks
    }
    fn now(&self) -> Time {
        self.now
    }
    /// Medical cover ages only inside strikes: it is due when a window opens and at the return times inside, and overdue
    /// an hour later (domain.md sections 4 and 7).
    fn overdue_time(&self, kind: BlockKind, since: Time) -> Option<Time> {
        if kind != BlockKind::MedicalCover || self.plan.is_some() {
            return None;
        }
        let (minutes, zone) = (&self.policy.cover_return_times, &self.facts.organisation.zone);
        let due = windows::next_return(windows::from_now(self.struck, self.now), since, minutes, zone)?;
        Some(due + self.policy.cover_return_grace)
    }
}

impl<'a> CoverView<'a> {
    /// The doctors, unless never reported or overdue.
    pub fn cover(&self) -> Result<&'a MedicalCover, Why> {
        let kind = BlockKind::MedicalCover;
        let current = self.blocks.medical_cover.as_ref().ok_or(Why::NeverReported(kind))?;
        if self.overdue(kind, current.key.observed) { Err(Why::Overdue(kind)) } else { Ok(&current.body) }
    }

    /// What strikes ask of the group: now, or of a plan in its period.
    pub fn demands(&self) -> Vec<Demand> {
        let period = self.plan.or_else(|| Period::new(self.now, self.now + crate::domain::Span::micros(1)));
        let Some(period) = period else { return Vec::new() };
        let shared = |s: &'a Struck| Some((s, Period::new(s.start, s.end)?.overlap(period)?));
        self.struck
            .iter()
            .filter_map(shared)
            .map(|(s, shared)| Demand { strike: s.strike.clone(), mode: s.mode, at: self.instants(shared) })
            .collect()
    }

    /// One instant of each shift that a period touches.
    fn instants(&self, period: Period) -> Vec<Time> {
        let (shifts, zone) = (shifts(self.facts, self.policy), &self.facts.organisation.zone);
        shifts.parts(period.start, period.end, zone).into_iter().map(|(from, ..)| from).collect()
    }

    /// Fewest doctors of a tier at an instant: the minimum of that shift wins over the one for all day. None: not
    /// applicable.
    pub fn minimum(&self, tier: Tier, at: Time) -> Option<u32> {
        let shift = shifts(self.facts, self.policy).at(at, &self.facts.organisation.zone);
        self.facts.group.minimum(tier, shift)
    }

    /// Doctors whom a mode leaves in place. None: not applicable.
    pub fn baseline(&self, mode: StrikeMode) -> Option<u32> {
        let mode = match mode {
            StrikeMode::ChristmasDayCover => BaselineMode::ChristmasDay,
            StrikeMode::NightDutyCover => BaselineMode::NightDuty,
            StrikeMode::FullWithdrawal | StrikeMode::EmergencyCareOnly | StrikeMode::ActionShortOfStrike => {
                return None;
            }
        };
        self.facts.group.baseline(mode)
    }

    /// What the doctors are, in messages.
    pub fn doing(&self) -> &'static str {
        if self.plan.is_some() { "planned" } else { "at work" }
    }

    /// When figures are true, as messages end.
    pub fn when(&self) -> String {
        let zone = &self.facts.organisation.zone;
        match self.plan {
            Some(period) => format!("Planned {}.", period.local(zone)),
            None => format!("Observed {}.", self.newest(&[BlockKind::MedicalCover]).local_hhmm(zone)),
        }
    }
}
