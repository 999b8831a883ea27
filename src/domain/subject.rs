use crate::domain::{
    Activity, Alert, BlockKind, Judgement, LevelsOfCare, MedicalCover, Nursing, NursingHours, Patients, Period,
    ReportId, SourceCode, SubjectName, Time,
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
    /// When it was first critical and not acknowledged: escalation counts from here.
    pub critical_since: Option<Time>,
}

/// A red flag that is final: closed or resolved within 7 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedFlag {
    /// The event's id.
    pub event: ReportId,
    /// When it became final.
    pub at: Time,
}

/// For each source of a subject's ageing blocks: since when it has been silent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceSilence {
    /// The source.
    pub source: SourceCode,
    /// When the first of its blocks here fell overdue with nothing received; none: it is heard.
    pub since: Option<Time>,
}

/// How the cover of a group stands, as its wards and its organisation read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CoverGap {
    /// No strike concerns it now.
    #[default]
    Outside,
    /// Inside a strike, and its figures are overdue or were never reported.
    Unknown,
    /// Inside a strike, and neither below its minima nor without a senior.
    Stands,
    /// Inside a strike, and below a minimum or without a senior doctor.
    Hole,
}

/// What an organisation and the wards of a cover group read of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverSummary {
    /// How its cover stands.
    pub gap: CoverGap,
    /// Since when its return has been missing, inside a strike.
    pub missing_since: Option<Time>,
    /// Periods for which doctors are planned, that are not over; by start.
    pub planned: Vec<Period>,
}

/// What other subjects read of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Its sources; sorted.
    pub silences: Vec<SourceSilence>,
    /// Of a cover group: how it stands.
    pub cover: Option<CoverSummary>,
}

/// The current block of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Current patients.
    pub patients: Option<Current<Patients>>,
    /// Current levels of care.
    pub levels_of_care: Option<Current<LevelsOfCare>>,
    /// Current nursing.
    pub nursing: Option<Current<Nursing>>,
    /// Current nursing hours.
    pub nursing_hours: Option<Current<NursingHours>>,
    /// Current medical cover; on cover groups only.
    pub medical_cover: Option<Current<MedicalCover>>,
    /// Current judgement.
    pub judgement: Option<Current<Judgement>>,
}

/// What is planned for a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// For when.
    pub period: Period,
    /// The newest withdrawal and the digest of its report: what is not newer than it counts no more.
    pub withdrawn: Option<(BlockKey, i64)>,
    /// What is planned.
    pub blocks: Blocks,
}

impl Plan {
    /// Most periods a subject may have plans for (engine.md section 1).
    pub const MOST: usize = 64;

    /// Nothing planned yet.
    pub fn new(period: Period) -> Self {
        Self { period, withdrawn: None, blocks: Blocks::default() }
    }
}

/// Everything the rules know of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubjectState {
    /// When it was registered: a ward that never reported is overdue from here.
    pub registered: Time,
    /// What was reported.
    pub blocks: Blocks,
    /// Plans whose period is not over, by period.
    pub plans: Vec<Plan>,
    /// Last report ids.
    pub recent: RecentIds,
    /// Episodes open, or ended within the reopening time (120 min).
    pub episodes: Vec<Episode>,
    /// Red flags that are final.
    pub closed_flags: Vec<ClosedFlag>,
    /// Generation of the register it was last judged under: a tick that finds a newer one was caused by the register.
    pub judged: i64,
    /// Version of the policy it was last judged under; empty: the default.
    pub judged_policy: String,
    /// What other subjects read of this one.
    pub summary: Summary,
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
    /// Summaries of what it reads: an organisation its wards and cover groups, a ward its cover groups.
    pub reads: Vec<(SubjectName, Summary)>,
    /// Of an organisation: planned operations and appointments, and what became of them.
    pub activity: Vec<Activity>,
}

impl SubjectState {
    /// The state of a subject registered at `at`.
    pub fn new(at: Time) -> Self {
        Self { registered: at, ..Self::default() }
    }
    /// The plan for a period, if there is one.
    pub fn plan(&self, period: Period) -> Option<&Plan> {
        self.plans.iter().find(|p| p.period == period)
    }
}

impl Blocks {
    /// The key and source of the current block of `kind`, if there is one, and when it was last heard of.
    pub fn current(&self, kind: BlockKind) -> Option<(BlockKey, &SourceCode, Time)> {
        self.head(kind).map(|(key, source, heard, _)| (key, source, heard))
    }
    /// Digest of the report that brought the current block of `kind`.
    pub fn digest(&self, kind: BlockKind) -> Option<i64> {
        self.head(kind).map(|(.., digest)| digest)
    }
    /// The kinds that there are.
    pub fn kinds(&self) -> impl Iterator<Item = BlockKind> + '_ {
        BlockKind::ALL.into_iter().filter(|kind| self.current(*kind).is_some())
    }
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.kinds().next().is_none()
    }

    /// Forgets what is not newer than `key`.
    pub fn keep_newer_than(&mut self, key: BlockKey) {
        let Self { patients, levels_of_care, nursing, nursing_hours, medical_cover, judgement } = self;
        patients.take_if(|c| c.key < key);
        levels_of_care.take_if(|c| c.key < key);
        nursing.take_if(|c| c.key < key);
        nursing_hours.take_if(|c| c.key < key);
        medical_cover.take_if(|c| c.key < key);
        judgement.take_if(|c| c.key < key);
    }

    fn head(&self, kind: BlockKind) -> Option<(BlockKey, &SourceCode, Time, i64)> {
        fn of<B>(c: Option<&Current<B>>) -> Option<(BlockKey, &SourceCode, Time, i64)> {
            c.map(|c| (c.key, &c.source, c.heard, c.digest))
        }
        match kind {
            BlockKind::Patients => of(self.patients.as_ref()),
            BlockKind::LevelsOfCare => of(self.levels_of_care.as_ref()),
            BlockKind::Nursing => of(self.nursing.as_ref()),
            BlockKind::NursingHours => of(self.nursing_hours.as_ref()),
            BlockKind::MedicalCover => of(self.medical_cover.as_ref()),
            BlockKind::ProfessionalJudgement => of(self.judgement.as_ref()),
        }
    }
}
