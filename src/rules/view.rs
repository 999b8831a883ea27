use crate::domain::{
    AlertInput, BlockKind, Current, Freshness, LevelsOfCare, Nursing, Patients, SubjectState, Time, WardFacts, WardKind,
};
use crate::rules::due::overdue_time;
use crate::rules::verdict::Why;

/// A ward's current blocks, read together at one instant.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What the register says.
    pub facts: &'a WardFacts,
    /// What was reported.
    pub state: &'a SubjectState,
    /// Now.
    pub now: Time,
}

/// Registered nurses as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nurses {
    /// At least so many.
    pub count: u32,
    /// False: midwives count here and were not reported, so there may be more.
    pub complete: bool,
}

impl<'a> View<'a> {
    /// Patients, unless never reported or overdue.
    pub fn patients(&self) -> Result<&'a Patients, Why> {
        self.ageing(BlockKind::Patients, self.state.patients.as_ref())
    }
    /// Levels of care, likewise.
    pub fn levels(&self) -> Result<&'a LevelsOfCare, Why> {
        self.ageing(BlockKind::LevelsOfCare, self.state.levels_of_care.as_ref())
    }
    /// Nursing, likewise.
    pub fn nursing(&self) -> Result<&'a Nursing, Why> {
        self.ageing(BlockKind::Nursing, self.state.nursing.as_ref())
    }

    fn ageing<B>(&self, kind: BlockKind, current: Option<&'a Current<B>>) -> Result<&'a B, Why> {
        let current = current.ok_or(Why::NeverReported(kind))?;
        if self.overdue(kind, current.key.observed) { Err(Why::Overdue(kind)) } else { Ok(&current.body) }
    }

    /// Whether a block of `kind` counted from `since` is overdue now.
    pub fn overdue(&self, kind: BlockKind, since: Time) -> bool {
        overdue_time(self.facts, kind, since).is_some_and(|at| at <= self.now)
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
        let none = self.state.patients.as_ref().is_some_and(|c| c.body.total() == 0);
        if none { self.patients().map(|_| true) } else { Ok(false) }
    }

    /// Observed time of the newest of these blocks; now, if there is none.
    pub fn newest(&self, kinds: &[BlockKind]) -> Time {
        let observed = kinds.iter().filter_map(|k| self.state.current(*k)).map(|(key, ..)| key.observed);
        observed.max().unwrap_or(self.now)
    }

    /// Whether one of these blocks holds a figure that is not believed yet.
    pub fn doubted(&self, kinds: &[BlockKind]) -> bool {
        let SubjectState { patients, nursing, .. } = self.state;
        kinds.iter().any(|kind| match kind {
            BlockKind::Patients => patients.as_ref().is_some_and(|c| c.doubt.is_some()),
            BlockKind::Nursing => nursing.as_ref().is_some_and(|c| c.doubt.is_some()),
            _ => false,
        })
    }

    /// The blocks an alert was judged on, with their freshness.
    pub fn inputs(&self, kinds: &[BlockKind]) -> Vec<AlertInput> {
        let input = |kind: &BlockKind| {
            let (key, source, _) = self.state.current(*kind)?;
            Some(AlertInput {
                block: *kind,
                source: source.clone(),
                observed: key.observed,
                report: key.report,
                freshness: self.freshness(*kind),
            })
        };
        kinds.iter().filter_map(input).collect()
    }

    /// Whether a block is overdue; blocks that do not age are fresh.
    pub fn freshness(&self, kind: BlockKind) -> Freshness {
        match self.state.current(kind) {
            Some((key, ..)) if !self.overdue(kind, key.observed) => Freshness::Fresh,
            _ => Freshness::Stale,
        }
    }

    /// Local hours and minutes, for messages.
    pub fn clock(&self, at: Time) -> String {
        at.local_hhmm(&self.facts.organisation.zone)
    }
}
