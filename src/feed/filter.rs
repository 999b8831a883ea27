//! Which events a subscriber wants. Fields are ANDed, the values of one field ORed; an empty field means all.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::wire::log::Keys;

/// A compiled filter: every name in it has been checked against the register.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Resource names of organisations.
    pub organisations: HashSet<String>,
    /// Site codes.
    pub sites: HashSet<String>,
    /// Region codes.
    pub regions: HashSet<String>,
    /// Resource names of subjects.
    pub subjects: HashSet<String>,
    /// Resource names of strikes.
    pub strikes: HashSet<String>,
    /// Alerts on plans too.
    pub forecasts: bool,
    /// Rule ids, families written out.
    pub rules: HashSet<String>,
    /// `AlertEventType` as numbers; says nothing about the alerts of a snapshot.
    pub event_types: HashSet<i32>,
    /// Least `Severity` of the episode's peak as a number; 0: any.
    pub min_severity: i32,
}

impl Filter {
    /// The same for equal filters, and for hardly any others.
    pub fn fingerprint(&self) -> u64 {
        let Self { organisations, sites, regions, subjects, strikes, forecasts, rules, event_types, min_severity } =
            self;
        let mut hasher = DefaultHasher::new();
        for set in [organisations, sites, regions, subjects, strikes, rules] {
            let mut values: Vec<&String> = set.iter().collect();
            values.sort_unstable();
            values.hash(&mut hasher);
        }
        let mut event_types: Vec<i32> = event_types.iter().copied().collect();
        event_types.sort_unstable();
        (event_types, forecasts, min_severity).hash(&mut hasher);
        hasher.finish()
    }
    /// Whether an event is wanted.
    pub fn wants_event(&self, keys: &Keys) -> bool {
        (self.event_types.is_empty() || self.event_types.contains(&keys.event_type)) && self.wants_alert(keys)
    }
    /// Whether an alert is wanted.
    pub fn wants_alert(&self, keys: &Keys) -> bool {
        let any = |set: &HashSet<String>, value: &String| set.is_empty() || set.contains(value);
        keys.peak_severity >= self.min_severity
            && (self.forecasts || !keys.forecast)
            && any(&self.organisations, &keys.organisation)
            && any(&self.sites, &keys.site)
            && any(&self.regions, &keys.region)
            && any(&self.subjects, &keys.subject)
            && any(&self.rules, &keys.rule)
            && any(&self.strikes, &keys.strike)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys {
            organisation: "organisations/RJ1".into(),
            site: "RJ121".into(),
            region: "Y56".into(),
            subject: "organisations/RJ1/wards/A1".into(),
            rule: "ratio.over_limit".into(),
            strike: "strikes/bma-2016-04-26".into(),
            forecast: false,
            peak_severity: 2,
            event_type: 1,
        }
    }

    fn set(values: &[&str]) -> HashSet<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_empty_filter_wants_everything_but_forecasts() {
        assert!(Filter::default().wants_event(&keys()));
        let forecast = Keys { forecast: true, ..keys() };
        assert!(!Filter::default().wants_event(&forecast));
        let both = Filter { forecasts: true, ..Filter::default() };
        assert!(both.wants_event(&forecast) && both.wants_alert(&forecast) && both.wants_event(&keys()));
    }

    #[test]
    fn values_of_one_field_are_alternatives_and_fields_must_all_agree() {
        let sites = set(&["RJ122", "RJ121"]);
        assert!(Filter { sites: sites.clone(), ..Filter::default() }.wants_event(&keys()));
        assert!(!Filter { sites, rules: set(&["rn.none"]), ..Filter::default() }.wants_event(&keys()));
        for field in 0..5 {
            let mut sets = [const { None }; 5];
            sets[field] = Some(set(&["other"]));
            let [organisations, regions, subjects, rules, strikes] = sets.map(Option::unwrap_or_default);
            let filter = Filter { organisations, regions, subjects, strikes, rules, ..Filter::default() };
            assert!(!filter.wants_event(&keys()));
        }
    }

    #[test]
    fn severity_is_that_of_the_peak_and_the_type_of_event_counts_for_events_alone() {
        assert!(!Filter { min_severity: 3, ..Filter::default() }.wants_event(&keys()));
        let resolved = Filter { event_types: [7].into(), min_severity: 2, ..Filter::default() };
        assert!(!resolved.wants_event(&keys()));
        assert!(resolved.wants_alert(&keys()));
    }
}
