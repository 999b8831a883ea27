use std::borrow::Cow;

use crate::domain::{
    AlertId, Freshness, MedicalCover, Period, Policy, ReportId, ReportKey, SourceCode, Time, WardStatus,
};

/// The kinds of block. Order, supersession, correction and overdue are judged per subject and block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockKind {
    /// Patients; ages.
    Patients,
    /// Levels of care; ages.
    LevelsOfCare,
    /// Nursing; ages.
    Nursing,
    /// Nursing hours; hold until their shift's end.
    NursingHours,
    /// Medical cover; on cover groups only.
    MedicalCover,
    /// Judgement; holds for 12 h.
    ProfessionalJudgement,
}

impl BlockKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Patients,
        Self::LevelsOfCare,
        Self::Nursing,
        Self::NursingHours,
        Self::MedicalCover,
        Self::ProfessionalJudgement,
    ];
    /// Those a ward can have: doctors are not a property of one ward.
    pub const OF_WARD: [Self; 5] =
        [Self::Patients, Self::LevelsOfCare, Self::Nursing, Self::NursingHours, Self::ProfessionalJudgement];
}

/// Patients on the ward: three disjoint counts, and how many of them have a nurse to themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patients {
    /// In bed spaces.
    pub bedded: u32,
    /// Without a bed space.
    pub boarded: Option<u32>,
    /// In a corridor.
    pub corridor: Option<u32>,
    /// With a nurse to themselves.
    pub one_to_one: Option<u32>,
}

impl Patients {
    /// Bedded + boarded + corridor; what was not reported adds nothing.
    pub fn total(&self) -> u32 {
        self.bedded + self.boarded.unwrap_or(0) + self.corridor.unwrap_or(0)
    }
}

/// Patients by what they need. Absent: not reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; the proto comments say it at length")]
pub struct LevelsOfCare {
    pub level2: Option<u32>,
    pub level3: Option<u32>,
    pub neonatal_intensive: Option<u32>,
    pub neonatal_high_dependency: Option<u32>,
    pub neonatal_special: Option<u32>,
    pub children_under2: Option<u32>,
    pub children_from2: Option<u32>,
    pub women_in_labour: Option<u32>,
    pub resus: Option<u32>,
    pub majors: Option<u32>,
}

/// Nursing staff giving direct care now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; the proto comments say it at length")]
pub struct Nursing {
    pub registered_nurses: u32,
    pub registered_midwives: Option<u32>,
    pub agency_registered_nurses: Option<u32>,
    pub one_to_one_nurses: Option<u32>,
    pub nursing_associates: Option<u32>,
    pub healthcare_support_workers: Option<u32>,
    pub students: Option<u32>,
    pub supernumerary: Option<u32>,
    pub largest_allocation: Option<u32>,
    pub coordinator_supernumerary: Option<bool>,
}

/// Registered nurse time in one shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NursingHours {
    /// Start of the shift.
    pub shift_start: Time,
    /// End of the shift.
    pub shift_end: Time,
    /// Minutes the patients require.
    pub required_minutes: Option<u32>,
    /// Minutes available.
    pub available_minutes: Option<u32>,
    /// Minutes planned.
    pub planned_minutes: Option<u32>,
}

/// The nurse in charge's judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Safe. It never silences another rule.
    Safe,
    /// Not safe.
    Unsafe,
}

/// A red flag staff may raise: its code on the wire, and how messages say it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RedFlagType {
    code: Cow<'static, str>,
    /// None: the policy in force says it.
    words: Option<&'static str>,
}

const fn flag(code: &'static str, words: &'static str) -> RedFlagType {
    RedFlagType { code: Cow::Borrowed(code), words: Some(words) }
}

impl RedFlagType {
    /// Longest code of an organisation's own after `local.`.
    pub const MOST_LOCAL: usize = 40;
    /// Every national type: nursing red flags of NICE SG1, then midwifery red flags of NICE NG4.
    pub const ALL: [Self; 13] = [
        flag("nice.sg1.unplanned_omission_of_medication", "unplanned omission of medication"),
        flag("nice.sg1.pain_relief_delayed", "pain relief delayed over 30 min"),
        flag("nice.sg1.vital_signs_not_taken", "vital signs not taken as planned"),
        flag("nice.sg1.regular_checks_missed", "regular checks missed"),
        flag("nice.ng4.time_critical_activity_delayed", "time critical activity delayed or cancelled"),
        flag("nice.ng4.care_missed_or_delayed", "care missed or delayed 60 min or more"),
        flag("nice.ng4.medication_missed", "medication missed during admission"),
        flag("nice.ng4.pain_relief_delayed", "pain relief delayed over 30 min"),
        flag("nice.ng4.triage_delayed", "30 min or more from presentation to triage"),
        flag("nice.ng4.examination_not_carried_out", "no full examination on presenting in labour"),
        flag("nice.ng4.induction_delayed", "2 h or more from admission to induction"),
        flag("nice.ng4.abnormal_vital_signs_delayed", "delayed action on abnormal vital signs"),
        flag("nice.ng4.one_to_one_care_lost", "no continuous one-to-one care in established labour"),
    ];

    /// A type of an organisation's own, which its policy lists: `local.` and 1 to 40 of a-z 0-9 _.
    pub fn local(code: &str) -> Option<Self> {
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let name = code.strip_prefix("local.")?;
        let valid = (1..=Self::MOST_LOCAL).contains(&name.len()) && name.bytes().all(letter);
        valid.then(|| Self { code: Cow::Owned(code.to_owned()), words: None })
    }
    /// Its code on the wire.
    pub fn code(&self) -> &str {
        &self.code
    }
    /// In words, for messages; none when `policy` does not list it.
    pub fn words<'a>(&self, policy: &'a Policy) -> Option<&'a str> {
        self.words.or_else(|| policy.local_red_flags.get(self.code()).map(String::as_str))
    }
}

/// A red flag raised by staff: an event, applied once by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedFlag {
    /// What.
    pub kind: RedFlagType,
    /// The event's id.
    pub event: ReportId,
    /// When it was noticed.
    pub noticed: Time,
    /// When it was put right.
    pub resolved: Option<Time>,
}

/// What makes a report a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanPeriod {
    /// For when.
    pub period: Period,
    /// True: the plan for this period is taken back.
    pub withdrawn: bool,
}

/// A formally valid report on one subject: actual figures, or a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its subject, observed time and id.
    pub key: ReportKey,
    /// Higher corrects.
    pub revision: u32,
    /// The sending system.
    pub source: SourceCode,
    /// Present: a plan, no actual figures.
    pub plan: Option<PlanPeriod>,
    /// Patients.
    pub patients: Option<Patients>,
    /// Levels of care.
    pub levels_of_care: Option<LevelsOfCare>,
    /// Nursing.
    pub nursing: Option<Nursing>,
    /// Nursing hours.
    pub nursing_hours: Option<NursingHours>,
    /// Medical cover; on cover groups only.
    pub medical_cover: Option<MedicalCover>,
    /// Judgement.
    pub judgement: Option<Judgement>,
    /// Red flags.
    pub red_flags: Vec<RedFlag>,
}

/// Why a report or one of its fields is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "documented value by value in report.proto")]
pub enum RejectReason {
    Missing,
    Malformed,
    Negative,
    Implausible,
    Empty,
    Conflict,
    UnknownSubject,
    WardClosed,
    CoverGroupNeeded,
    IdReused,
    Future,
    TooOld,
    TooMany,
    NotSupported,
    Internal,
    PermissionDenied,
}

/// One thing wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path in the report, such as `patients.bedded`.
    pub field: String,
    /// Why.
    pub reason: RejectReason,
    /// What is wrong and what to do, in one line.
    pub description: String,
}

impl FieldViolation {
    /// A violation of `field`.
    pub fn new(field: impl Into<String>, reason: RejectReason, description: impl Into<String>) -> Self {
        Self { field: field.into(), reason, description: description.into() }
    }
}

/// Everything wrong with a report; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportError {
    /// All that was found, the first one first.
    pub violations: Vec<FieldViolation>,
}

impl From<FieldViolation> for ReportError {
    fn from(one: FieldViolation) -> Self {
        Self { violations: vec![one] }
    }
}

impl std::fmt::Display for ReportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, v) in self.violations.iter().enumerate() {
            write!(f, "{}{}: {}", if n == 0 { "" } else { "; " }, v.field, v.description)?;
        }
        Ok(())
    }
}

/// What became of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockReceipt {
    /// Which.
    pub block: BlockKind,
    /// True: it is the current block now.
    pub applied: bool,
    /// Observed time of the current block.
    pub current: Time,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored, something of it applied.
    Accepted(Vec<BlockReceipt>),
    /// Stored, nothing of it applied.
    Superseded(Vec<BlockReceipt>),
    /// Stored before.
    Duplicate,
    /// Not stored.
    Rejected(ReportError),
}

/// The answer to one report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The report's key; absent when it could not be read.
    pub key: Option<ReportKey>,
    /// The id as it was sent.
    pub report_id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Alerts of its subject that it changed.
    pub changed: Vec<AlertId>,
    /// How the subject stands now; absent when rejected.
    pub standing: Option<(WardStatus, Freshness)>,
}

impl Receipt {
    /// Whether the report is kept, from now or from an earlier sending.
    pub fn is_stored(&self) -> bool {
        !matches!(self.outcome, Outcome::Rejected(_))
    }
    /// A rejection.
    pub fn rejected(report_id: String, error: impl Into<ReportError>) -> Self {
        let outcome = Outcome::Rejected(error.into());
        Self { key: None, report_id, outcome, changed: Vec::new(), standing: None }
    }
}
