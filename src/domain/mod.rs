//! The nouns of the hospital. Constructors parse; values are valid by construction; ratios are exact integers.

mod alert;
mod clock;
mod cover;
mod ids;
mod report;
mod rulebook;
mod subject;
mod time;
mod ward;

pub use alert::{
    Alert, AlertEvent, AlertInput, AlertState, Cause, Condition, EventType, Fraction, Resolution, Severity,
};
pub use clock::Clock;
pub use cover::{
    BaselineMode, CoverBaseline, CoverGroup, CoverMinimum, CoverPeriod, GradeCover, MedicalCover, MedicalGrade, Tier,
};
pub use ids::{AlertId, InvalidId, OrganisationCode, ReportId, ReportKey, SiteCode, SourceCode, SubjectName, WardCode};
pub use report::{
    BlockKind, BlockReceipt, FieldViolation, Judgement, LevelsOfCare, Nursing, NursingHours, Outcome, Patients,
    Receipt, RedFlag, RedFlagType, RejectReason, Report, ReportError,
};
pub use rulebook::{Rulebook, WardFacts};
pub use subject::{
    BlockKey, ClosedFlag, Current, Doubt, Episode, Freshness, RecentIds, SourceSilence, Subject, SubjectState,
    WardStatus,
};
pub use time::{InvalidTime, Span, Time, Zone};
pub use ward::{Limit, MinimumReason, Organisation, Ward, WardKind, WardState};
