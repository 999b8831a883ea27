//! Strikes: a caller's definition to meaning, and back.

use std::collections::BTreeSet;

use bytes::Bytes;
use prost::Message;

use crate::domain::{
    CallOffReason, Derogation, DerogationState, OrganisationCode, RejectReason, Scope, SiteCode, Strike, StrikeId,
    SubjectName, Tier, Time, Window, Zone,
};
use crate::wire::strike_enums::{
    attribution_from, call_off_reason_from, derogation_state_from, elective_from, staff_group_from, strike_mode_from,
};
use crate::wire::strike_windows::{window_to, windows_from};
use crate::wire::{CorruptState, Violations, pb, timestamp_to, to_time};

/// Most organisations in a scope.
const MOST_ORGANISATIONS: usize = 1_000;
/// Most regions in a scope.
const MOST_REGIONS: usize = 100;

/// What was accepted and should be looked at: field path and what was taken.
#[derive(Debug, Default)]
pub struct Warnings {
    prefix: &'static str,
    found: Vec<pb::StrikeWarning>,
}

impl Warnings {
    /// For a message that stands at `prefix`, such as `strike.`.
    pub fn at(prefix: &'static str) -> Self {
        Self { prefix, found: Vec::new() }
    }
    /// Notes one.
    pub fn add(&mut self, field: impl AsRef<str>, description: impl Into<String>) {
        let field = format!("{}{}", self.prefix, field.as_ref());
        self.found.push(pb::StrikeWarning { field, description: description.into() });
    }
    /// As messages.
    pub fn into_messages(self) -> Vec<pb::StrikeWarning> {
        self.found
    }
}

/// A strike's definition, with what is wrong noted in `v` and what was taken in `warnings`. `before` is the strike that
/// it replaces, whose derogations stay; version and time of the change are the caller's to set.
pub fn strike_from(
    v: &mut Violations,
    warnings: &mut Warnings,
    message: pb::Strike,
    id: Option<StrikeId>,
    before: Option<&Strike>,
) -> Option<Strike> {
    let pb::Strike {
        name: _,
        union,
        staff_group,
        mode,
        elective_policy,
        scope,
        time_zone,
        attribution,
        windows,
        derogations: _,
        version: _,
        etag: _,
        change_reason: _,
        update_time: _,
    } = message;
    let union = v.parse("union", &union);
    let staff_group = said(
        v,
        "staff_group",
        staff_group_from(staff_group),
        "RESIDENT_DOCTORS, CONSULTANTS, SAS_DOCTORS, ALL_DOCTORS or NURSES",
    );
    let mode = said(
        v,
        "mode",
        strike_mode_from(mode),
        "FULL_WITHDRAWAL, EMERGENCY_CARE_ONLY, CHRISTMAS_DAY_COVER, NIGHT_DUTY_COVER or ACTION_SHORT_OF_STRIKE",
    );
    let elective =
        said(v, "elective_policy", elective_from(elective_policy), "EMERGENCY_ONLY, URGENT_AND_CANCER or MAINTAIN");
    let scope = scope_from(v, scope.unwrap_or_default());
    let zone = if time_zone.is_empty() { Some(Zone::london()) } else { v.parse("time_zone", &time_zone) };
    let attribution = said(v, "attribution", attribution_from(attribution), "CLOCK or SHIFT_START, or left out");
    let former = before.map_or(&[][..], |b| &b.windows);
    // With a zone that is none, what is wrong with the windows in any zone is said as well.
    let assumed = zone.clone().or_else(|| "UTC".parse().ok());
    let windows = assumed.map(|zone| windows_from(v, warnings, &zone, &windows, former));
    Some(Strike {
        id: id.or_else(|| derived(union.as_ref()?, windows.as_deref()?))?,
        union: union?,
        staff_group: staff_group?,
        mode: mode?,
        elective: elective?,
        scope: scope?,
        zone: zone?,
        attribution: attribution?,
        windows: windows?,
        derogations: before.map(|b| b.derogations.clone()).unwrap_or_default(),
        version: 0,
        changed_by: None,
        changed: Time::default(),
    })
}

/// The union and the first day: `bma-2016-04-26`.
fn derived(union: &crate::domain::UnionCode, windows: &[Window]) -> Option<StrikeId> {
    let first = windows.first()?.start_local.day();
    StrikeId::from_id(&format!("{}-{first}", union.as_str().to_ascii_lowercase())).ok()
}

/// A value of an enum that must be said.
fn said<T>(v: &mut Violations, field: &str, value: Option<T>, expected: &str) -> Option<T> {
    if value.is_none() {
        v.add(field, RejectReason::Missing, format!("is required: {expected}"));
    }
    value
}

fn scope_from(v: &mut Violations, message: pb::StrikeScope) -> Option<Scope> {
    let pb::StrikeScope { organisations, regions, nation } = message;
    let set = [!organisations.is_empty(), !regions.is_empty(), !nation.is_empty()];
    match set.iter().filter(|set| **set).count() {
        0 => v.add("scope", RejectReason::Missing, "is required: organisations, or regions, or the nation ENGLAND"),
        1 => {}
        _ => v.add("scope", RejectReason::Conflict, "has more than one of organisations, regions and nation: set one"),
    }
    let codes = organisations_from(v, &organisations)?;
    let regions = regions_from(v, &regions)?;
    if !matches!(nation.as_str(), "" | "ENGLAND") {
        v.add("scope.nation", RejectReason::Malformed, "is not a nation with a register here: ENGLAND is the only one");
        return None;
    }
    match set {
        [true, false, false] => Some(Scope::Organisations(codes)),
        [false, true, false] => Some(Scope::Regions(regions)),
        [false, false, true] => Some(Scope::England),
        _ => None,
    }
}

fn organisations_from(v: &mut Violations, names: &[String]) -> Option<BTreeSet<OrganisationCode>> {
    if names.len() > MOST_ORGANISATIONS {
        let text = format!("{} organisations: at most {MOST_ORGANISATIONS}; name regions or the nation", names.len());
        v.add("scope.organisations", RejectReason::TooMany, text);
        return None;
    }
    let mut read = |(n, name): (usize, &String)| {
        let field = format!("scope.organisations[{n}]");
        match v.parse(&field, name)? {
            SubjectName::Organisation(code) => Some(code),
            SubjectName::Ward(..) | SubjectName::CoverGroup(..) => {
                let text = format!("'{name}' is not an organisation: organisations/{{ods}}");
                v.add(&field, RejectReason::Malformed, text);
                None
            }
        }
    };
    let codes: Vec<_> = names.iter().enumerate().map(&mut read).collect();
    codes.into_iter().collect()
}

fn regions_from(v: &mut Violations, codes: &[String]) -> Option<BTreeSet<SiteCode>> {
    if codes.len() > MOST_REGIONS {
        let text = format!("{} regions: at most {MOST_REGIONS}", codes.len());
        v.add("scope.regions", RejectReason::TooMany, text);
        return None;
    }
    let codes: Vec<_> = codes.iter().enumerate().map(|(n, c)| v.parse(&format!("scope.regions[{n}]"), c)).collect();
    codes.into_iter().collect()
}

/// A reason that must be given.
pub fn call_off_reason(v: &mut Violations, field: &str, value: i32) -> Option<CallOffReason> {
    said(v, field, call_off_reason_from(value), "SUSPENDED, WITHDRAWN, SETTLED or COURT_ORDER")
}

/// A reason that may be left out.
pub fn change_reason(v: &mut Violations, field: &str, value: i32) -> Option<CallOffReason> {
    if value == 0 { None } else { call_off_reason(v, field, value) }
}

/// A derogation, with what is wrong noted in `v`. It holds from `now` unless it says otherwise.
pub fn derogation_from(v: &mut Violations, message: pb::Derogation, now: Time) -> Option<Derogation> {
    let pb::Derogation { cover_group, tier, number, state, effective_time } = message;
    let group = match v.parse("cover_group", &cover_group) {
        Some(group @ SubjectName::CoverGroup(..)) => Some(group),
        Some(SubjectName::Organisation(_) | SubjectName::Ward(..)) => {
            let text = format!("'{cover_group}' is not a cover group: organisations/{{ods}}/coverGroups/{{group}}");
            v.add("cover_group", RejectReason::Malformed, text);
            None
        }
        None => None,
    };
    let tier = Tier::ALL.into_iter().find(|t| i64::from(t.number()) == i64::from(tier));
    if tier.is_none() {
        v.add("tier", RejectReason::Malformed, "is not 1, 2 or 3");
    }
    let expected = "REQUESTED, GRANTED, REFUSED or WITHDRAWN";
    let state = said(v, "state", derogation_state_from(state), expected);
    let found = v.count("number", number);
    let needed = matches!(state, Some(DerogationState::Requested | DerogationState::Granted));
    if needed && number.is_none_or(|n| n == 0) {
        v.add("number", RejectReason::Missing, "is required and at least 1 when REQUESTED or GRANTED");
    }
    let effective = effective_time.map_or(Some(now), |t| v.time("effective_time", Some(t)));
    Some(Derogation { group: group?, tier: tier?, effective: effective?, number: found.unwrap_or(0), state: state? })
}

/// A tier's number.
pub fn tier_to(tier: Tier) -> i32 {
    i32::try_from(tier.number()).unwrap_or_default()
}

/// A derogation as its message.
pub fn derogation_to(derogation: &Derogation) -> pb::Derogation {
    let Derogation { group, tier, effective, number, state } = derogation;
    pb::Derogation {
        cover_group: group.to_string(),
        tier: tier_to(*tier),
        number: i32::try_from(*number).ok(),
        state: pb::DerogationState::from(*state).into(),
        effective_time: Some(timestamp_to(*effective)),
    }
}

/// A strike as its message.
pub fn strike_to(strike: &Strike) -> pb::Strike {
    let Strike {
        id,
        union,
        staff_group,
        mode,
        elective,
        scope,
        zone,
        attribution,
        windows,
        derogations,
        version,
        changed_by,
        changed,
    } = strike;
    pb::Strike {
        name: id.to_string(),
        union: union.to_string(),
        staff_group: pb::StaffGroup::from(*staff_group).into(),
        mode: pb::StrikeMode::from(*mode).into(),
        elective_policy: pb::ElectivePolicy::from(*elective).into(),
        scope: Some(scope_to(scope)),
        time_zone: zone.name().to_owned(),
        attribution: pb::Attribution::from(*attribution).into(),
        windows: windows.iter().map(window_to).collect(),
        derogations: derogations.iter().map(derogation_to).collect(),
        version: *version,
        etag: strike_etag(strike),
        change_reason: changed_by.map_or(0, |r| pb::CallOffReason::from(r).into()),
        update_time: Some(timestamp_to(*changed)),
    }
}

fn scope_to(scope: &Scope) -> pb::StrikeScope {
    let (mut organisations, mut regions, mut nation) = (Vec::new(), Vec::new(), String::new());
    match scope {
        Scope::Organisations(codes) => organisations = codes.iter().map(|c| format!("organisations/{c}")).collect(),
        Scope::Regions(codes) => regions = codes.iter().map(ToString::to_string).collect(),
        Scope::England => "ENGLAND".clone_into(&mut nation),
    }
    pb::StrikeScope { organisations, regions, nation }
}

/// Changes with each version. The time is in it, so that a version made after a backup was restored is another one.
pub fn strike_etag(strike: &Strike) -> String {
    format!("{}-{:x}", strike.version, strike.changed.as_micros())
}

/// A strike as it is stored.
pub fn encode_strike(strike: &Strike) -> Bytes {
    strike_to(strike).encode_to_vec().into()
}

/// A strike from its stored bytes. Its instants are those it was announced with: a later change of a zone's rules does not
/// move them.
///
/// # Errors
/// When they cannot be read.
pub fn decode_strike(bytes: &Bytes) -> Result<Strike, CorruptState> {
    const CORRUPT: CorruptState = CorruptState("a strike");
    let message = pb::Strike::decode(bytes.clone()).map_err(|_| CORRUPT)?;
    read_stored(message).ok_or(CORRUPT)
}

fn read_stored(message: pb::Strike) -> Option<Strike> {
    let windows = message.windows.iter().map(window_stored).collect::<Option<Vec<_>>>()?;
    let mut v = Violations::default();
    let derogations: Option<Vec<_>> =
        message.derogations.iter().map(|d| derogation_from(&mut v, d.clone(), Time::default())).collect();
    Some(Strike {
        id: message.name.parse().ok()?,
        union: message.union.parse().ok()?,
        staff_group: staff_group_from(message.staff_group)?,
        mode: strike_mode_from(message.mode)?,
        elective: elective_from(message.elective_policy)?,
        scope: scope_from(&mut v, message.scope?)?,
        zone: message.time_zone.parse().ok()?,
        attribution: attribution_from(message.attribution)?,
        windows,
        derogations: derogations.filter(|_| v.is_empty())?,
        version: message.version,
        changed_by: call_off_reason_from(message.change_reason),
        changed: to_time(message.update_time?)?,
    })
}

fn window_stored(message: &pb::StrikeWindow) -> Option<Window> {
    Some(Window {
        id: u32::try_from(message.id).ok()?,
        start_local: message.start_local.parse().ok()?,
        end_local: message.end_local.parse().ok()?,
        start: to_time(message.start_time?)?,
        end: to_time(message.end_time?)?,
        called_off: call_off_reason_from(message.call_off_reason),
    })
}
