use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{
    CoverGroup, InForce, Organisation, OrganisationCode, Policy, PolicyName, PolicyVersion, Strike, StrikeId,
    SubjectName, Time, Ward, in_force,
};

/// What holds for a whole organisation beside its register entry: its strikes and its policy.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The strikes that concern it, called off or not, by id.
    pub strikes: Vec<Arc<Strike>>,
    /// Generation of the newest change among them; of one that concerned it before, too.
    pub strikes_changed: i64,
    /// Its policy from each instant on, ascending; the first holds from the beginning. Empty: the default.
    pub policies: Vec<InForce>,
    /// Generation of the newest change among them.
    pub policies_changed: i64,
}

/// A ward with its organisation: what judging it needs from the register.
#[derive(Clone, Debug)]
pub struct WardFacts {
    /// The store's number of the ward as a subject.
    pub number: i64,
    /// Its register entry.
    pub ward: Arc<Ward>,
    /// Its organisation.
    pub organisation: Arc<Organisation>,
    /// What holds for its organisation.
    pub context: Arc<Context>,
    /// The cover groups in force that cover it.
    pub groups: Vec<SubjectName>,
}

/// A cover group with its organisation: what judging it needs from the register.
#[derive(Clone, Debug)]
pub struct GroupFacts {
    /// The store's number of the group as a subject.
    pub number: i64,
    /// Its register entry.
    pub group: Arc<CoverGroup>,
    /// Its organisation.
    pub organisation: Arc<Organisation>,
    /// What holds for its organisation.
    pub context: Arc<Context>,
    /// The wards it covers.
    pub wards: Vec<SubjectName>,
    /// False: the implicit group of an organisation that has registered groups of its own.
    pub in_force: bool,
}

/// The context of every judgement at one generation: the register, strikes and policies. Immutable.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    /// Counts the changes of the register.
    pub generation: i64,
    /// Organisations with their subject numbers, by code.
    pub organisations: BTreeMap<OrganisationCode, (i64, Arc<Organisation>)>,
    /// Wards by name.
    pub wards: HashMap<SubjectName, WardFacts>,
    /// Cover groups by name.
    pub groups: HashMap<SubjectName, GroupFacts>,
    /// The newest version of each strike, and the generation that brought it.
    pub strikes: BTreeMap<StrikeId, (i64, Arc<Strike>)>,
    /// Generations at which a strike's former scope was left behind, by organisation.
    pub left_scope: HashMap<OrganisationCode, i64>,
    /// Every version of each policy, ascending.
    pub policies: BTreeMap<PolicyName, Vec<PolicyVersion>>,
    /// The generation that brought the newest version of each.
    pub policy_changes: BTreeMap<PolicyName, i64>,
    /// What holds for each organisation, as [`Self::linked`] joined it.
    pub contexts: HashMap<OrganisationCode, Arc<Context>>,
}

impl Context {
    /// The policy in force at an instant.
    pub fn policy(&self, at: Time) -> Arc<Policy> {
        let in_force = self.policies.iter().rev().find(|p| p.from <= at).or(self.policies.first());
        in_force.map(|p| Arc::clone(&p.policy)).unwrap_or_default()
    }
    /// When the next version comes into force after an instant.
    pub fn next_policy(&self, after: Time) -> Option<Time> {
        self.policies.iter().map(|p| p.from).find(|from| *from > after)
    }
}

impl Rulebook {
    /// The register's facts of a ward.
    pub fn ward(&self, name: &SubjectName) -> Option<&WardFacts> {
        self.wards.get(name)
    }
    /// The register's facts of a cover group, in force or not.
    pub fn group(&self, name: &SubjectName) -> Option<&GroupFacts> {
        self.groups.get(name)
    }
    /// The cover groups of an organisation that are in force, by name.
    pub fn groups_of<'a>(&'a self, code: &'a OrganisationCode) -> Vec<(&'a SubjectName, &'a GroupFacts)> {
        let of = |(name, facts): &(&SubjectName, &GroupFacts)| facts.in_force && name.organisation() == code;
        let mut groups: Vec<_> = self.groups.iter().filter(of).collect();
        groups.sort_by_key(|(name, _)| *name);
        groups
    }
    /// What holds for an organisation; nothing for one that is not registered.
    pub fn context(&self, code: &OrganisationCode) -> Arc<Context> {
        self.contexts.get(code).cloned().unwrap_or_default()
    }
    /// The store's number of a subject; none for what is not registered, or no longer in force.
    pub fn number(&self, name: &SubjectName) -> Option<i64> {
        match name {
            SubjectName::Organisation(code) => self.organisations.get(code).map(|(n, _)| *n),
            SubjectName::Ward(..) => self.wards.get(name).map(|w| w.number),
            SubjectName::CoverGroup(..) => self.groups.get(name).filter(|g| g.in_force).map(|g| g.number),
        }
    }

    /// Joins what was read apart: who covers which ward, which strikes and policies hold for whom. To be called after
    /// any of the parts changed.
    #[must_use]
    pub fn linked(mut self) -> Self {
        let contexts: HashMap<OrganisationCode, Arc<Context>> =
            self.organisations.values().map(|(_, o)| (o.code.clone(), Arc::new(self.context_of(o)))).collect();
        let mut wards_of: HashMap<OrganisationCode, Vec<SubjectName>> = HashMap::new();
        for facts in self.wards.values_mut() {
            facts.groups.clear();
            if let Some(context) = contexts.get(&facts.ward.organisation) {
                facts.context = Arc::clone(context);
            }
            if let Some((_, organisation)) = self.organisations.get(&facts.ward.organisation) {
                facts.organisation = Arc::clone(organisation);
            }
            let name = SubjectName::Ward(facts.ward.organisation.clone(), facts.ward.code.clone());
            wards_of.entry(facts.ward.organisation.clone()).or_default().push(name);
        }
        let registered: HashSet<OrganisationCode> = (self.groups.values())
            .filter(|g| !g.group.implicit && g.group.in_force(true))
            .map(|g| g.group.organisation.clone())
            .collect();
        for (name, facts) in &mut self.groups {
            let organisation = &facts.group.organisation;
            facts.in_force = facts.group.in_force(registered.contains(organisation));
            let of = wards_of.get(organisation).into_iter().flatten().filter(|_| facts.in_force);
            facts.wards = of.filter(|w| w.ward_code().is_some_and(|code| facts.group.covers(code))).cloned().collect();
            facts.wards.sort();
            if let Some(context) = contexts.get(organisation) {
                facts.context = Arc::clone(context);
            }
            if let Some((_, organisation)) = self.organisations.get(organisation) {
                facts.organisation = Arc::clone(organisation);
            }
            for ward in &facts.wards {
                if let Some(ward) = self.wards.get_mut(ward) {
                    ward.groups.push(name.clone());
                }
            }
        }
        self.wards.values_mut().for_each(|w| w.groups.sort());
        self.contexts = contexts;
        self
    }

    fn context_of(&self, organisation: &Organisation) -> Context {
        let concerning = || self.strikes.values().filter(|(_, strike)| strike.scope.covers(organisation));
        let left = self.left_scope.get(&organisation.code).copied().unwrap_or_default();
        let names = [PolicyName::Default, PolicyName::Organisation(organisation.code.clone())];
        let [defaults, own] = names.each_ref().map(|name| self.policies.get(name).map_or(&[][..], Vec::as_slice));
        Context {
            strikes: concerning().map(|(_, strike)| Arc::clone(strike)).collect(),
            strikes_changed: concerning().map(|(generation, _)| *generation).fold(left, i64::max),
            policies: in_force(defaults, own),
            policies_changed: names
                .iter()
                .filter_map(|n| self.policy_changes.get(n))
                .copied()
                .max()
                .unwrap_or_default(),
        }
    }
}
