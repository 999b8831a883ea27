//! The nouns of the hospital. Constructors parse; values are valid by construction; ratios are exact integers.

mod alert;
mod clock;
mod ids;
mod policy;
mod report;
mod rulebook;
mod subject;
mod time;
mod ward;

pub use alert::{
    Alert, AlertEvent, AlertInput, AlertState, Cause, Condition, EventType, Fraction, Resolution, Severity,
};
pub use clock::Clock;
pub use ids::{AlertId, InvalidId, OrganisationCode, ReportId, ReportKey, SiteCode, SourceCode, SubjectName, WardCode};
pub use policy::{
    InForce, KindLimit, KindLimitPatch, Policy, PolicyName, PolicyPatch, PolicyVersion, ShiftTimes, in_force,
};
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
