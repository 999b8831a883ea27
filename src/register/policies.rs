//! Changes of policies: each makes a version, and whoever read an older one loses.

use std::collections::BTreeSet;

use crate::access::{Caller, Reach};
use crate::domain::{
    Cause, OrganisationCode, Policy, PolicyName, PolicyPatch, PolicyVersion, Rulebook, Span, Time, in_force,
};
use crate::register::Register;
use crate::register::change::TRIES;
use crate::register::policy_preview::{PolicyPreview, preview};
use crate::rules;
use crate::store::{ConfigChange, ConfigOutcome, ContextKind, ContextWrite, StoreError};
use crate::wire::{self, InvalidFields, PolicyUpdate, Violations, pb};

/// How far ahead a policy may be set.
const AHEAD: Span = Span::days(366);

/// Why a policy was not changed. Nothing was written.
#[derive(Clone, Debug)]
pub enum PolicyError {
    /// Fields of the call are wrong.
    Invalid(InvalidFields),
    /// The organisation is not registered.
    Missing(PolicyName),
    /// It was changed since the caller read it, or while this call was under way.
    Changed(PolicyName),
    /// It is about an organisation that the caller is not bound to.
    Foreign,
    /// The store failed.
    Store(StoreError),
    /// Others changed the register at every try.
    Contended,
}

/// A policy after a change, or as it would be with `validate_only`.
#[derive(Clone, Debug)]
pub struct PolicyChanged {
    /// The version.
    pub version: PolicyVersion,
    /// With `validate_only`: what it would do.
    pub preview: Option<PolicyPreview>,
}

/// What a caller asks for.
struct Call<'a> {
    update: PolicyUpdate,
    by: &'a Caller,
    /// None: from now.
    effective: Option<Time>,
    validate_only: bool,
}

impl From<StoreError> for PolicyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The newest version of a policy: the one built in, or none that sets anything, if nobody set one.
pub fn newest_policy(book: &Rulebook, name: &PolicyName) -> PolicyVersion {
    let newest = book.policies.get(name).and_then(|versions| versions.last());
    newest.cloned().unwrap_or_else(|| first_policy(name))
}

/// What a policy is before anybody changed it.
pub fn first_policy(name: &PolicyName) -> PolicyVersion {
    let (version, patch) = match name {
        PolicyName::Default => (1, PolicyPatch::from(&Policy::default())),
        PolicyName::Organisation(_) => (0, PolicyPatch::default()),
    };
    let beginning = Time::from_micros(i64::MIN);
    PolicyVersion { name: name.clone(), version, effective: beginning, recorded: beginning, patch }
}

/// Whether there is such a policy: the default's, or that of a registered organisation.
pub fn policy_exists(book: &Rulebook, name: &PolicyName) -> bool {
    match name {
        PolicyName::Default => true,
        PolicyName::Organisation(code) => book.organisations.contains_key(code),
    }
}

impl Register {
    /// Replaces a policy by a new version.
    ///
    /// # Errors
    /// Every wrong field with its path; an organisation that is not registered; another version than the caller read;
    /// the store's failure.
    pub async fn update_policy(
        &self,
        request: pb::UpdatePolicyRequest,
        by: &Caller,
    ) -> Result<PolicyChanged, PolicyError> {
        let pb::UpdatePolicyRequest { policy, effective_time, validate_only } = request;
        let mut v = Violations::at("policy.");
        let update = wire::policy_from(&mut v, policy.unwrap_or_default(), rules::RULES);
        let mut outer = Violations::default();
        let effective = outer.time_optional("effective_time", effective_time);
        let wrong = [v.into_fields(), outer.into_fields()].concat();
        let Some(update) = update.filter(|_| wrong.is_empty()) else { return Err(invalid(wrong)) };
        // What holds for every organisation is for those who are bound to all.
        let own = match &update.name {
            PolicyName::Default => *by.reach() == Reach::All,
            PolicyName::Organisation(code) => by.sees(code),
        };
        if !own {
            return Err(PolicyError::Foreign);
        }
        self.change_policy(Call { update, by, effective, validate_only }).await
    }

    /// Makes the change until it stands. It is made anew when others changed the register meanwhile, and lost when they
    /// changed this policy.
    async fn change_policy(&self, call: Call<'_>) -> Result<PolicyChanged, PolicyError> {
        let PolicyUpdate { name, etag, patch } = &call.update;
        let mut seen = None;
        for _ in 0..TRIES {
            self.refresh().await?;
            let book = self.rulebook();
            if !policy_exists(&book, name) {
                return Err(PolicyError::Missing(name.clone()));
            }
            let newest = newest_policy(&book, name);
            let first = *seen.get_or_insert(newest.version);
            if newest.version != first || (!etag.is_empty() && *etag != newest.etag()) {
                return Err(PolicyError::Changed(name.clone()));
            }
            let now = self.clock.now();
            let effective = at(call.effective, now)?;
            let same = newest.patch == *patch && newest.effective <= effective;
            let (name, patch) = (name.clone(), patch.clone());
            let next = PolicyVersion { name, version: newest.version + 1, effective, recorded: now, patch };
            let version = if same { newest } else { next };
            consistent(&book, &version)?;
            if call.validate_only {
                let preview = Some(preview(self.store.as_ref(), &book, &version, now).await?);
                return Ok(PolicyChanged { version, preview });
            }
            if same {
                return Ok(PolicyChanged { version, preview: None });
            }
            let change = change(&book, &version, now, call.by);
            if let ConfigOutcome::Changed(generation) = self.store.change_config(&change).await? {
                self.refresh_to(generation).await?;
                return Ok(PolicyChanged { version, preview: None });
            }
        }
        Err(PolicyError::Contended)
    }
}

fn invalid(wrong: Vec<(String, String)>) -> PolicyError {
    PolicyError::Invalid(InvalidFields(wrong))
}

/// From when it is in force: now, unless a time to come is named.
fn at(asked: Option<Time>, now: Time) -> Result<Time, PolicyError> {
    let Some(asked) = asked else { return Ok(now) };
    let what = if asked < now {
        format!("{asked} is past: what was judged stays judged; leave it out for now")
    } else if asked > now + AHEAD {
        format!("{asked} is more than 366 days ahead")
    } else {
        return Ok(asked);
    };
    Err(invalid(vec![("effective_time".to_owned(), what)]))
}

/// Versions of a policy with one more.
pub(super) fn with_version(book: &Rulebook, version: &PolicyVersion) -> Vec<PolicyVersion> {
    let mut versions = book.policies.get(&version.name).cloned().unwrap_or_default();
    if versions.last().is_none_or(|last| last.version < version.version) && version.version > 0 {
        versions.push(version.clone());
    }
    versions
}

/// Whether no organisation's policy contradicts itself from then on. What an organisation has set itself may contradict
/// a new default: then it is named.
fn consistent(book: &Rulebook, version: &PolicyVersion) -> Result<(), PolicyError> {
    let versions = with_version(book, version);
    let none = Vec::new();
    let (defaults, owns): (_, Vec<&Vec<PolicyVersion>>) = match &version.name {
        PolicyName::Organisation(_) => (book.policies.get(&PolicyName::Default).unwrap_or(&none), vec![&versions]),
        PolicyName::Default => {
            let own = book.policies.iter().filter(|(name, _)| **name != PolicyName::Default).map(|(_, own)| own);
            (&versions, std::iter::once(&none).chain(own).collect())
        }
    };
    let mut wrong = BTreeSet::new();
    for own in owns {
        let resolved = in_force(defaults, own);
        let counts = resolved.iter().enumerate().filter(|(n, _)| {
            // Judged from then on: it is in force after the new version begins.
            resolved.get(n + 1).is_none_or(|next| next.from > version.effective)
        });
        for (_, found) in counts {
            let mut v = Violations::at("policy.");
            wire::contradictions(&mut v, &found.policy, &version.patch);
            let whose = own.last().filter(|o| o.name != version.name);
            let whose = whose.map(|o| format!(" (in {})", o.name)).unwrap_or_default();
            wrong.extend(v.into_fields().into_iter().map(|(field, what)| (field, what + &whose)));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(invalid(wrong.into_iter().collect())) }
}

/// The subjects that a policy concerns, by number: those of its organisation, or all.
pub(super) fn concerned(book: &Rulebook, name: &PolicyName) -> Vec<i64> {
    let of = |code: &OrganisationCode| match name {
        PolicyName::Default => true,
        PolicyName::Organisation(own) => own == code,
    };
    let organisations = book.organisations.iter().filter(|(code, _)| of(code)).map(|(_, (n, _))| *n);
    let wards = book.wards.values().filter(|w| of(&w.ward.organisation)).map(|w| w.number);
    let groups = book.groups.values().filter(|g| of(&g.group.organisation)).map(|g| g.number);
    let mut numbers: Vec<i64> = organisations.chain(wards).chain(groups).collect();
    numbers.sort_unstable();
    numbers
}

/// The version to write. All whom it concerns are due now, also for a version to come: it is one more instant at which
/// time alone changes them.
fn change(book: &Rulebook, version: &PolicyVersion, now: Time, by: &Caller) -> ConfigChange {
    let name = version.name.to_string();
    let audited = wire::Audited {
        method: "UpdatePolicy".to_owned(),
        actor: by.name().to_owned(),
        generation: book.generation + 1,
        policy_version: version.to_string(),
        changed: vec![name.clone()],
        ..wire::Audited::default()
    };
    let payload = wire::encode_policy(version);
    ConfigChange {
        base: book.generation,
        rows: Vec::new(),
        context: vec![ContextWrite { kind: ContextKind::Policy, name, version: version.version, payload }],
        touched: concerned(book, &version.name),
        tag: fastrand::i64(1..i64::MAX),
        now,
        audit: wire::audit_entry(&Cause::Policy, audited),
    }
}
