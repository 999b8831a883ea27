//! What may be decided about the rules: the values in force, what a layer changes of them, and which layer counts when.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::domain::{InvalidId, Limit, OrganisationCode, Shifts, Span, Time, WardKind, shown};

/// Patients per registered nurse that a kind of ward may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindLimit {
    /// By day, and by night unless `night` says otherwise.
    pub day: Option<Limit>,
    /// By night.
    pub night: Option<Limit>,
}

/// Every value the rules are judged by, resolved: nothing is inherited any more. What each is for, its unit and its
/// source stand in `policies/default` (`src/register/default_policy.toml`), which is equal to `Policy::default()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which version of whose policy this is: `policies/default@1`, `organisations/RJ1/policy@3`.
    pub version: String,
    /// The version of the default that lies beneath; 1 is the one built in.
    pub beneath: i64,
    /// Limits by kind of ward; a kind without one has no limit unless its ward sets one.
    pub limits: BTreeMap<WardKind, KindLimit>,
    /// From how much of the limit a breach is severe, in per cent.
    pub severe_percent: u32,
    /// Fewest registered nurses on a ward.
    pub minimum_registered_nurses: u32,
    /// Least share of registered nurses in nursing staff, in per cent.
    pub skill_mix_percent: u32,
    /// The same on wards for children.
    pub children_skill_mix_percent: u32,
    /// More registered nurse time short than this is a red flag, in minutes.
    pub hours_short_minutes: u32,
    /// A greater part of the required time short than this is one too, in per cent.
    pub hours_short_percent: u32,
    /// How long a professional judgement holds.
    pub judgement_holds: Span,
    /// Good figures must last so long before an alert ends.
    pub clear_after: Span,
    /// A breach so soon after the end reopens the same episode.
    pub reopen_within: Span,
    /// New figures of a breach are shown at most so often.
    pub update_every: Span,
    /// Census times of a ward that names neither times nor an interval: minutes since local midnight, ascending.
    pub census_times: Vec<u16>,
    /// A census figure is overdue so long after the census.
    pub census_grace: Span,
    /// The least grace after a reporting interval; half the interval when that is more.
    pub least_grace: Span,
    /// Fewest subjects that make a silent source.
    pub silent_fewest: u32,
    /// They fall silent within this time of one another.
    pub silent_within: Span,
    /// How long an acknowledgement of a critical alert holds when the responder names no time.
    pub acknowledge_critical: Span,
    /// The same for any other alert.
    pub acknowledge_other: Span,
    /// Longest time an acknowledgement may hold.
    pub acknowledge_most: Span,
    /// A critical alert unacknowledged for so long goes to the site manager.
    pub escalate_first: Span,
    /// And after so long to the chief nurse or the medical director.
    pub escalate_second: Span,
    /// The shifts, unless a cover group has its own.
    pub shifts: Shifts,
    /// Local times at which cover figures are due again inside a window: minutes since midnight, ascending.
    pub cover_return_times: Vec<u16>,
    /// Cover figures are overdue so long after they are due.
    pub cover_return_grace: Span,
    /// So long before a window opens a missing plan is an alert.
    pub plan_from: Span,
    /// And so long before it a critical one.
    pub plan_critical_from: Span,
    /// Elective work expected under MAINTAIN, in per cent of the plan.
    pub elective_target_percent: u32,
    /// Rules switched on or off; a rule not named is on.
    pub rules: BTreeMap<String, bool>,
    /// Types of red flags of this organisation, in words, by code (`local.*`).
    pub local_red_flags: BTreeMap<String, String>,
}

/// What one layer (an override of the default, or an organisation) sets. Absent: inherited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "field by field as in Policy")]
pub struct PolicyPatch {
    pub limits: BTreeMap<WardKind, KindLimit>,
    pub severe_percent: Option<u32>,
    pub minimum_registered_nurses: Option<u32>,
    pub skill_mix_percent: Option<u32>,
    pub children_skill_mix_percent: Option<u32>,
    pub hours_short_minutes: Option<u32>,
    pub hours_short_percent: Option<u32>,
    pub judgement_holds: Option<Span>,
    pub clear_after: Option<Span>,
    pub reopen_within: Option<Span>,
    pub update_every: Option<Span>,
    pub census_times: Option<Vec<u16>>,
    pub census_grace: Option<Span>,
    pub least_grace: Option<Span>,
    pub silent_fewest: Option<u32>,
    pub silent_within: Option<Span>,
    pub acknowledge_critical: Option<Span>,
    pub acknowledge_other: Option<Span>,
    pub acknowledge_most: Option<Span>,
    pub escalate_first: Option<Span>,
    pub escalate_second: Option<Span>,
    pub shifts: Option<Shifts>,
    pub cover_return_times: Option<Vec<u16>>,
    pub cover_return_grace: Option<Span>,
    pub plan_from: Option<Span>,
    pub plan_critical_from: Option<Span>,
    pub elective_target_percent: Option<u32>,
    pub rules: BTreeMap<String, bool>,
    pub local_red_flags: BTreeMap<String, String>,
}

/// Whose policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyName {
    /// Everyone's, beneath all others.
    Default,
    /// An organisation's.
    Organisation(OrganisationCode),
}

/// One version of one layer. All are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Whose.
    pub name: PolicyName,
    /// From 1; of the default, 1 is the one in the binary.
    pub version: i64,
    /// In force from here, until a higher version is.
    pub effective: Time,
    /// When it was recorded.
    pub recorded: Time,
    /// What it sets.
    pub patch: PolicyPatch,
}

/// A policy and since when it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// From here until the next one.
    pub from: Time,
    /// The values.
    pub policy: Arc<Policy>,
}

impl Default for Policy {
    fn default() -> Self {
        let limit = |patients| KindLimit { day: Some(Limit::whole(patients)), night: None };
        let off = ["capacity.over", "skill_mix.low", "elective.below_target"];
        Self {
            version: Self::DEFAULT_VERSION.to_owned(),
            beneath: 1,
            limits: [(WardKind::AdultInpatient, limit(8)), (WardKind::AcuteMedical, limit(6))].into(),
            severe_percent: 150,
            minimum_registered_nurses: 2,
            skill_mix_percent: 65,
            children_skill_mix_percent: 70,
            hours_short_minutes: 8 * 60,
            hours_short_percent: 25,
            judgement_holds: Span::hours(12),
            clear_after: Span::minutes(30),
            reopen_within: Span::minutes(120),
            update_every: Span::minutes(1),
            census_times: vec![7 * 60 + 30, 14 * 60, 20 * 60],
            census_grace: Span::minutes(60),
            least_grace: Span::minutes(15),
            silent_fewest: 3,
            silent_within: Span::minutes(5),
            acknowledge_critical: Span::hours(2),
            acknowledge_other: Span::hours(12),
            acknowledge_most: Span::hours(24),
            escalate_first: Span::minutes(15),
            escalate_second: Span::minutes(45),
            shifts: Shifts::default(),
            cover_return_times: vec![9 * 60, 20 * 60],
            cover_return_grace: Span::minutes(60),
            plan_from: Span::hours(72),
            plan_critical_from: Span::hours(24),
            elective_target_percent: 95,
            rules: off.map(|rule| (rule.to_owned(), false)).into(),
            local_red_flags: BTreeMap::new(),
        }
    }
}

fn set<T: Clone>(value: &mut T, patch: Option<&T>) {
    if let Some(patch) = patch {
        value.clone_from(patch);
    }
}

impl Policy {
    /// Names the default in this binary.
    pub const DEFAULT_VERSION: &str = "policies/default@1";

    /// Tells these values from those of any other version of any layer.
    pub fn identity(&self) -> Cow<'_, str> {
        match self.beneath {
            1 => Cow::Borrowed(&self.version),
            beneath => Cow::Owned(format!("{} on {beneath}", self.version)),
        }
    }

    /// Whether a rule is on.
    pub fn is_on(&self, rule: &str) -> bool {
        self.rules.get(rule).copied().unwrap_or(true)
    }

    /// The limit of a kind of ward; by night its night limit when it has one.
    pub fn limit(&self, kind: WardKind, night: bool) -> Option<Limit> {
        let limit = self.limits.get(&kind)?;
        limit.night.filter(|_| night).or(limit.day)
    }

    /// From where a breach of `limit` is severe, exactly: in ten-thousandths of a patient per nurse.
    pub fn severe(&self, limit: Limit) -> u64 {
        u64::from(limit.0) * u64::from(self.severe_percent)
    }

    /// These values with what a layer sets of them laid over, field by field.
    #[must_use]
    pub fn with(&self, patch: &PolicyPatch) -> Self {
        let mut policy = self.clone();
        policy.lay_limits(patch);
        policy.lay_times(patch);
        policy.rules.extend(patch.rules.clone());
        policy.local_red_flags.extend(patch.local_red_flags.clone());
        policy
    }

    fn lay_limits(&mut self, patch: &PolicyPatch) {
        for (kind, limit) in &patch.limits {
            let before = self.limits.entry(*kind).or_default();
            *before = KindLimit { day: limit.day.or(before.day), night: limit.night.or(before.night) };
        }
        set(&mut self.severe_percent, patch.severe_percent.as_ref());
        set(&mut self.minimum_registered_nurses, patch.minimum_registered_nurses.as_ref());
        set(&mut self.skill_mix_percent, patch.skill_mix_percent.as_ref());
        set(&mut self.children_skill_mix_percent, patch.children_skill_mix_percent.as_ref());
        set(&mut self.hours_short_minutes, patch.hours_short_minutes.as_ref());
        set(&mut self.hours_short_percent, patch.hours_short_percent.as_ref());
        set(&mut self.silent_fewest, patch.silent_fewest.as_ref());
        set(&mut self.elective_target_percent, patch.elective_target_percent.as_ref());
    }

    fn lay_times(&mut self, patch: &PolicyPatch) {
        set(&mut self.judgement_holds, patch.judgement_holds.as_ref());
        set(&mut self.clear_after, patch.clear_after.as_ref());
        set(&mut self.reopen_within, patch.reopen_within.as_ref());
        set(&mut self.update_every, patch.update_every.as_ref());
        set(&mut self.census_times, patch.census_times.as_ref());
        set(&mut self.census_grace, patch.census_grace.as_ref());
        set(&mut self.least_grace, patch.least_grace.as_ref());
        set(&mut self.silent_within, patch.silent_within.as_ref());
        set(&mut self.acknowledge_critical, patch.acknowledge_critical.as_ref());
        set(&mut self.acknowledge_other, patch.acknowledge_other.as_ref());
        set(&mut self.acknowledge_most, patch.acknowledge_most.as_ref());
        set(&mut self.escalate_first, patch.escalate_first.as_ref());
        set(&mut self.escalate_second, patch.escalate_second.as_ref());
        set(&mut self.shifts, patch.shifts.as_ref());
        set(&mut self.cover_return_times, patch.cover_return_times.as_ref());
        set(&mut self.cover_return_grace, patch.cover_return_grace.as_ref());
        set(&mut self.plan_from, patch.plan_from.as_ref());
        set(&mut self.plan_critical_from, patch.plan_critical_from.as_ref());
    }
}

impl From<&Policy> for PolicyPatch {
    /// A layer that sets every value as it is here.
    fn from(policy: &Policy) -> Self {
        Self {
            limits: policy.limits.clone(),
            severe_percent: Some(policy.severe_percent),
            minimum_registered_nurses: Some(policy.minimum_registered_nurses),
            skill_mix_percent: Some(policy.skill_mix_percent),
            children_skill_mix_percent: Some(policy.children_skill_mix_percent),
            hours_short_minutes: Some(policy.hours_short_minutes),
            hours_short_percent: Some(policy.hours_short_percent),
            judgement_holds: Some(policy.judgement_holds),
            clear_after: Some(policy.clear_after),
            reopen_within: Some(policy.reopen_within),
            update_every: Some(policy.update_every),
            census_times: Some(policy.census_times.clone()),
            census_grace: Some(policy.census_grace),
            least_grace: Some(policy.least_grace),
            silent_fewest: Some(policy.silent_fewest),
            silent_within: Some(policy.silent_within),
            acknowledge_critical: Some(policy.acknowledge_critical),
            acknowledge_other: Some(policy.acknowledge_other),
            acknowledge_most: Some(policy.acknowledge_most),
            escalate_first: Some(policy.escalate_first),
            escalate_second: Some(policy.escalate_second),
            shifts: Some(policy.shifts.clone()),
            cover_return_times: Some(policy.cover_return_times.clone()),
            cover_return_grace: Some(policy.cover_return_grace),
            plan_from: Some(policy.plan_from),
            plan_critical_from: Some(policy.plan_critical_from),
            elective_target_percent: Some(policy.elective_target_percent),
            rules: policy.rules.clone(),
            local_red_flags: policy.local_red_flags.clone(),
        }
    }
}

impl PolicyVersion {
    /// The version in force at an instant: the highest that is effective by then, so that a newer decision replaces an
    /// older one that was still to come.
    pub fn in_force(versions: &[Self], now: Time) -> Option<&Self> {
        versions.iter().filter(|v| v.effective <= now).max_by_key(|v| v.version)
    }

    /// What an update must give back to show that it was made from this version.
    pub fn etag(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for PolicyVersion {
    /// As alerts name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

/// The policies of one organisation in the order in which they come into force, from the binary's default, the overrides
/// of the default, and the organisation's own versions. The first is in force from the beginning of time.
pub fn in_force(defaults: &[PolicyVersion], own: &[PolicyVersion]) -> Vec<InForce> {
    let starts = defaults.iter().chain(own).map(|v| v.effective);
    let mut starts: Vec<Time> = starts.chain([Time::from_micros(i64::MIN)]).collect();
    starts.sort_unstable();
    starts.dedup();
    let mut found: Vec<InForce> = Vec::new();
    for from in starts {
        let layers = [PolicyVersion::in_force(defaults, from), PolicyVersion::in_force(own, from)];
        let beneath = layers[0].map_or(1, |default| default.version);
        let policy = layers.into_iter().flatten().fold(Policy::default(), |policy, layer| Policy {
            version: layer.to_string(),
            beneath,
            ..policy.with(&layer.patch)
        });
        if found.last().is_none_or(|last| *last.policy != policy) {
            found.push(InForce { from, policy: Arc::new(policy) });
        }
    }
    found
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("policies/default"),
            Self::Organisation(code) => write!(f, "organisations/{code}/policy"),
        }
    }
}

impl FromStr for PolicyName {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        if s == "policies/default" {
            return Ok(Self::Default);
        }
        let code = s.strip_prefix("organisations/").and_then(|rest| rest.strip_suffix("/policy"));
        let invalid = || InvalidId {
            value: shown(s, InvalidId::MOST),
            expected: "a policy's name: policies/default or organisations/{ods}/policy",
        };
        Ok(Self::Organisation(code.ok_or_else(invalid)?.parse()?))
    }
}

#[cfg(test)]
mod tests;
