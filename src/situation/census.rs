//! The figures of a whole cluster that its metrics show, counted from one survey.

use std::collections::BTreeMap;

use crate::domain::{
    Alert, AlertState, Blocks, Episode, Freshness, Rulebook, Severity, SubjectName, SubjectState, Time, WardState,
    WardStatus,
};
use crate::rules;
use crate::store::SubjectRow;
use crate::wire;
use crate::wire::log::Keys;

/// What stands in the store.
#[derive(Clone, Debug, Default)]
pub struct Census {
    /// Open alerts by rule, severity and whether someone acknowledged them; forecasts are not among them.
    pub alerts: BTreeMap<(String, Severity, bool), usize>,
    /// Open forecasts.
    pub forecasts: usize,
    /// Wards by status.
    pub wards: Vec<(WardStatus, usize)>,
    /// Open wards whose figures are overdue, or never came.
    pub stale_wards: usize,
    /// Subjects whose state cannot be read.
    pub unreadable: usize,
    /// Critical alerts that nobody acknowledged, and since when they are critical.
    pub criticals: Vec<(Keys, Time)>,
    /// When each source, by organisation's and source's code, was last heard.
    pub sources: BTreeMap<(String, String), Time>,
}

/// Counts all subjects of a survey. One that cannot be read is counted as such; the intake logs it.
pub fn census(rows: &[SubjectRow], book: &Rulebook, now: Time) -> Census {
    let mut census = Census::default();
    for row in rows {
        match wire::state_from(&row.hot, &row.cold, &row.summary) {
            Ok(state) => census.count(&row.name, &state, book, now),
            Err(_) => census.unreadable += 1,
        }
    }
    census
}

impl Census {
    fn count(&mut self, name: &SubjectName, state: &SubjectState, book: &Rulebook, now: Time) {
        state.episodes.iter().filter(|e| e.alert.is_open()).for_each(|episode| self.count_alert(episode));
        if let Some(facts) = book.ward(name) {
            let (status, freshness) = rules::status(facts, state, &[], now);
            match self.wards.iter_mut().find(|(s, _)| *s == status) {
                Some((_, number)) => *number += 1,
                None => self.wards.push((status, 1)),
            }
            if facts.ward.state != WardState::Closed {
                self.stale_wards += usize::from(freshness == Freshness::Stale);
                self.hear(name, &state.blocks);
            }
        } else if book.group(name).is_some_and(|facts| facts.in_force) {
            self.hear(name, &state.blocks);
        }
    }

    fn count_alert(&mut self, episode: &Episode) {
        let alert = &episode.alert;
        if alert.forecast {
            self.forecasts += 1;
            return;
        }
        let acknowledged = alert.state == AlertState::Acknowledged;
        *self.alerts.entry((alert.rule.to_string(), alert.severity, acknowledged)).or_default() += 1;
        if alert.severity == Severity::Critical && !acknowledged {
            self.criticals.push((keys(alert), episode.critical_since.unwrap_or(alert.raised)));
        }
    }

    /// What is no longer current is silent, however often it was heard before: so only open wards and groups in force count.
    fn hear(&mut self, name: &SubjectName, blocks: &Blocks) {
        for (_, source, heard) in blocks.kinds().filter_map(|kind| blocks.current(kind)) {
            let last = self.sources.entry((name.organisation().to_string(), source.to_string())).or_insert(heard);
            *last = heard.max(*last);
        }
    }
}

/// What filters look at of an alert.
fn keys(alert: &Alert) -> Keys {
    wire::log::keys(wire::alert_to(alert))
}
