//! Changes of strikes: each makes a version, and whoever read an older one loses.

use crate::access::{Caller, Reach};
use crate::domain::{Cause, Derogation, RejectReason, Rulebook, Strike, StrikeId, SubjectName, Time};
use crate::register::Register;
use crate::register::change::TRIES;
use crate::register::strike_effect::{effect, scope_warnings, touched};
use crate::store::{ConfigChange, ConfigOutcome, ContextKind, ContextWrite, StoreError};
use crate::wire::{self, InvalidFields, Violations, Warnings, pb};

/// The method that announces a strike.
const CREATE: &str = "CreateStrike";
/// Most records of derogations of one organisation in one strike: none fills it up for the others.
const MOST_DEROGATIONS: usize = 200;

/// Why a strike was not changed. Nothing was written.
#[derive(Clone, Debug)]
pub enum StrikeError {
    /// Fields of the call are wrong.
    Invalid(InvalidFields),
    /// There is one of that name already.
    Exists(StrikeId),
    /// There is none of that name; the nearest.
    Missing(StrikeId, Option<StrikeId>),
    /// It was changed since the caller read it, or while this call was under way.
    Changed(StrikeId),
    /// It calls out staff of an organisation that the caller is not bound to, or is about such a cover group.
    Foreign,
    /// The store failed.
    Store(StoreError),
    /// Others changed the register at every try.
    Contended,
}

/// A strike after a change, or as it would be with `validate_only`.
#[derive(Clone, Debug)]
pub struct StrikeChanged {
    /// The strike.
    pub strike: pb::Strike,
    /// What the caller should look at.
    pub warnings: Vec<pb::StrikeWarning>,
    /// What it comes to.
    pub effect: pb::StrikeEffect,
}

/// What a caller says of the strike to change.
struct Call<'a> {
    method: &'a str,
    id: StrikeId,
    /// The version that the caller read; empty: whatever it is now.
    etag: &'a str,
    validate_only: bool,
    by: &'a Caller,
    /// The cover group whose derogation it is. A strike as a whole is for those who are bound to all whom it calls out.
    group: Option<SubjectName>,
}

/// A strike as a call wants it; version and time are not yet its own.
struct Wanted {
    strike: Strike,
    warnings: Warnings,
}

impl From<StoreError> for StrikeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl StrikeError {
    /// There is no such strike.
    pub fn missing(book: &Rulebook, id: &StrikeId, reach: &Reach) -> Self {
        let near = |other: &&StrikeId| strsim::osa_distance(other.id(), id.id());
        let seen = book.strikes.iter().filter(|(_, (_, strike))| reach.sees_strike(book, strike));
        Self::Missing(id.clone(), seen.map(|(id, _)| id).min_by_key(near).cloned())
    }
}

impl Call<'_> {
    /// That the caller may change the strike at all; one it does not see is none.
    fn permitted_by(&self, book: &Rulebook, before: &Strike) -> Result<(), StrikeError> {
        let reach = self.by.reach();
        // Of a new one, that its name is taken is no secret: the same answer whoever announced the other.
        if self.method != CREATE && !reach.sees_strike(book, before) {
            return Err(StrikeError::missing(book, &self.id, reach));
        }
        if self.method == CREATE { Ok(()) } else { self.permitted(before) }
    }

    fn permitted(&self, strike: &Strike) -> Result<(), StrikeError> {
        let own = match &self.group {
            Some(group) => self.by.sees(group.organisation()),
            None => self.by.reach().has_scope(&strike.scope),
        };
        if own { Ok(()) } else { Err(StrikeError::Foreign) }
    }
}

impl Register {
    /// Announces a strike.
    ///
    /// # Errors
    /// Every wrong field with its path, a name that is taken, or the store's failure.
    pub async fn create_strike(
        &self,
        request: pb::CreateStrikeRequest,
        by: &Caller,
    ) -> Result<StrikeChanged, StrikeError> {
        let pb::CreateStrikeRequest { strike, strike_id, validate_only } = request;
        let definition = strike.unwrap_or_default();
        let mut v = Violations::at("strike.");
        let named = name_of(&strike_id, &definition.name);
        let id = named.as_ref().ok().cloned().flatten();
        let parsed = wire::strike_from(&mut v, &mut Warnings::at("strike."), definition.clone(), id, None);
        let mut wrong = v.into_fields();
        wrong.extend(named.err());
        let Some(id) = parsed.filter(|_| wrong.is_empty()).map(|s| s.id) else { return Err(invalid(wrong)) };
        let call = Call { method: CREATE, id: id.clone(), etag: "", validate_only, by, group: None };
        self.change_strike(call, |_, before, _| match before {
            Some(_) => Err(StrikeError::Exists(id.clone())),
            None => defined(definition.clone(), &id, None),
        })
        .await
    }

    /// Replaces a strike's definition.
    ///
    /// # Errors
    /// As [`Self::create_strike`]; one that is not there, or is at another version.
    pub async fn update_strike(
        &self,
        request: pb::UpdateStrikeRequest,
        by: &Caller,
    ) -> Result<StrikeChanged, StrikeError> {
        let pb::UpdateStrikeRequest { strike, reason, validate_only } = request;
        let definition = strike.unwrap_or_default();
        let mut v = Violations::default();
        let id: Option<StrikeId> = v.parse("strike.name", &definition.name);
        let reason = wire::change_reason(&mut v, "reason", reason);
        let id = checked(v, id)?;
        let etag = definition.etag.clone();
        let call = Call { method: "UpdateStrike", id: id.clone(), etag: &etag, validate_only, by, group: None };
        self.change_strike(call, |book, before, _| {
            let before = before.ok_or_else(|| StrikeError::missing(book, &id, by.reach()))?;
            let mut wanted = defined(definition.clone(), &id, Some(before))?;
            wanted.strike.changed_by = reason;
            Ok(wanted)
        })
        .await
    }

    /// Calls off windows of a strike, or all of it.
    ///
    /// # Errors
    /// As [`Self::update_strike`].
    pub async fn call_off_strike(
        &self,
        request: pb::CallOffStrikeRequest,
        by: &Caller,
    ) -> Result<StrikeChanged, StrikeError> {
        let pb::CallOffStrikeRequest { name, window_ids, reason, etag, validate_only } = request;
        let mut v = Violations::default();
        let id: Option<StrikeId> = v.parse("name", &name);
        let reason = wire::call_off_reason(&mut v, "reason", reason);
        let (id, reason) = checked(v, id.zip(reason))?;
        let call = Call { method: "CallOffStrike", id: id.clone(), etag: &etag, validate_only, by, group: None };
        self.change_strike(call, |book, before, _| {
            let strike = before.ok_or_else(|| StrikeError::missing(book, &id, by.reach()))?.clone();
            let mut wanted = Wanted { strike, warnings: Warnings::at("") };
            let mut v = Violations::default();
            for (n, window_id) in window_ids.iter().enumerate() {
                named_window(&mut v, &mut wanted, n, *window_id);
            }
            checked(v, Some(()))?;
            let named = |id| window_ids.is_empty() || window_ids.iter().any(|w| i64::from(*w) == i64::from(id));
            for window in wanted.strike.windows.iter_mut().filter(|w| w.called_off.is_none() && named(w.id)) {
                window.called_off = Some(reason);
                wanted.strike.changed_by = Some(reason);
            }
            Ok(wanted)
        })
        .await
    }

    /// Records a derogation.
    ///
    /// # Errors
    /// As [`Self::update_strike`]; a cover group that is not registered, or not in scope.
    pub async fn record_derogation(
        &self,
        request: pb::RecordDerogationRequest,
        by: &Caller,
    ) -> Result<StrikeChanged, StrikeError> {
        let pb::RecordDerogationRequest { name, derogation, etag, validate_only } = request;
        let mut v = Violations::default();
        let id: Option<StrikeId> = v.parse("name", &name);
        let mut inner = Violations::at("derogation.");
        let derogation = wire::derogation_from(&mut inner, derogation.unwrap_or_default(), self.clock.now());
        let wrong = [v.into_fields(), inner.into_fields()].concat();
        let Some((id, derogation)) = id.zip(derogation).filter(|_| wrong.is_empty()) else {
            return Err(invalid(wrong));
        };
        let group = Some(derogation.group.clone());
        let call = Call { method: "RecordDerogation", id: id.clone(), etag: &etag, validate_only, by, group };
        self.change_strike(call, |book, before, _| {
            let before = before.ok_or_else(|| StrikeError::missing(book, &id, by.reach()))?;
            let mut strike = before.clone();
            let mut v = Violations::at("derogation.");
            derogable(&mut v, book, before, &derogation.group);
            let key = |d: &Derogation| (d.group.clone(), d.tier, d.effective);
            strike.derogations.retain(|d| key(d) != key(&derogation));
            strike.derogations.push(derogation.clone());
            strike.derogations.sort();
            let own = |d: &&Derogation| d.group.organisation() == derogation.group.organisation();
            if strike.derogations.iter().filter(own).count() > MOST_DEROGATIONS {
                let text = format!("the organisation has {MOST_DEROGATIONS} in this strike already");
                v.add("cover_group", RejectReason::TooMany, text);
            }
            checked(v, Some(Wanted { strike, warnings: Warnings::at("") }))
        })
        .await
    }

    /// Makes a change until it stands. It is made anew when others changed the register meanwhile, and lost when they
    /// changed this strike.
    async fn change_strike(
        &self,
        call: Call<'_>,
        make: impl Fn(&Rulebook, Option<&Strike>, Time) -> Result<Wanted, StrikeError>,
    ) -> Result<StrikeChanged, StrikeError> {
        let mut seen = None;
        for _ in 0..TRIES {
            self.refresh().await?;
            let book = self.rulebook();
            let now = self.clock.now();
            let before = book.strikes.get(&call.id).map(|(_, strike)| strike.as_ref());
            if let Some(before) = before {
                call.permitted_by(&book, before)?;
            }
            let version = before.map_or(0, |b| b.version);
            let first = *seen.get_or_insert(version);
            let lost = |b: &Strike| {
                !call.etag.is_empty() && wire::strike_etag(b) != call.etag || first > 0 && b.version != first
            };
            if before.is_some_and(lost) {
                return Err(StrikeError::Changed(call.id));
            }
            let Wanted { mut strike, mut warnings } = make(&book, before, now)?;
            call.permitted(&strike)?;
            scope_warnings(&book, &strike, &mut warnings);
            let same = before.filter(|b| unchanged(b, &strike));
            (strike.version, strike.changed) = same.map_or((version + 1, now), |b| (b.version, b.changed));
            if let Some(before) = same {
                strike.changed_by = before.changed_by;
            }
            let done = StrikeChanged {
                effect: effect(&book, &strike, now),
                strike: wire::strike_to(&strike),
                warnings: warnings.into_messages(),
            };
            if same.is_some() || call.validate_only {
                return Ok(done);
            }
            let change = change(&call, &book, before, &strike, now);
            if let ConfigOutcome::Changed(generation) = self.store.change_config(&change).await? {
                self.refresh_to(generation).await?;
                return Ok(done);
            }
        }
        Err(StrikeError::Contended)
    }
}

/// The version to write, and whom it concerns: everyone in the scope of the old strike or of the new one.
fn change(call: &Call<'_>, book: &Rulebook, before: Option<&Strike>, strike: &Strike, now: Time) -> ConfigChange {
    let name = strike.id.to_string();
    let audited = wire::Audited {
        method: call.method.to_owned(),
        actor: call.by.name().to_owned(),
        generation: book.generation + 1,
        changed: vec![name.clone()],
        ..wire::Audited::default()
    };
    let payload = wire::encode_strike(strike);
    ConfigChange {
        base: book.generation,
        rows: Vec::new(),
        context: vec![ContextWrite { kind: ContextKind::Strike, name, version: strike.version, payload }],
        touched: touched(book, before.into_iter().chain([strike])),
        tag: fastrand::i64(1..i64::MAX),
        now,
        audit: wire::audit_entry(&Cause::Strike, audited),
    }
}

/// Whether nothing is different but what every version has of its own.
fn unchanged(before: &Strike, after: &Strike) -> bool {
    let Strike { version, changed_by, changed, .. } = before.clone();
    Strike { version, changed_by, changed, ..after.clone() } == *before
}

/// The id asked for, if any; the two places that may say it must agree.
fn name_of(strike_id: &str, name: &str) -> Result<Option<StrikeId>, (String, String)> {
    let by_id = (!strike_id.is_empty()).then(|| StrikeId::from_id(strike_id)).transpose();
    let by_id = by_id.map_err(|e| ("strike_id".to_owned(), e.to_string()))?;
    let by_name = (!name.is_empty()).then(|| name.parse::<StrikeId>()).transpose();
    let by_name = by_name.map_err(|e| ("strike.name".to_owned(), e.to_string()))?;
    match (by_id, by_name) {
        (Some(id), Some(name)) if id != name => {
            Err(("strike_id".to_owned(), format!("'{strike_id}' is not the id of strike.name, {name}: leave one out")))
        }
        (id, name) => Ok(id.or(name)),
    }
}

/// The definition over the strike that it replaces.
fn defined(message: pb::Strike, id: &StrikeId, before: Option<&Strike>) -> Result<Wanted, StrikeError> {
    let (mut v, mut warnings) = (Violations::at("strike."), Warnings::at("strike."));
    let strike = wire::strike_from(&mut v, &mut warnings, message, Some(id.clone()), before);
    let strike = checked(v, strike)?;
    Ok(Wanted { strike, warnings })
}

/// A window named in a call-off: it must be there; one called off before is said.
fn named_window(v: &mut Violations, wanted: &mut Wanted, n: usize, id: i32) {
    let field = format!("window_ids[{n}]");
    let windows = &wanted.strike.windows;
    match windows.iter().find(|w| i64::from(w.id) == i64::from(id)) {
        None => {
            let ids: Vec<String> = windows.iter().map(|w| w.id.to_string()).collect();
            let text = format!("the strike has no window {id}: it has {}", ids.join(", "));
            v.add(&field, RejectReason::UnknownSubject, text);
        }
        Some(window) if window.called_off.is_some() => {
            wanted.warnings.add(field, "it was called off before, and keeps its reason");
        }
        Some(_) => {}
    }
}

/// Whether a derogation of a strike may name a group.
fn derogable(v: &mut Violations, book: &Rulebook, strike: &Strike, group: &SubjectName) {
    let reason = RejectReason::UnknownSubject;
    match book.group(group).filter(|g| g.in_force) {
        _ if !strike.staff_group.is_doctors() => {
            v.add("cover_group", reason, "cover groups are of doctors, and this strike calls out nurses");
        }
        None => {
            let near =
                |other: &&SubjectName| (strsim::osa_distance(&other.to_string(), &group.to_string()), (*other).clone());
            let own = |name: &SubjectName| name.organisation() == group.organisation();
            let in_force = book.groups.iter().filter(|(name, g)| g.in_force && own(name)).map(|(name, _)| name);
            let nearest = in_force.min_by_key(near).map(|n| format!(" (nearest: {n})")).unwrap_or_default();
            v.add("cover_group", reason, format!("'{group}' is not registered{nearest}"));
        }
        Some(facts) if !strike.scope.covers(&facts.organisation) => {
            let text = format!(
                "{} is not in the scope of the strike",
                SubjectName::Organisation(group.organisation().clone())
            );
            v.add("cover_group", reason, text);
        }
        Some(_) => {}
    }
}

/// What was read, unless something is wrong.
fn checked<T>(v: Violations, read: Option<T>) -> Result<T, StrikeError> {
    if v.is_empty() { read.ok_or_else(|| invalid(Vec::new())) } else { Err(invalid(v.into_fields())) }
}

fn invalid(wrong: Vec<(String, String)>) -> StrikeError {
    StrikeError::Invalid(InvalidFields(wrong))
}
