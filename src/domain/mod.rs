//! The nouns of the hospital. Constructors parse; values are valid by construction; ratios are exact integers.

mod activity;
mod alert;
mod civil;
mod clock;
mod cover;
mod ids;
mod period;
mod policy;
mod report;
mod response;
mod rulebook;
mod shift;
mod strike;
mod subject;
mod text;
mod time;
mod ward;

pub use activity::{Activity, ActivityCategory, Day};
pub use alert::{
    Alert, AlertEvent, AlertInput, AlertState, Cause, Condition, EventType, Fraction, Resolution, Severity,
};
pub use civil::{CivilTime, Instants};
pub use clock::Clock;
pub use cover::{
    BaselineMode, CoverBaseline, CoverGroup, CoverMinimum, CoverPeriod, GradeCover, MedicalCover, MedicalGrade, Tier,
};
pub use ids::{
    AlertId, Code, CodeKind, InvalidId, OrganisationCode, ReportId, ReportKey, SiteCode, SourceCode, SubjectName,
    WardCode,
};
pub use period::Period;
pub use policy::{InForce, KindLimit, Policy, PolicyName, PolicyPatch, PolicyVersion, in_force};
pub use report::{
    BlockKind, BlockReceipt, FieldViolation, Judgement, LevelsOfCare, Nursing, NursingHours, Outcome, Patients,
    PlanPeriod, Receipt, RedFlag, RedFlagType, RejectReason, Report, ReportError,
};
pub use response::{Acknowledgement, Act, ActRefusal, ActionCode, CloseReason, Escalation, Responder, ResponderRole};
pub use rulebook::{Context, GroupFacts, Rulebook, WardFacts};
pub use shift::{InvalidShifts, Shift, ShiftName, Shifts};
pub use strike::{
    Attribution, CallOffReason, Derogation, DerogationState, ElectivePolicy, Scope, StaffGroup, Strike, StrikeId,
    StrikeMode, UnionCode, Unions, Window,
};
pub use subject::{
    BlockKey, Blocks, ClosedFlag, CoverGap, CoverSummary, Current, Doubt, Episode, Freshness, Plan, RecentIds,
    SourceSilence, Subject, SubjectState, Summary, WardStatus,
};
pub use text::shown;
pub use time::{InvalidTime, Span, Time, Zone};
pub use ward::{Limit, MinimumReason, Organisation, Ward, WardKind, WardState};
