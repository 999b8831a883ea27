//! Whether anybody would be shown an alert: a critical one that nobody listens for is a hazard.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::EventType;
use crate::feed::Filter;
use crate::feed::audience::Listener;
use crate::wire::log::Keys;
use crate::wire::pb;

/// Filters compared with alerts at most, in one call; what is left after that counts as unheard: a sign too many is better
/// than one too few. Subscribers with the same filter are compared once, those of one organisation with its alerts alone.
const MOST: usize = 1_000_000;

/// Filters, by what they can be about.
#[derive(Debug, Default)]
struct Ears<'a> {
    of_all: Vec<&'a Filter>,
    of_one: HashMap<&'a str, Vec<&'a Filter>>,
}

/// For each alert, whether one of these listeners asked to see it and what makes it worse.
pub fn heard(listeners: &[Arc<Listener>], alerts: &[&Keys]) -> Vec<bool> {
    let ears = Ears::of(listeners);
    let mut left = MOST;
    alerts.iter().map(|keys| ears.hear(keys, &mut left)).collect()
}

impl<'a> Ears<'a> {
    fn of(listeners: &'a [Arc<Listener>]) -> Self {
        let (mut ears, mut known) = (Self::default(), HashSet::new());
        for listener in listeners.iter().filter(|l| worsening(&l.filter) && known.insert(l.fingerprint)) {
            let filter = &*listener.filter;
            let organisations: HashSet<&str> = match (filter.organisations.is_empty(), filter.subjects.is_empty()) {
                (false, _) => filter.organisations.iter().map(String::as_str).collect(),
                (true, false) => filter.subjects.iter().map(|subject| organisation(subject)).collect(),
                (true, true) => {
                    ears.of_all.push(filter);
                    continue;
                }
            };
            organisations.into_iter().for_each(|name| ears.of_one.entry(name).or_default().push(filter));
        }
        ears
    }

    fn hear(&self, keys: &Keys, left: &mut usize) -> bool {
        let own = self.of_one.get(keys.organisation.as_str()).into_iter().flatten();
        self.of_all.iter().chain(own).any(|filter| {
            let looked = *left > 0;
            *left = left.saturating_sub(1);
            looked && filter.wants_alert(keys)
        })
    }
}

/// Whether a filter lets through at least one of the events that make an alert critical.
fn worsening(filter: &Filter) -> bool {
    let worse = [EventType::Raised, EventType::SeverityChanged, EventType::Escalated, EventType::Reopened];
    filter.event_types.is_empty()
        || worse.into_iter().any(|kind| filter.event_types.contains(&pb::AlertEventType::from(kind).into()))
}

/// `organisations/RJ1` of `organisations/RJ1/wards/A1`.
fn organisation(subject: &str) -> &str {
    subject.match_indices('/').nth(1).map_or(subject, |(at, _)| &subject[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::audience::Audience;

    fn keys(organisation: &str, ward: &str) -> Keys {
        Keys {
            organisation: format!("organisations/{organisation}"),
            subject: format!("organisations/{organisation}/wards/{ward}"),
            rule: "rn.none".into(),
            peak_severity: 3,
            ..Keys::default()
        }
    }

    fn hearing(filters: Vec<Filter>, alerts: &[Keys]) -> Vec<bool> {
        let audience = Arc::new(Audience::default());
        let seats: Vec<_> = filters.into_iter().map(|f| audience.join("WALL".into(), Arc::new(f), 0)).collect();
        let heard = heard(&audience.listeners(), &alerts.iter().collect::<Vec<_>>());
        drop(seats);
        heard
    }

    fn set(values: &[&str]) -> HashSet<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_alert_is_heard_by_whoever_asked_for_its_trust_its_ward_or_for_everything() {
        let alerts = [keys("RJ1", "A1"), keys("RJ1", "A2"), keys("RJ2", "A1")];
        assert_eq!(hearing(vec![], &alerts), [false; 3]);
        assert_eq!(hearing(vec![Filter::default()], &alerts), [true; 3]);
        let trust = Filter { organisations: set(&["organisations/RJ2"]), ..Filter::default() };
        let ward = Filter { subjects: set(&["organisations/RJ1/wards/A2"]), ..Filter::default() };
        assert_eq!(hearing(vec![trust.clone(), trust.clone()], &alerts), [false, false, true]);
        assert_eq!(hearing(vec![trust, ward], &alerts), [false, true, true]);
    }

    #[test]
    fn whoever_asked_for_other_rules_or_for_ends_alone_does_not_hear() {
        let alerts = [keys("RJ1", "A1")];
        let others = Filter { rules: set(&["ratio.over_limit"]), ..Filter::default() };
        let ends = Filter { event_types: [pb::AlertEventType::Resolved.into()].into(), ..Filter::default() };
        assert_eq!(hearing(vec![others, ends], &alerts), [false]);
        let raises = Filter { event_types: [pb::AlertEventType::Raised.into()].into(), ..Filter::default() };
        assert_eq!(hearing(vec![raises], &alerts), [true]);
    }

    #[test]
    fn the_work_is_bounded_and_what_is_left_counts_as_unheard() {
        let ears = Ears { of_all: vec![], of_one: HashMap::new() };
        assert!(!ears.hear(&keys("RJ1", "A1"), &mut 1));
        let all = Filter::default();
        let ears = Ears { of_all: vec![&all], of_one: HashMap::new() };
        let mut left = 1;
        assert!(ears.hear(&keys("RJ1", "A1"), &mut left));
        assert!(!ears.hear(&keys("RJ1", "A1"), &mut left), "nothing is left to compare with");
    }
}
