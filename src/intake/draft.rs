use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::domain::{
    Act, ActRefusal, AlertEvent, AlertId, AlertInput, BlockKind, Receipt, ReportKey, Rulebook, Span, Subject,
    SubjectName, Time,
};
use crate::intake::{Actor, Submitted};
use crate::rules::{self, Decision, Input, Request};
use crate::store::{AlertRow, EventRow, InputRows, ReportRow, SubjectWrite};
use crate::wire;

/// Nothing is checked again sooner than this.
const SOONEST: Span = Span::millis(1);

/// A subject on its way through a batch: each input is judged on what the one before left.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    book: &'a Rulebook,
    now: Time,
    retention: Span,
    subject: Subject,
    write: SubjectWrite,
    hot: bool,
    cold: bool,
    summary: bool,
    acting: Option<(Actor, Act)>,
    /// Who sent the report that is judged; nobody when time is.
    sender: Arc<str>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(book: &'a Rulebook, subject: Subject, now: Time, retention: Span) -> Self {
        let write = SubjectWrite { subject: subject.number, base: subject.etag, ..SubjectWrite::default() };
        let now = not_before(&subject, now);
        Self {
            book,
            now,
            retention,
            subject,
            write,
            hot: false,
            cold: false,
            summary: false,
            acting: None,
            sender: "".into(),
        }
    }

    /// Judges a report; `stored` is the digest found in the store under its key.
    pub(super) fn report(&mut self, submitted: &Submitted, stored: Option<i64>) -> Option<Receipt> {
        let Submitted { report, payload, digest, by } = submitted;
        self.sender = Arc::clone(by);
        let input = Input::Report { report, digest: *digest, stored, retention: self.retention };
        let decision = rules::judge(self.book, &self.subject, &input, self.now);
        if decision.stored {
            self.write.reports.push(ReportRow {
                observed: report.key.observed,
                id: report.key.id,
                digest: *digest,
                received: self.now,
                payload: payload.clone(),
            });
        }
        // A report never moves the next check later: that would be an indexed write with each report.
        let sooner = match (decision.next_check, self.subject.next_check) {
            (Some(wanted), Some(set)) => wanted < set,
            (wanted, None) => wanted.is_some(),
            (None, Some(_)) => false,
        };
        if sooner && decision.stored {
            self.check_at(decision.next_check);
        }
        self.apply(decision)
    }

    /// Judges the passing of time.
    pub(super) fn tick(&mut self) {
        self.sender = "".into();
        let decision = rules::judge(self.book, &self.subject, &Input::Tick, self.now);
        self.check_at(decision.next_check);
        let _no_receipt = self.apply(decision);
    }

    /// Judges what a responder asks; the alert as it is then, or why not. What time has done already, and the sweep has
    /// not come round to, goes first: it is not the responder's doing.
    pub(super) fn act(&mut self, request: &Request<'_>, actor: &Actor) -> Result<Bytes, ActRefusal> {
        self.tick();
        let mut decision = rules::judge(self.book, &self.subject, &Input::Act(request.clone()), self.now);
        let acted = decision.acted.take().unwrap_or(Err(ActRefusal::NotFound));
        self.check_at(decision.next_check);
        self.acting = Some((actor.clone(), request.act));
        let _no_receipt = self.apply(decision);
        acted?;
        let episode = self.subject.state.episodes.iter().find(|e| e.alert.id == request.alert);
        episode.map(|e| wire::alert_row(&e.alert).0).ok_or(ActRefusal::NotFound)
    }

    fn check_at(&mut self, at: Option<Time>) {
        // Never the present itself: a rule that names it cannot make the sweep spin.
        let at = at.map(|at| at.max(self.now + SOONEST));
        self.subject.next_check = at;
        self.write.next_check = Some(at);
    }

    fn apply(&mut self, decision: Decision) -> Option<Receipt> {
        let Decision {
            state,
            hot_changed,
            cold_changed,
            summary_changed,
            stored: _,
            events,
            next_check: _,
            receipt,
            acted: _,
        } = decision;
        self.subject.state = state;
        self.hot |= hot_changed;
        self.cold |= cold_changed;
        self.summary |= summary_changed;
        self.append(&events);
        receipt
    }

    /// Who sent the report, where one is judged. Its method is told by the cause.
    fn sent(&self) -> Actor {
        Actor { method: String::new(), subject: self.sender.to_string() }
    }

    fn append(&mut self, events: &[AlertEvent]) {
        let Some(last) = events.last() else { return };
        let rows = events.iter().map(|e| EventRow { alert: e.alert.id, payload: wire::event_to(e) }).collect();
        let (Actor { method, subject: actor }, act) =
            self.acting.clone().map_or_else(|| (self.sent(), None), |(actor, act)| (actor, Some(act)));
        let inputs = events.iter().flat_map(|e| e.alert.inputs.iter().map(|i| self.report_name(i)));
        let audited = wire::Audited {
            method,
            actor,
            policy_version: last.alert.policy_version.to_string(),
            generation: self.book.generation,
            changed: events.iter().map(|e| e.alert.id.to_string()).collect(),
            inputs: inputs.collect::<BTreeSet<_>>().into_iter().collect(),
            act,
        };
        // What a responder asked comes first, whatever lapsed or escalated with it.
        let audit = wire::audit_entry(&events.first().unwrap_or(last).cause, audited);
        self.write.inputs.push(InputRows { events: rows, audit: Some(audit) });
        for event in events {
            let row = alert_row(event);
            self.write.alerts.retain(|a| a.id != row.id);
            self.write.alerts.push(row);
        }
    }

    /// What to write, and the subject as it will be once that is committed under `tag`.
    pub(super) fn finish(mut self, tag: i64) -> (SubjectWrite, Subject) {
        if self.hot {
            self.write.hot = Some(wire::hot_to(&self.subject.state));
        }
        if self.cold {
            self.write.cold = Some(wire::cold_to(&self.subject.state));
        }
        if self.summary {
            self.write.summary = Some(wire::summary_to(&self.subject.state.summary));
            self.write.touches = self.readers();
        }
        if !self.write.is_check() {
            self.subject.etag = tag;
        }
        (self.write, self.subject)
    }

    fn report_name(&self, input: &AlertInput) -> String {
        ReportKey { subject: self.subject.name.clone(), observed: input.observed, id: input.report }.to_string()
    }

    /// Who reads this subject: a ward is read by its organisation, a cover group also by its wards.
    fn readers(&self) -> Vec<i64> {
        let organisation = match &self.subject.name {
            SubjectName::Organisation(_) => return Vec::new(),
            SubjectName::Ward(code, _) | SubjectName::CoverGroup(code, _) => SubjectName::Organisation(code.clone()),
        };
        let wards = self.book.group(&self.subject.name).map_or(&[][..], |facts| &facts.wards);
        std::iter::once(&organisation).chain(wards).filter_map(|name| self.book.number(name)).collect()
    }
}

/// Now, but never before what is known of the subject already happened. Another replica, its clock a moment ahead, may
/// have judged it last: by an earlier time what fell overdue would not be so yet, and its alert would end and come back.
fn not_before(subject: &Subject, now: Time) -> Time {
    let heard =
        BlockKind::ALL.into_iter().filter_map(|kind| subject.state.blocks.current(kind)).map(|(_, _, heard)| heard);
    subject.state.episodes.iter().map(|e| e.last_event).chain(heard).fold(now, Time::max)
}

fn alert_row(event: &AlertEvent) -> AlertRow {
    let alert = &event.alert;
    let (payload, [state, condition, peak_severity]): (Bytes, _) = wire::alert_row(alert);
    let id: AlertId = alert.id;
    AlertRow {
        id,
        rule: alert.rule.to_string(),
        instance: alert.instance.clone(),
        subject: alert.subject.to_string(),
        organisation: alert.subject.organisation().to_string(),
        site: alert.site.as_ref().map(ToString::to_string).unwrap_or_default(),
        region: alert.region.as_ref().map(ToString::to_string).unwrap_or_default(),
        state,
        condition,
        peak_severity,
        forecast: alert.forecast,
        strike: alert.strike.as_ref().map(ToString::to_string).unwrap_or_default(),
        raised: alert.raised,
        payload,
    }
}
