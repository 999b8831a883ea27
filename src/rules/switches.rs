//! Rules that the policy in force switches on and off.

use crate::domain::{Episode, Policy};
use crate::rules::catalogue::RULES;
use crate::rules::verdict::{Ruling, Verdict};

/// Whether a rule is on: in the policy, or for this ward.
pub fn is_on(policy: &Policy, of_ward: &[String], rule: &str) -> bool {
    policy.is_on(rule) || of_ward.iter().any(|r| r == rule)
}

/// Rulings as they stand; those of rules that are off say so.
pub fn switched(policy: &Policy, of_ward: &[String], rulings: Vec<Ruling>) -> Vec<Ruling> {
    let one = |ruling: Ruling| {
        if is_on(policy, of_ward, ruling.rule) { ruling } else { ruling.says(Verdict::SwitchedOff) }
    };
    rulings.into_iter().map(one).collect()
}

/// The ends of what is open of rules that are off, also where nothing else speaks of it: red flags, plans.
pub fn ends(policy: &Policy, of_ward: &[String], episodes: &[Episode]) -> Vec<Ruling> {
    let open = episodes.iter().map(|e| &e.alert).filter(|a| a.is_open() && !is_on(policy, of_ward, &a.rule));
    let end = |alert: &crate::domain::Alert| {
        let rule = RULES.iter().find(|r| **r == alert.rule)?;
        let ruling = Ruling::said(rule, &[], alert.message.clone()).says(Verdict::SwitchedOff);
        Some(Ruling { instance: alert.instance.clone(), ..ruling })
    };
    open.filter_map(end).collect()
}
