use crate::domain::{Severity, SourceCode, Time};

/// Roles that look after alerts: codes, never people (domain.md section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponderRole {
    /// Nurse in charge of a ward.
    NurseInCharge,
    /// Matron.
    Matron,
    /// Site manager.
    SiteManager,
    /// Chief nurse.
    ChiefNurse,
    /// Medical director.
    MedicalDirector,
}

impl ResponderRole {
    /// All of them, from the ward up.
    pub const ALL: [Self; 5] =
        [Self::NurseInCharge, Self::Matron, Self::SiteManager, Self::ChiefNurse, Self::MedicalDirector];
}

/// What is being done about an alert (domain.md section 5); there is no free text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "documented value by value in alert.proto")]
pub enum ActionCode {
    Redeploying,
    BankRequested,
    AgencyRequested,
    ActingDown,
    BedsClosed,
    Diverting,
    ElectivesStopped,
    RiskAccepted,
    NoneAvailable,
}

/// Why a responder closes an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "documented value by value in alert.proto")]
pub enum CloseReason {
    RaisedInError,
    PutRight,
    FiguresStale,
    WardClosed,
    Duplicate,
}

/// Who acts, as far as events tell: the authenticated subject is in the audit alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Responder {
    /// In which role.
    pub role: ResponderRole,
    /// Through which system.
    pub client: SourceCode,
}

/// Someone looks after an alert. It always expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who.
    pub by: Responder,
    /// What they do.
    pub action: ActionCode,
    /// Since when.
    pub at: Time,
    /// Until when.
    pub expires: Time,
    /// The severity it was given at: it lapses when the alert becomes more severe.
    pub severity: Severity,
}

/// An alert was shown to someone higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// To whom.
    pub role: ResponderRole,
    /// When.
    pub at: Time,
}

/// What a responder does to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Takes it on.
    Acknowledge {
        /// What they will do.
        action: ActionCode,
        /// Until when; none: as the policy says.
        expires: Option<Time>,
    },
    /// Gives it back.
    Unacknowledge,
    /// Ends it.
    Close(CloseReason),
}

/// Why an act is refused; the alert is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActRefusal {
    /// There is no such alert any more.
    NotFound,
    /// The alert changed since its etag was read.
    EtagMismatch,
    /// It has ended.
    AlreadyResolved,
    /// Nobody had acknowledged it.
    NotAcknowledged,
    /// Its breach stands, so that closing it would hide it.
    StillBreaching,
    /// The acknowledgement would end in the past, or too far ahead: the latest instant that is allowed.
    BadExpiry(Time),
}
