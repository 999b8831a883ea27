use crate::domain::{AlertInput, BlockKind, Blocks, Freshness, Time};

/// A subject's blocks as a lifecycle reads them: of a ward or of a cover group, actual or planned.
pub trait Inputs: std::fmt::Debug {
    /// The blocks.
    fn blocks(&self) -> &Blocks;
    /// Now.
    fn now(&self) -> Time;
    /// When a block of `kind` counted from `since` falls overdue; none for what does not age.
    fn overdue_time(&self, kind: BlockKind, since: Time) -> Option<Time>;

    /// Whether a block of `kind` counted from `since` is overdue now.
    fn overdue(&self, kind: BlockKind, since: Time) -> bool {
        self.overdue_time(kind, since).is_some_and(|at| at <= self.now())
    }

    /// Observed time of the newest of these blocks; now, if there is none.
    fn newest(&self, kinds: &[BlockKind]) -> Time {
        let observed = kinds.iter().filter_map(|k| self.blocks().current(*k)).map(|(key, ..)| key.observed);
        observed.max().unwrap_or(self.now())
    }

    /// Whether one of these blocks holds a figure that is not believed yet.
    fn doubted(&self, kinds: &[BlockKind]) -> bool {
        let Blocks { patients, nursing, .. } = self.blocks();
        kinds.iter().any(|kind| match kind {
            BlockKind::Patients => patients.as_ref().is_some_and(|c| c.doubt.is_some()),
            BlockKind::Nursing => nursing.as_ref().is_some_and(|c| c.doubt.is_some()),
            _ => false,
        })
    }

    /// The blocks an alert was judged on, with their freshness.
    fn inputs(&self, kinds: &[BlockKind]) -> Vec<AlertInput> {
        let input = |kind: &BlockKind| {
            let (key, source, _) = self.blocks().current(*kind)?;
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
    fn freshness(&self, kind: BlockKind) -> Freshness {
        match self.blocks().current(kind) {
            Some((key, ..)) if !self.overdue(kind, key.observed) => Freshness::Fresh,
            _ => Freshness::Stale,
        }
    }

    /// Whether a block that an alert names is the current one still.
    fn is_current(&self, input: &AlertInput) -> bool {
        let current = self.blocks().current(input.block);
        current.is_some_and(|(key, ..)| (key.observed, key.report) == (input.observed, input.report))
    }
}
