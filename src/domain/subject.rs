use crate::domain::{
    Alert, BlockKind, Judgement, LevelsOfCare, Nursing, NursingHours, Patients, ReportId, SourceCode, SubjectName, Time,
};

/// How a ward stands, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented value by value in common.proto")]
pub enum WardStatus {
    Critical,
    Warning,
    AtLimit,
    Ok,
    Empty,
    Incomplete,
    NeverReported,
    Closed,
}

/// Whether figures are still current; a dimension of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing is overdue.
    #[default]
    Fresh,
    /// Something is, or nothing ever came.
    Stale,
}

/// What orders the blocks of one kind on one subject: the greatest is current, so any arrival order ends the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockKey {
    /// When it was true.
    pub observed: Time,
    /// Higher corrects.
    pub revision: u32,
    /// Breaks the tie.
    pub report: ReportId,
}

/// A jump too great to believe at once: what stood before it, and since when it has been claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The last figure that was believed: patients, or registered nurses.
    pub before: u32,
    /// Observed time of the first figure that was not.
    pub since: Time,
}

/// The current block of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current<B> {
    /// Its order.
    pub key: BlockKey,
    /// Digest of the report it came with, to tell a resend from a reused id.
    pub digest: i64,
    /// Who sent it.
    pub source: SourceCode,
    /// When something about this block was last received, applied or not.
    pub heard: Time,
    /// True: it corrected the block before it (same observed time, higher revision).
    pub correction: bool,
    /// Set while its figure is too great a jump to believe.
    pub doubt: Option<Doubt>,
    /// Its figures.
    pub body: B,
}

/// The last eight report ids, folded; catches an id that comes again with a later time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentIds(pub Vec<u64>);

impl RecentIds {
    /// How many are kept.
    pub const KEPT: usize = 8;

    /// Whether `id` is among them.
    pub fn contains(&self, id: ReportId) -> bool {
        self.0.contains(&id.fold())
    }
    /// Adds `id` and forgets the oldest beyond the eighth.
    pub fn push(&mut self, id: ReportId) {
        if self.0.len() == Self::KEPT {
            self.0.remove(0);
        }
        self.0.push(id.fold());
    }
}

/// An alert's episode with what only the lifecycle needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Episode {
    /// The alert as its last event showed it, but for its condition, which is always of now.
    pub alert: Alert,
    /// Observed time of the first good observation of the present run; none while breaching.
    pub good_since: Option<Time>,
    /// How it will end if the run lasts.
    pub ending: Option<crate::domain::Resolution>,
    /// When its last event was made, for the one-a-minute rule.
    pub last_event: Time,
}

/// A red flag that is final: closed or resolved within 7 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedFlag {
    /// The event's id.
    pub event: ReportId,
    /// When it became final.
    pub at: Time,
}

/// What an organisation reads of a ward: for each source of its ageing blocks, since when it has been silent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceSilence {
    /// The source.
    pub source: SourceCode,
    /// When the first of its blocks here fell overdue with nothing received; none: it is heard.
    pub since: Option<Time>,
}

/// Everything the rules know of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubjectState {
    /// When it was registered: a ward that never reported is overdue from here.
    pub registered: Time,
    /// Current patients.
    pub patients: Option<Current<Patients>>,
    /// Current levels of care.
    pub levels_of_care: Option<Current<LevelsOfCare>>,
    /// Current nursing.
    pub nursing: Option<Current<Nursing>>,
    /// Current nursing hours.
    pub nursing_hours: Option<Current<NursingHours>>,
    /// Current judgement.
    pub judgement: Option<Current<Judgement>>,
    /// Last report ids.
    pub recent: RecentIds,
    /// Episodes open, or ended within the reopening time (60 min).
    pub episodes: Vec<Episode>,
    /// Red flags that are final.
    pub closed_flags: Vec<ClosedFlag>,
    /// Generation of the register it was last judged under: a tick that finds a newer one was caused by the register.
    pub judged: i64,
    /// What the organisation reads of this ward; sorted by source.
    pub silences: Vec<SourceSilence>,
}

/// A subject as loaded: its state and what a write must be compared with.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The store's number for it.
    pub number: i64,
    /// Its name.
    pub name: SubjectName,
    /// Tag of the commit that last wrote or touched it.
    pub etag: i64,
    /// Generation of the register that last touched it.
    pub generation: i64,
    /// When the sweep will look at it.
    pub next_check: Option<Time>,
    /// What is known of it.
    pub state: SubjectState,
    /// Of an organisation: what each of its wards' sources do. Empty for a ward.
    pub children: Vec<(SubjectName, Vec<SourceSilence>)>,
}

impl SubjectState {
    /// The state of a subject registered at `at`.
    pub fn new(at: Time) -> Self {
        Self { registered: at, ..Self::default() }
    }
    /// The key and source of the current block of `kind`, if there is one.
    pub fn current(&self, kind: BlockKind) -> Option<(BlockKey, &SourceCode, Time)> {
        fn of<B>(c: Option<&Current<B>>) -> Option<(BlockKey, &SourceCode, Time)> {
            c.map(|c| (c.key, &c.source, c.heard))
        }
        match kind {
            BlockKind::Patients => of(self.patients.as_ref()),
            BlockKind::LevelsOfCare => of(self.levels_of_care.as_ref()),
            BlockKind::Nursing => of(self.nursing.as_ref()),
            BlockKind::NursingHours => of(self.nursing_hours.as_ref()),
            BlockKind::ProfessionalJudgement => of(self.judgement.as_ref()),
            BlockKind::MedicalCover => None,
        }
    }

    /// Digest of the report that brought the current block of `kind`.
    pub fn digest(&self, kind: BlockKind) -> Option<i64> {
        match kind {
            BlockKind::Patients => self.patients.as_ref().map(|c| c.digest),
            BlockKind::LevelsOfCare => self.levels_of_care.as_ref().map(|c| c.digest),
            BlockKind::Nursing => self.nursing.as_ref().map(|c| c.digest),
            BlockKind::NursingHours => self.nursing_hours.as_ref().map(|c| c.digest),
            BlockKind::ProfessionalJudgement => self.judgement.as_ref().map(|c| c.digest),
            BlockKind::MedicalCover => None,
        }
    }
}
