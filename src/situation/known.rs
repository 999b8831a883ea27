//! Open alerts: in which order they matter, and what is said of them.

use std::cmp::Reverse;

use crate::domain::{Alert, AlertState, Condition, Episode, Period, Severity, Time};
use crate::situation::strikes::Interval;
use crate::wire::{pb, role_to, timestamp_to};

/// The worst place in the hospital.
pub(super) const DOUBLE_GAP: &str = "ward.double_gap";
/// How many of the worst are shown.
const SHOWN: usize = 10;

/// An open alert.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub alert: &'a Alert,
    /// Since when it is critical with nobody having it; of the past, when it was raised.
    pub critical_since: Time,
}

impl<'a> Known<'a> {
    /// From an episode that is open.
    pub fn of(episode: &'a Episode) -> Option<Self> {
        let alert = &episode.alert;
        alert.is_open().then(|| Self { alert, critical_since: episode.critical_since.unwrap_or(alert.raised) })
    }
    /// From the log.
    pub fn past(alert: &'a Alert) -> Self {
        Self { alert, critical_since: alert.raised }
    }
    /// Whether it is a hole now: not a forecast, and bad by its newest figures.
    pub fn is_hole(&self) -> bool {
        !self.alert.forecast && self.alert.condition == Condition::Breaching
    }
    /// Whether someone must act and nobody has said that they do.
    pub fn is_unattended(&self) -> bool {
        self.is_hole() && self.alert.severity == Severity::Critical && self.alert.state == AlertState::Open
    }
}

/// The worst first.
pub(super) fn worst(alerts: &[Known<'_>]) -> Vec<pb::SituationAlert> {
    let mut now: Vec<&Alert> = alerts.iter().map(|k| k.alert).filter(|a| !a.forecast).collect();
    now.sort_by_key(|a| {
        let (clears, taken) = (a.condition == Condition::Clearing, a.state == AlertState::Acknowledged);
        (Reverse(a.severity), clears, a.rule != DOUBLE_GAP, taken, a.raised, a.id.0)
    });
    now.into_iter().take(SHOWN).map(|a| shown(a, None)).collect()
}

/// The forecast whose time begins next, and how many there are.
pub(super) fn forecasts(alerts: &[Known<'_>], strikes: &[Interval<'_>]) -> (Option<pb::SituationAlert>, usize) {
    let open = || alerts.iter().map(|k| k.alert).filter(|a| a.forecast && a.condition == Condition::Breaching);
    let timed = open().map(|a| (time_of(a, strikes), a));
    let next = timed.min_by_key(|((start, _), a)| (*start, Reverse(a.severity), a.raised, a.id.0));
    (next.map(|(time, a)| shown(a, Some(time))), open().count())
}

/// The time that a forecast is about: a period, or from the opening of its strike.
fn time_of(alert: &Alert, strikes: &[Interval<'_>]) -> (Time, Option<Time>) {
    if let Ok(Period { start, end }) = alert.instance.parse() {
        return (start, Some(end));
    }
    let of = strikes.iter().filter(|s| alert.strike.as_ref() == Some(&s.strike.id) && s.opened > alert.raised);
    (of.map(|s| s.opened).min().unwrap_or(alert.raised), None)
}

fn shown(alert: &Alert, time: Option<(Time, Option<Time>)>) -> pb::SituationAlert {
    let taken = alert.acknowledgement.as_ref().filter(|_| alert.state == AlertState::Acknowledged);
    let (start, end) = time.unzip();
    pb::SituationAlert {
        name: alert.id.to_string(),
        subject: alert.subject.to_string(),
        rule: alert.rule.to_string(),
        severity: pb::Severity::from(alert.severity).into(),
        state: pb::AlertState::from(alert.state).into(),
        condition: pb::AlertCondition::from(alert.condition).into(),
        message: alert.message.clone(),
        raise_time: Some(timestamp_to(alert.raised)),
        strike: alert.strike.as_ref().map(ToString::to_string).unwrap_or_default(),
        acknowledged_by: taken.map_or(0, |a| role_to(a.by.role)),
        escalated_to: alert.escalation.map_or(0, |e| role_to(e.role)),
        forecast_start_time: start.map(timestamp_to),
        forecast_end_time: end.flatten().map(timestamp_to),
    }
}
