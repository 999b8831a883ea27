//! One organisation's share of a situation.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{
    Activity, Alert, Context, Organisation, OrganisationCode, Rulebook, SiteCode, SubjectName, SubjectState, Time,
};
use crate::situation::known::Known;
use crate::situation::material::{Ask, Material};
use crate::situation::seen::{self, GroupSeen, WardSeen};
use crate::situation::strikes::{self, Interval};
use crate::store::SubjectRow;
use crate::wire;

/// Stored states, read; and what the rulebook holds for each organisation.
pub(super) struct Read<'a> {
    states: Vec<(&'a SubjectRow, Option<SubjectState>)>,
    contexts: HashMap<OrganisationCode, Arc<Context>>,
}

/// One organisation.
pub(super) struct Part<'a> {
    pub organisation: &'a Organisation,
    pub wards: Vec<WardSeen>,
    pub groups: Vec<GroupSeen<'a>>,
    pub alerts: Vec<Known<'a>>,
    /// None: not known.
    pub hour_ago: Option<Vec<Known<'a>>>,
    pub strikes: Vec<Interval<'a>>,
    pub activity: Vec<Activity>,
    pub unreadable: usize,
}

impl<'a> Read<'a> {
    /// Reads the states. One that cannot be read is logged and counted.
    pub fn new(material: &'a Material, book: &Rulebook) -> Self {
        let state = |row: &'a SubjectRow| {
            let state = wire::state_from(&row.hot, &row.cold, &row.summary);
            let name = &row.name;
            (row, state.inspect_err(|error| tracing::error!(%name, %error, "a subject cannot be read")).ok())
        };
        let contexts = book.organisations.keys().map(|code| (code.clone(), book.context(code))).collect();
        Self { states: material.subjects.iter().map(state).collect(), contexts }
    }

    /// Each organisation asked for, by code.
    pub fn parts(&'a self, material: &'a Material, book: &'a Rulebook, ask: &Ask) -> Vec<Part<'a>> {
        let mut states: HashMap<&OrganisationCode, Vec<_>> = HashMap::new();
        for (row, state) in &self.states {
            states.entry(row.name.organisation()).or_default().push((&row.name, state.as_ref()));
        }
        let wanted = book.organisations.values().filter(|(_, o)| ask.wants(o));
        wanted
            .filter_map(|(number, organisation)| {
                let context = self.contexts.get(&organisation.code)?;
                let states = states.get(&organisation.code).map_or(&[][..], Vec::as_slice);
                let mut part = Part::new(organisation, strikes::intervals(context, organisation, material.now));
                part.see(states, book, ask, material);
                part.look_back(states, ask, material);
                let rows = material.activity.iter().filter(|row| row.organisation == *number);
                let figures =
                    rows.filter_map(|r| wire::activity_of(r.day, r.category, [r.planned, r.delivered, r.postponed]));
                part.activity = figures.collect();
                Some(part)
            })
            .collect()
    }
}

type States<'a> = [(&'a SubjectName, Option<&'a SubjectState>)];

impl<'a> Part<'a> {
    fn new(organisation: &'a Organisation, strikes: Vec<Interval<'a>>) -> Self {
        Self {
            organisation,
            strikes,
            wards: Vec::new(),
            groups: Vec::new(),
            alerts: Vec::new(),
            hour_ago: None,
            activity: Vec::new(),
            unreadable: 0,
        }
    }

    /// Looks at every ward and cover group, and takes their open alerts.
    fn see(&mut self, states: &States<'a>, book: &Rulebook, ask: &Ask, material: &'a Material) {
        for (name, state) in states {
            let Some(state) = state else {
                self.unreadable += 1;
                continue;
            };
            if let Some(facts) = book.ward(name).filter(|f| wants(ask, f.ward.site.as_ref())) {
                self.wards.extend(seen::ward(facts, state, material.now));
            }
            if let Some(facts) = book.group(name).filter(|f| wants(ask, f.group.site.as_ref())) {
                self.groups.extend(seen::group(facts, state, material.now));
            }
            if material.past.is_none() {
                let open = state.episodes.iter().filter_map(Known::of);
                self.alerts.extend(open.filter(|k| wants(ask, k.alert.site.as_ref())));
            }
        }
        let past: Vec<_> = material.past.iter().flatten().filter(|a| self.owns(a)).map(Known::past).collect();
        self.alerts.extend(past);
    }

    /// An hour before. What nobody had registered by then is not known, which is not "none".
    fn look_back(&mut self, states: &States<'a>, ask: &Ask, material: &'a Material) {
        let hour_ago = material.hour_ago_time();
        let of_wards = states.iter().filter(|(name, _)| !matches!(name, SubjectName::Organisation(_)));
        let known = of_wards.filter_map(|(_, state)| *state).any(|state| state.registered <= hour_ago);
        let alerts = material.hour_ago.as_ref().filter(|_| known);
        let wanted = |a: &&Alert| self.owns(a) && wants(ask, a.site.as_ref());
        self.hour_ago = alerts.map(|alerts| alerts.iter().filter(wanted).map(Known::past).collect());
    }

    fn owns(&self, alert: &Alert) -> bool {
        alert.subject.organisation() == &self.organisation.code
    }
}

fn wants(ask: &Ask, site: Option<&SiteCode>) -> bool {
    ask.wants_site(site.map(SiteCode::as_str))
}

impl Material {
    /// The instant an hour before the one it is about.
    pub(super) fn hour_ago_time(&self) -> Time {
        self.now - super::material::HOUR
    }
}
