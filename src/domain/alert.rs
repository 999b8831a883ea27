use std::borrow::Cow;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::{
    Acknowledgement, AlertId, BlockKind, Escalation, Freshness, ReportId, ReportKey, Responder, SiteCode, SourceCode,
    StrikeId, SubjectName, Time,
};

/// What is expected of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A figure on a board.
    Info,
    /// Looked at this shift.
    Warning,
    /// Someone acts now.
    Critical,
}

/// Whether an episode is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertState {
    /// Open, unacknowledged.
    Open,
    /// Open, acknowledged.
    Acknowledged,
    /// Ended.
    Resolved,
}

/// What the newest figures say of an open alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// The breach stands, or nothing newer is known.
    Breaching,
    /// Good so far; resolves when it has stayed so for the clearing time.
    Clearing,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "documented value by value in alert.proto")]
pub enum EventType {
    Raised,
    SeverityChanged,
    Updated,
    Acknowledged,
    Unacknowledged,
    Escalated,
    Resolved,
    Reopened,
}

/// How an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "documented value by value in alert.proto")]
pub enum Resolution {
    StaffingImproved,
    DemandFell,
    Corrected,
    Replaced,
    WardClosed,
    Expired,
    ReportingResumed,
    RedFlagResolved,
    RegisterChanged,
    FiguresAgreed,
    WindowEnded,
    Suspended,
    Withdrawn,
    Settled,
    CourtOrder,
    PlanReplaced,
    Overtaken,
    ReturnReceived,
    ClosedByResponder,
    PolicyChanged,
}

/// What caused an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A report.
    Report(ReportKey),
    /// Time alone.
    Timer,
    /// The register changed.
    Register,
    /// A strike was announced, changed or called off.
    Strike,
    /// A policy changed, or came into force.
    Policy,
    /// A responder acted.
    Responder(Responder),
}

/// An exact ratio, not reduced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// What is counted.
    pub numerator: i64,
    /// Over what; may be zero.
    pub denominator: i64,
    /// In words.
    pub unit: Cow<'static, str>,
}

/// A block that an alert was judged on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertInput {
    /// Which block.
    pub block: BlockKind,
    /// Who sent it.
    pub source: SourceCode,
    /// When it was true.
    pub observed: Time,
    /// The report it came with.
    pub report: ReportId,
    /// Overdue or not at the alert's last event.
    pub freshness: Freshness,
}

/// One episode of one rule on one subject, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// What it is about.
    pub subject: SubjectName,
    /// The ward's site.
    pub site: Option<SiteCode>,
    /// The organisation's region.
    pub region: Option<SiteCode>,
    /// Wards concerned when the subject is not one ward: at most 200.
    pub wards: Vec<SubjectName>,
    /// How many in all.
    pub ward_count: u32,
    /// Cover groups concerned when the subject is an organisation: at most 200.
    pub cover_groups: Vec<SubjectName>,
    /// How many in all.
    pub group_count: u32,
    /// The rule's id.
    pub rule: Cow<'static, str>,
    /// Which of several; usually empty.
    pub instance: String,
    /// By the newest figures.
    pub severity: Severity,
    /// The highest of this episode.
    pub peak_severity: Severity,
    /// Open or not.
    pub state: AlertState,
    /// Breaching or clearing.
    pub condition: Condition,
    /// About a plan, not about now.
    pub forecast: bool,
    /// The strike it belongs to.
    pub strike: Option<StrikeId>,
    /// Who looks after it, and until when; kept through an end, for a reopening.
    pub acknowledgement: Option<Acknowledgement>,
    /// To whom it was escalated last.
    pub escalation: Option<Escalation>,
    /// What was measured.
    pub measured: Option<Fraction>,
    /// Against what.
    pub limit: Option<Fraction>,
    /// One line for a person.
    pub message: String,
    /// Where the limit comes from.
    pub limit_source: Cow<'static, str>,
    /// Version of the policy that judged it.
    pub policy_version: Cow<'static, str>,
    /// The blocks it was judged on.
    pub inputs: Vec<AlertInput>,
    /// Observed time of the newest input (or the instant time alone raised it).
    pub observed: Time,
    /// When it was raised.
    pub raised: Time,
    /// When it ended.
    pub resolved: Option<Time>,
    /// How it ended.
    pub resolution: Option<Resolution>,
    /// Events so far.
    pub transitions: u32,
}

/// One change of one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertEvent {
    /// What happened.
    pub kind: EventType,
    /// The whole state after it.
    pub alert: Alert,
    /// Severity before.
    pub previous_severity: Option<Severity>,
    /// State before.
    pub previous_state: Option<AlertState>,
    /// What caused it.
    pub cause: Cause,
}

impl AlertId {
    /// The id of the episode of `rule` and `instance` on `subject` raised at `raised`: 74 bits of a SHA-256 over them,
    /// then 48 bits of milliseconds, as a UUIDv8. The hash stands first so that eight digits tell alerts apart.
    pub fn of(subject: &SubjectName, rule: &str, instance: &str, raised: Time) -> Self {
        let digest = Sha256::digest(format!("{subject}\n{rule}\n{instance}\n{}", raised.as_micros()));
        let mut bytes = [0; 16];
        bytes[..10].copy_from_slice(&digest[..10]);
        let millis = (raised.as_micros() / 1_000).to_be_bytes();
        bytes[10..].copy_from_slice(&millis[2..]);
        Self(Uuid::new_v8(bytes))
    }
}

impl Alert {
    /// Changes with severity, state, acknowledgement and escalation; not with the figures.
    pub fn etag(&self) -> String {
        let ended = self.resolved.map(Time::as_micros);
        let (acknowledged, escalated) = (&self.acknowledgement, &self.escalation);
        let key = format!("{}|{:?}|{:?}|{ended:?}|{acknowledged:?}|{escalated:?}", self.id, self.severity, self.state);
        let digest = Sha256::digest(key);
        hex::encode(&digest[..6])
    }
    /// Open or acknowledged.
    pub fn is_open(&self) -> bool {
        self.state != AlertState::Resolved
    }
}
