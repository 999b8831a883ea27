//! A filter as asked for, checked against the register: an unknown name is an error that names the nearest, never a
//! silent stream.

use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use crate::access::Reach;
use crate::domain::{OrganisationCode, Rulebook, SiteCode, Strike, StrikeId, SubjectName};
use crate::feed::Filter;
use crate::store::AlertQuery;
use crate::wire::pb;

/// Violations named at most: the rest of a hopeless filter is not worth searching names for.
const MOST_VIOLATIONS: usize = 20;
/// How alike a name must be to be worth suggesting, 0 to 1.
const ALIKE: f64 = 0.5;

/// A filter whose every name is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    organisations: Vec<OrganisationCode>,
    sites: Vec<SiteCode>,
    regions: Vec<SiteCode>,
    /// Wards and cover groups.
    subjects: Vec<SubjectName>,
    strikes: Vec<StrikeId>,
    forecasts: bool,
    rules: Vec<&'static str>,
    event_types: Vec<i32>,
    min_severity: i32,
}

/// Wrong fields: path, and what with the remedy.
pub type Violations = Vec<(String, String)>;

/// Why a filter cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// These fields are wrong.
    Wrong(Violations),
    /// It names an organisation that the caller is not bound to, whether it exists or not; nothing else is said then.
    Foreign,
}

/// Checks names and collects what is wrong. What the caller is not bound to is as good as not there.
struct Checker<'a> {
    rulebook: &'a Rulebook,
    reach: &'a Reach,
    foreign: Cell<bool>,
    rules: &'static [&'static str],
    found: Violations,
}

/// Checks a filter; `rules` are the ids of all rules, `reach` what the caller is bound to. One that names no organisation
/// wants all of these.
pub fn check(
    filter: &pb::AlertFilter,
    rulebook: &Rulebook,
    rules: &'static [&'static str],
    reach: &Reach,
) -> Result<Wanted, Unwanted> {
    // Exhaustive, so that a new field does not compile until someone decides.
    let pb::AlertFilter {
        organisations,
        sites,
        regions,
        wards,
        cover_groups,
        strikes,
        rules: wanted_rules,
        event_types,
        min_severity,
        include_forecasts,
    } = filter;
    let mut checker = Checker { rulebook, reach, foreign: Cell::new(false), rules, found: Vec::new() };
    let mut wanted = Wanted {
        organisations: checker.each("organisations", organisations, Checker::organisation),
        sites: checker.sites(sites),
        regions: checker.regions(regions),
        subjects: [
            checker.each("wards", wards, Checker::ward),
            checker.each("cover_groups", cover_groups, Checker::cover_group),
        ]
        .concat(),
        strikes: checker.each("strikes", strikes, Checker::strike),
        forecasts: *include_forecasts,
        rules: checker.each("rules", wanted_rules, Checker::rule).concat(),
        event_types: event_types.clone(),
        min_severity: *min_severity,
    };
    checker.enums(event_types, *min_severity);
    if checker.foreign.get() {
        return Err(Unwanted::Foreign);
    }
    if !checker.found.is_empty() {
        return Err(Unwanted::Wrong(checker.found));
    }
    if let Some(codes) = reach.named().filter(|_| wanted.organisations.is_empty()) {
        wanted.organisations = codes.iter().cloned().collect();
    }
    Ok(wanted)
}

impl Wanted {
    /// As a stream wants it.
    pub fn filter(&self) -> Filter {
        fn names<T: Display>(values: &[T]) -> HashSet<String> {
            values.iter().map(ToString::to_string).collect()
        }
        Filter {
            organisations: self.organisations.iter().map(|o| format!("organisations/{o}")).collect(),
            sites: names(&self.sites),
            regions: names(&self.regions),
            subjects: names(&self.subjects),
            strikes: names(&self.strikes),
            forecasts: self.forecasts,
            rules: names(&self.rules),
            event_types: self.event_types.iter().copied().collect(),
            min_severity: self.min_severity,
        }
    }
    /// As a list wants it, all states, from the start.
    pub fn query(&self) -> AlertQuery {
        fn names<T: Display>(values: &[T]) -> Vec<String> {
            values.iter().map(ToString::to_string).collect()
        }
        AlertQuery {
            organisations: names(&self.organisations),
            sites: names(&self.sites),
            regions: names(&self.regions),
            subjects: names(&self.subjects),
            strikes: names(&self.strikes),
            no_forecasts: !self.forecasts,
            rules: names(&self.rules),
            min_severity: self.min_severity,
            ..AlertQuery::default()
        }
    }
}

/// ", nearest known: X", if something is near.
fn nearest<T: Display>(wrong: &str, known: impl Iterator<Item = T>) -> String {
    known
        .map(|k| k.to_string())
        .map(|k| (strsim::normalized_damerau_levenshtein(wrong, &k), k))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map_or(String::new(), |(_, k)| format!("; the nearest known is {k}"))
}

impl Checker<'_> {
    fn full(&self) -> bool {
        self.found.len() >= MOST_VIOLATIONS
    }
    fn each<T>(&mut self, field: &str, values: &[String], check: impl Fn(&Self, &str) -> Result<T, String>) -> Vec<T> {
        let mut good = Vec::with_capacity(values.len());
        for (i, value) in values.iter().enumerate() {
            match check(self, value) {
                Ok(value) => good.push(value),
                Err(what) => self.found.push((format!("filter.{field}[{i}]"), what)),
            }
            if self.full() {
                break;
            }
        }
        good
    }
    /// A name of something of an organisation that the caller is bound to.
    fn own(&self, name: &str) -> Result<SubjectName, String> {
        let parsed: SubjectName = name.parse().map_err(|e| format!("{e}"))?;
        if !self.reach.has(parsed.organisation()) {
            self.foreign.set(true);
        }
        Ok(parsed)
    }
    fn organisation(&self, name: &str) -> Result<OrganisationCode, String> {
        let known = &self.rulebook.organisations;
        match self.own(name)? {
            SubjectName::Organisation(code) if known.contains_key(&code) => Ok(code),
            SubjectName::Organisation(code) => {
                let own = known.keys().filter(|o| self.reach.has(o));
                let near = nearest(name, own.map(|o| format!("organisations/{o}")));
                Err(format!("organisations/{code} is not registered{near}"))
            }
            _ => Err(format!("'{name}' is not an organisation's name such as organisations/RJ1")),
        }
    }
    fn ward(&self, name: &str) -> Result<SubjectName, String> {
        let ward = self.own(name)?;
        let SubjectName::Ward(organisation, _) = &ward else {
            return Err(format!("'{name}' is not a ward's name such as organisations/RJ1/wards/A1"));
        };
        if self.rulebook.ward(&ward).is_some() {
            return Ok(ward);
        }
        Err(self.unknown(&ward, organisation, self.rulebook.wards.keys()))
    }
    fn cover_group(&self, name: &str) -> Result<SubjectName, String> {
        let group = self.own(name)?;
        let SubjectName::CoverGroup(organisation, _) = &group else {
            return Err(format!("'{name}' is not a cover group's name such as organisations/RJ1/coverGroups/GENMED"));
        };
        // The implicit group's alerts are in the log even when it is no longer in force.
        if self.rulebook.group(&group).is_some() {
            return Ok(group);
        }
        Err(self.unknown(&group, organisation, self.rulebook.groups.keys()))
    }
    fn unknown<'b>(
        &self,
        name: &SubjectName,
        organisation: &OrganisationCode,
        known: impl Iterator<Item = &'b SubjectName>,
    ) -> String {
        if !self.rulebook.organisations.contains_key(organisation) {
            let own = self.rulebook.organisations.keys().filter(|o| self.reach.has(o));
            let near = nearest(organisation.as_str(), own);
            return format!("{name} is not registered, nor is its organisation{near}");
        }
        let siblings = known.filter(|s| s.organisation() == organisation);
        format!("{name} is not registered{}", nearest(&name.to_string(), siblings))
    }
    fn strike(&self, name: &str) -> Result<StrikeId, String> {
        let id: StrikeId = name.parse().map_err(|e| format!("{e}"))?;
        let seen = |(_, strike): &&(i64, Arc<Strike>)| self.reach.sees_strike(self.rulebook, strike);
        let known = self.rulebook.strikes.iter().filter(|(_, entry)| seen(entry)).map(|(id, _)| id);
        let near = || nearest(name, known.clone());
        if known.clone().any(|known| *known == id) { Ok(id) } else { Err(format!("{id} is not announced{}", near())) }
    }
    fn rule(&self, id: &str) -> Result<Vec<&'static str>, String> {
        let family = id.strip_suffix('*').filter(|f| f.ends_with('.'));
        let named = |rule: &&&str| family.map_or(**rule == id, |family| rule.starts_with(family));
        let rules: Vec<_> = self.rules.iter().filter(named).copied().collect();
        if rules.is_empty() {
            let families = self.rules.iter().filter_map(|r| r.split_once('.')).map(|(f, _)| format!("{f}.*"));
            let known = self.rules.iter().map(ToString::to_string).chain(families);
            return Err(format!("'{id}' is not a rule, nor a family of rules such as ratio.*{}", nearest(id, known)));
        }
        Ok(rules)
    }
    fn sites(&mut self, codes: &[String]) -> Vec<SiteCode> {
        if codes.is_empty() {
            return Vec::new();
        }
        let own = self.rulebook.wards.values().filter(|w| self.reach.has(&w.ward.organisation));
        let known: BTreeSet<_> = own.filter_map(|w| w.ward.site.clone()).collect();
        self.each("sites", codes, |_, code| registered(code, &known, "site of a registered ward"))
    }
    fn regions(&mut self, codes: &[String]) -> Vec<SiteCode> {
        let own = self.rulebook.organisations.values().filter(|(_, o)| self.reach.has(&o.code));
        let known = own.filter_map(|(_, o)| o.region.clone()).collect();
        self.each("regions", codes, |_, code| registered(code, &known, "region of a registered organisation"))
    }
    fn enums(&mut self, event_types: &[i32], min_severity: i32) {
        for (i, number) in event_types.iter().enumerate() {
            if *number == 0 || pb::AlertEventType::try_from(*number).is_err() {
                let what = format!("{number} is not a type of event; leave the list empty for all");
                self.found.push((format!("filter.event_types[{i}]"), what));
            }
            if self.full() {
                return;
            }
        }
        if pb::Severity::try_from(min_severity).is_err() {
            self.found.push(("filter.min_severity".into(), format!("{min_severity} is not a severity")));
        }
    }
}

fn registered(code: &str, known: &BTreeSet<SiteCode>, what: &str) -> Result<SiteCode, String> {
    let parsed = SiteCode::from_str(code).map_err(|e| e.to_string())?;
    if known.contains(&parsed) {
        return Ok(parsed);
    }
    Err(format!("{code} is not the {what}{}", nearest(code, known.iter())))
}
