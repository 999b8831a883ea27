//! A hospital with one organisation, and helpers that let a test read as a sentence.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::{
    Act, Alert, AlertEvent, Condition, Freshness, Judgement, LevelsOfCare, Nursing, NursingHours, Organisation,
    Outcome, Patients, RedFlag, RedFlagType, RejectReason, Report, ReportId, ReportKey, Responder, ResponderRole,
    Rulebook, SourceSilence, Span, Subject, SubjectName, SubjectState, Summary, Time, Ward, WardFacts, WardKind,
    WardState, WardStatus, Zone,
};
use crate::rules::{Decision, Input, Request, judge};
use crate::wire;

/// How long reports are kept (domain.md section 7).
pub const RETENTION: Span = Span::days(35);

/// A ward, what is known of it, and what the store would hold of its reports.
#[derive(Clone, Debug)]
pub struct Bay {
    pub book: Rulebook,
    pub subject: Subject,
    stored: HashMap<ReportKey, i64>,
    ids: u128,
}

/// A report being written.
#[derive(Clone, Debug)]
pub struct Facts(pub Report);

/// An instant: `10:00` is local time on Monday 2 February 2026 (UTC is local), `+1 10:00` on the next day; anything
/// else is RFC 3339.
pub fn at(text: &str) -> Time {
    if text.contains('T') {
        return text.parse().unwrap();
    }
    let (days, clock) = text.strip_prefix('+').and_then(|rest| rest.split_once(' ')).unwrap_or(("0", text));
    let clock = if clock.len() == 5 { format!("{clock}:00") } else { clock.to_owned() };
    format!("2026-02-02T{clock}Z").parse::<Time>().unwrap() + Span::days(days.parse().unwrap())
}

pub fn id(n: u128) -> ReportId {
    ReportId(Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0000 + n))
}

pub fn organisation() -> Organisation {
    Organisation {
        code: "RJ1".parse().unwrap(),
        display_name: "Guy's and St Thomas'".into(),
        region: "Y56".parse().ok(),
        region_name: "London".into(),
        icb: None,
        zone: Zone::london(),
    }
}

/// A ward of a kind that reports every hour, without beds or limits of its own.
pub fn ward(kind: WardKind) -> Ward {
    Ward {
        organisation: "RJ1".parse().unwrap(),
        code: "A7".parse().unwrap(),
        display_name: "A7".into(),
        kind,
        site: "RJ121".parse().ok(),
        beds: None,
        limit: None,
        night_limit: None,
        severe_limit: None,
        minimum: None,
        minimum_reason: None,
        night_duty_registered_nurses: None,
        report_every_minutes: Some(60),
        census_times: Vec::new(),
        state: WardState::Open,
        identifiers: std::collections::BTreeMap::default(),
        enabled_rules: Vec::new(),
    }
}

fn subject(name: SubjectName, registered: Time) -> Subject {
    Subject {
        number: 1,
        name,
        etag: 1,
        generation: 1,
        next_check: None,
        state: SubjectState::new(registered),
        reads: Vec::new(),
        activity: Vec::new(),
    }
}

/// What an organisation reads of a ward with these sources.
pub fn silences(silences: Vec<SourceSilence>) -> Summary {
    Summary { silences, cover: None }
}

/// The organisation as a subject, registered at 00:00.
pub fn trust() -> Bay {
    let organisation = Arc::new(organisation());
    let name = SubjectName::Organisation(organisation.code.clone());
    let organisations = [(organisation.code.clone(), (1, organisation))].into();
    let book = Rulebook { generation: 1, organisations, ..Rulebook::default() }.linked();
    Bay { book, subject: subject(name, at("00:00")), stored: HashMap::new(), ids: 0 }
}

/// A ward of a kind, registered at 09:30.
pub fn bay(kind: WardKind) -> Bay {
    bay_of(ward(kind))
}

pub fn bay_of(ward: Ward) -> Bay {
    let mut bay = trust();
    let name = SubjectName::Ward(ward.organisation.clone(), ward.code.clone());
    bay.subject.name = name.clone();
    bay.subject.state.registered = at("09:30");
    let organisation = Arc::new(organisation());
    let (ward, context) = (Arc::new(ward), Arc::default());
    bay.book.wards.insert(name, WardFacts { number: 1, ward, organisation, context, groups: Vec::new() });
    bay
}

/// An adult ward that reports every hour.
pub fn adult() -> Bay {
    bay(WardKind::AdultInpatient)
}

impl Bay {
    pub fn facts(&self) -> &WardFacts {
        self.book.ward(&self.subject.name).unwrap()
    }
    /// Changes the register entry.
    pub fn register(&mut self, change: impl FnOnce(&mut Ward)) {
        let facts = self.book.wards.get_mut(&self.subject.name).unwrap();
        let mut ward = (*facts.ward).clone();
        change(&mut ward);
        facts.ward = Arc::new(ward);
    }
    /// A report true at and received at one time.
    pub fn report(&mut self, now: &str, facts: Facts) -> Decision {
        self.late(now, now, facts)
    }
    /// A report true at `observed` that arrives at `now`.
    pub fn late(&mut self, now: &str, observed: &str, facts: Facts) -> Decision {
        let report = self.sent(observed, facts);
        self.receive(at(now), &report)
    }
    /// What a sender would send: with a fresh id unless it has one.
    pub fn sent(&mut self, observed: &str, facts: Facts) -> Report {
        let Facts(mut report) = facts;
        self.ids += 1;
        report.key.observed = at(observed);
        report.key.subject = self.subject.name.clone();
        if report.key.id == id(0) {
            report.key.id = id(self.ids);
        }
        report
    }
    /// Judges a report as the intake would: its digest, and what the store knows of its key.
    pub fn receive(&mut self, now: Time, report: &Report) -> Decision {
        let digest = wire::digest(&wire::encode_report(report));
        let stored = self.stored.get(&report.key).copied();
        let decision =
            judge(&self.book, &self.subject, &Input::Report { report, digest, stored, retention: RETENTION }, now);
        if decision.stored {
            self.stored.insert(report.key.clone(), digest);
        }
        self.keep(&decision);
        decision
    }
    /// Time passes, or the register changed.
    pub fn tick(&mut self, now: &str) -> Decision {
        self.tick_at(at(now))
    }
    pub fn tick_at(&mut self, now: Time) -> Decision {
        let decision = judge(&self.book, &self.subject, &Input::Tick, now);
        self.keep(&decision);
        decision
    }
    /// The site manager acts on the newest alert of a rule.
    pub fn act(&mut self, now: &str, rule: &str, act: Act) -> Decision {
        self.act_on(now, rule, act, None)
    }
    /// As [`Self::act`], by who read the alert with this etag.
    pub fn act_on(&mut self, now: &str, rule: &str, act: Act, etag: Option<&str>) -> Decision {
        let by = Responder { role: ResponderRole::SiteManager, client: "DESK".parse().unwrap() };
        let request = Request { alert: self.alert(rule).id, act, by: &by, etag };
        let decision = judge(&self.book, &self.subject, &Input::Act(request), at(now));
        self.keep(&decision);
        decision
    }
    /// The newest alert of a rule.
    pub fn alert(&self, rule: &str) -> &Alert {
        let mut alerts = self.subject.state.episodes.iter().map(|e| &e.alert);
        alerts.rfind(|a| a.rule == rule).unwrap_or_else(|| panic!("{rule} was never raised"))
    }
    fn keep(&mut self, decision: &Decision) {
        self.subject.state = decision.state.clone();
        self.subject.next_check = decision.next_check;
    }
    pub fn status(&self, now: &str) -> (WardStatus, Freshness) {
        crate::rules::status(self.facts(), &self.subject.state, &self.subject.reads, at(now))
    }
    /// Open alerts: rule, severity, condition; in the order they were raised.
    pub fn open(&self) -> Vec<String> {
        let open = self.subject.state.episodes.iter().map(|e| &e.alert).filter(|a| a.is_open());
        open.map(|a| format!("{} {:?} {:?}", a.rule, a.severity, a.condition)).collect()
    }
}

/// What happened: `Raised ratio.over_limit Warning`, `Updated ... Clearing`, `Resolved ... Corrected`.
pub fn said(decision: &Decision) -> Vec<String> {
    decision.events.iter().map(sentence).collect()
}

/// As [`said`], of one rule or family only.
pub fn said_of(rule: &str, decision: &Decision) -> Vec<String> {
    decision.events.iter().filter(|e| e.alert.rule.starts_with(rule)).map(sentence).collect()
}

fn sentence(event: &AlertEvent) -> String {
    let alert = &event.alert;
    let clearing = if alert.condition == Condition::Clearing && alert.is_open() { " Clearing" } else { "" };
    let end = alert.resolution.map(|r| format!(" {r:?}")).unwrap_or_default();
    format!("{:?} {} {:?}{clearing}{end}", event.kind, alert.rule, alert.severity)
}

/// What the rules say of the present figures, breaches only: rule and severity.
pub fn breaches(bay: &Bay, now: &str) -> Vec<String> {
    use crate::rules::{all::ward_rulings, verdict::Verdict, view::View};
    let policy = crate::domain::Policy::default();
    let view = View::of(bay.facts(), &policy, &bay.subject.state, at(now));
    let breach = |r: crate::rules::verdict::Ruling| match r.verdict {
        Verdict::Breach(severity) => Some(format!("{} {severity:?}", r.rule)),
        _ => None,
    };
    ward_rulings(&view, &[]).into_iter().filter_map(breach).collect()
}

/// Field and reason of each violation.
pub fn rejection(decision: &Decision) -> Vec<(String, RejectReason)> {
    match &decision.receipt.as_ref().unwrap().outcome {
        Outcome::Rejected(error) => error.violations.iter().map(|v| (v.field.clone(), v.reason)).collect(),
        other => panic!("not rejected: {other:?}"),
    }
}

pub fn outcome(decision: &Decision) -> &'static str {
    match decision.receipt.as_ref().unwrap().outcome {
        Outcome::Accepted(_) => "accepted",
        Outcome::Superseded(_) => "superseded",
        Outcome::Duplicate => "duplicate",
        Outcome::Rejected(_) => "rejected",
    }
}

/// A report with nothing in it yet.
pub fn nothing() -> Facts {
    let subject = SubjectName::Organisation("RJ1".parse().unwrap());
    Facts(Report {
        key: ReportKey { subject, observed: Time::default(), id: id(0) },
        revision: 0,
        source: "BEDS".parse().unwrap(),
        plan: None,
        patients: None,
        levels_of_care: None,
        nursing: None,
        nursing_hours: None,
        medical_cover: None,
        judgement: None,
        red_flags: Vec::new(),
    })
}

/// So many patients in beds.
pub fn patients(bedded: u32) -> Facts {
    nothing().with(|r| r.patients = Some(Patients { bedded, corridor: Some(0), ..Patients::default() }))
}

/// So many registered nurses.
pub fn nurses(registered_nurses: u32) -> Facts {
    nothing().with(|r| r.nursing = Some(Nursing { registered_nurses, ..Nursing::default() }))
}

/// Patients and nurses together.
pub fn shift(bedded: u32, registered_nurses: u32) -> Facts {
    patients(bedded).and(nurses(registered_nurses))
}

pub fn levels(set: impl FnOnce(&mut LevelsOfCare)) -> Facts {
    let mut levels = LevelsOfCare::default();
    set(&mut levels);
    nothing().with(|r| r.levels_of_care = Some(levels))
}

/// Registered nurse minutes available of those required in the shift from 07:30 to 20:00.
pub fn hours(available: u32, required: u32) -> Facts {
    let hours = NursingHours {
        shift_start: at("07:30"),
        shift_end: at("20:00"),
        required_minutes: Some(required),
        available_minutes: Some(available),
        planned_minutes: None,
    };
    nothing().with(|r| r.nursing_hours = Some(hours))
}

pub fn judged(judgement: Judgement) -> Facts {
    nothing().with(|r| r.judgement = Some(judgement))
}

/// A red flag raised by staff, with its event's number.
pub fn flag(event: u128, noticed: &str) -> Facts {
    let flag = RedFlag { kind: RedFlagType::ALL[1].clone(), event: id(event), noticed: at(noticed), resolved: None };
    nothing().with(|r| r.red_flags.push(flag))
}

impl Facts {
    pub fn with(mut self, change: impl FnOnce(&mut Report)) -> Self {
        change(&mut self.0);
        self
    }
    /// With the blocks and red flags of the other too.
    pub fn and(self, other: Self) -> Self {
        let Self(mut one) = self;
        let Self(two) = other;
        one.patients = one.patients.or(two.patients);
        one.levels_of_care = one.levels_of_care.or(two.levels_of_care);
        one.nursing = one.nursing.or(two.nursing);
        one.nursing_hours = one.nursing_hours.or(two.nursing_hours);
        one.judgement = one.judgement.or(two.judgement);
        one.red_flags.extend(two.red_flags);
        Self(one)
    }
    pub fn of_patients(self, set: impl FnOnce(&mut Patients)) -> Self {
        self.with(|r| set(r.patients.as_mut().unwrap()))
    }
    pub fn of_nursing(self, set: impl FnOnce(&mut Nursing)) -> Self {
        self.with(|r| set(r.nursing.as_mut().unwrap()))
    }
    pub fn resolved(self, at_time: &str) -> Self {
        self.with(|r| r.red_flags.iter_mut().for_each(|f| f.resolved = Some(at(at_time))))
    }
    pub fn revision(self, revision: u32) -> Self {
        self.with(|r| r.revision = revision)
    }
    pub fn from(self, source: &str) -> Self {
        self.with(|r| r.source = source.parse().unwrap())
    }
    pub fn named(self, n: u128) -> Self {
        self.with(|r| r.key.id = id(n))
    }
}
