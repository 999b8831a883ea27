//! What responders do to an alert, and what happens when nobody does: acknowledging, closing, escalating
//! (domain.md section 5).

use crate::domain::{
    Acknowledgement, Act, ActRefusal, AlertId, AlertState, Cause, Condition, Episode, Escalation, EventType, Policy,
    Resolution, Responder, ResponderRole, Severity, Time,
};
use crate::rules::catalogue::of_cover;
use crate::rules::lifecycle::{Turn, Turned};

/// What a responder asks, and on what.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Which alert.
    pub alert: AlertId,
    /// What is asked.
    pub act: Act,
    /// Who asks.
    pub by: &'a Responder,
    /// Present: refused unless the alert is as it was when this was read.
    pub etag: Option<&'a str>,
}

impl Turn<'_> {
    /// Carries out what a responder asks. `closable`: whether ending the alert would hide nothing.
    pub fn act(
        &self,
        episodes: &mut [Episode],
        request: &Request<'_>,
        closable: bool,
        turned: &mut Turned,
    ) -> Result<(), ActRefusal> {
        let episode = episodes.iter_mut().find(|e| e.alert.id == request.alert);
        let episode = episode.filter(|e| e.alert.is_open()).ok_or(ActRefusal::AlreadyResolved)?;
        if request.etag.is_some_and(|etag| etag != episode.alert.etag()) {
            return Err(ActRefusal::EtagMismatch);
        }
        match request.act {
            Act::Acknowledge { action, expires } => {
                let expires = self.expiry(episode, expires)?;
                let before = (episode.alert.severity, episode.alert.state);
                let (at, severity) = (self.now, episode.alert.severity);
                let by = request.by.clone();
                episode.alert.acknowledgement = Some(Acknowledgement { by, action, at, expires, severity });
                episode.alert.state = AlertState::Acknowledged;
                turned.events.push(self.event(episode, EventType::Acknowledged, Some(before)));
            }
            Act::Unacknowledge if episode.alert.state != AlertState::Acknowledged => {
                return Err(ActRefusal::NotAcknowledged);
            }
            Act::Unacknowledge => self.unacknowledge(episode, turned),
            Act::Close(_) if closable || episode.alert.condition == Condition::Clearing => {
                self.resolve(episode, Resolution::ClosedByResponder, turned);
            }
            Act::Close(_) => return Err(ActRefusal::StillBreaching),
        }
        turned.changed = true;
        Ok(())
    }

    /// An acknowledgement always expires.
    fn expiry(&self, episode: &Episode, asked: Option<Time>) -> Result<Time, ActRefusal> {
        let latest = self.now + self.policy.acknowledge_most;
        let usual = match episode.alert.severity {
            Severity::Critical => self.policy.acknowledge_critical,
            Severity::Info | Severity::Warning => self.policy.acknowledge_other,
        };
        let expires = asked.unwrap_or(self.now + usual);
        if expires > self.now && expires <= latest { Ok(expires) } else { Err(ActRefusal::BadExpiry(latest)) }
    }

    fn unacknowledge(&self, episode: &mut Episode, turned: &mut Turned) {
        let before = (episode.alert.severity, episode.alert.state);
        episode.alert.acknowledgement = None;
        episode.alert.state = AlertState::Open;
        turned.events.push(self.event(episode, EventType::Unacknowledged, Some(before)));
    }

    /// Acknowledgements that lapse, and criticals that nobody took on. To be called after the rulings.
    pub fn tend(&self, episodes: &mut [Episode], turned: &mut Turned) {
        for episode in episodes.iter_mut().filter(|e| e.alert.is_open()) {
            self.lapse(episode, turned);
            self.escalate(episode, turned);
        }
    }

    fn lapse(&self, episode: &mut Episode, turned: &mut Turned) {
        let acknowledged = episode.alert.state == AlertState::Acknowledged;
        let Some(ack) = episode.alert.acknowledgement.as_ref().filter(|_| acknowledged) else { return };
        if episode.alert.severity > ack.severity {
            self.unacknowledge(episode, turned);
        } else if ack.expires <= self.now {
            self.by_timer().unacknowledge(episode, turned);
        }
    }

    fn escalate(&self, episode: &mut Episode, turned: &mut Turned) {
        if !unattended(episode) {
            return;
        }
        turned.changed |= episode.critical_since.is_none();
        let since = *episode.critical_since.get_or_insert(self.now);
        let due = ladder(episode, self.policy).into_iter().rev().find(|(after, _)| since + *after <= self.now);
        let Some((_, role)) = due.filter(|(_, role)| rank(Some(*role)) > reached(episode)) else { return };
        let before = (episode.alert.severity, episode.alert.state);
        episode.alert.escalation = Some(Escalation { role, at: self.now });
        turned.events.push(self.by_timer().event(episode, EventType::Escalated, Some(before)));
    }

    fn by_timer(&self) -> Turn<'_> {
        Turn { cause: Cause::Timer, ..self.clone() }
    }
}

/// Critical, and nobody has taken it on. What clears needs nobody, and a forecast is not yet true.
fn unattended(episode: &Episode) -> bool {
    let alert = &episode.alert;
    alert.severity == Severity::Critical
        && alert.state == AlertState::Open
        && alert.condition == Condition::Breaching
        && !alert.forecast
}

/// To whom an alert goes, and how long after it was first critical and unacknowledged.
fn ladder(episode: &Episode, policy: &Policy) -> [(crate::domain::Span, ResponderRole); 2] {
    let second = if of_cover(&episode.alert.rule) { ResponderRole::MedicalDirector } else { ResponderRole::ChiefNurse };
    [(policy.escalate_first, ResponderRole::SiteManager), (policy.escalate_second, second)]
}

/// How high a role stands on the ladder.
const fn rank(role: Option<ResponderRole>) -> u8 {
    match role {
        None | Some(ResponderRole::NurseInCharge | ResponderRole::Matron) => 0,
        Some(ResponderRole::SiteManager) => 1,
        Some(ResponderRole::ChiefNurse | ResponderRole::MedicalDirector) => 2,
    }
}

fn reached(episode: &Episode) -> u8 {
    rank(episode.alert.escalation.map(|e| e.role))
}

/// The instants at which acknowledgements expire and escalations come due.
pub fn response_times(episodes: &[Episode], policy: &Policy) -> Vec<Time> {
    let open = || episodes.iter().filter(|e| e.alert.is_open());
    let acknowledged = open().filter(|e| e.alert.state == AlertState::Acknowledged);
    let expiries = acknowledged.filter_map(|e| e.alert.acknowledgement.as_ref()).map(|ack| ack.expires);
    let escalations = open().filter(|e| unattended(e)).flat_map(|e| {
        let since = e.critical_since;
        let higher = ladder(e, policy).into_iter().filter(|(_, role)| rank(Some(*role)) > reached(e));
        higher.filter_map(move |(after, _)| Some(since? + after)).collect::<Vec<_>>()
    });
    expiries.chain(escalations).collect()
}
