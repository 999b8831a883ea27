use bytes::Bytes;
use prost::Message;

use crate::domain::{
    Limit, MinimumReason, Organisation, OrganisationCode, RejectReason, SubjectName, Ward, WardCode, WardState, Zone,
};
use crate::wire::enums::ward_kind_from;
use crate::wire::{CorruptState, Violations, pb};

/// Longest display name or identifier.
const MOST_TEXT: usize = 200;

/// An organisation, with what is wrong noted in `v`.
pub fn organisation_from(v: &mut Violations, message: pb::Organisation) -> Option<Organisation> {
    let pb::Organisation { name, display_name, region, region_name, icb, time_zone } = message;
    let code = organisation_name(v, &name);
    let region = v.parse_optional("region", &region);
    let icb = v.parse_optional("icb", &icb);
    let zone = if time_zone.is_empty() { Some(Zone::london()) } else { v.parse("time_zone", &time_zone) };
    text(v, "display_name", &display_name);
    text(v, "region_name", &region_name);
    let code = code?;
    let display_name = if display_name.is_empty() { code.to_string() } else { display_name };
    Some(Organisation { display_name, region, region_name, icb, zone: zone?, code })
}

fn organisation_name(v: &mut Violations, name: &str) -> Option<OrganisationCode> {
    match v.parse("name", name)? {
        SubjectName::Organisation(code) => Some(code),
        SubjectName::Ward(..) | SubjectName::CoverGroup(..) => {
            v.add("name", RejectReason::Malformed, format!("'{name}' is not an organisation: organisations/{{ods}}"));
            None
        }
    }
}

/// A ward, with what is wrong noted in `v`. `known_rules` are those that may be switched on.
pub fn ward_from(v: &mut Violations, message: pb::Ward, optional_rules: &[&str]) -> Option<Ward> {
    let pb::Ward {
        name,
        display_name,
        kind,
        site,
        beds,
        limit_patients_per_rn,
        night_limit_patients_per_rn,
        severe_limit_patients_per_rn,
        minimum_registered_nurses,
        minimum_reason,
        report_every_minutes,
        census_times,
        state,
        identifiers,
        enabled_rules,
        night_duty_registered_nurses,
    } = message;
    let ids = ward_name(v, &name);
    let kind_value = ward_kind_from(kind);
    if kind_value.is_none() {
        v.add(
            "kind",
            RejectReason::Missing,
            "is required: ADULT_INPATIENT, ACUTE_MEDICAL, INTENSIVE_CARE, ... (WardKind)",
        );
    }
    text(v, "display_name", &display_name);
    for (system, code) in &identifiers {
        text(v, "identifiers", system);
        text(v, "identifiers", code);
    }
    for rule in enabled_rules.iter().filter(|r| !optional_rules.contains(&r.as_str())) {
        let text = format!("'{rule}' cannot be switched on: one of {}", optional_rules.join(", "));
        v.add("enabled_rules", RejectReason::Malformed, text);
    }
    let site = v.parse_optional("site", &site);
    let beds = v.count("beds", beds);
    let limit = limit(v, "limit_patients_per_rn", limit_patients_per_rn, 10);
    let night_limit = self::limit(v, "night_limit_patients_per_rn", night_limit_patients_per_rn, 10);
    let severe_limit = self::limit(v, "severe_limit_patients_per_rn", severe_limit_patients_per_rn, 1);
    if let (Some(severe), Some(limit)) = (severe_limit, limit.max(night_limit))
        && severe < limit
    {
        v.add(
            "severe_limit_patients_per_rn",
            RejectReason::Implausible,
            format!("{severe} is below the limit of {limit}"),
        );
    }
    let (minimum, minimum_reason) = minimum(v, minimum_registered_nurses, minimum_reason, beds);
    let night_duty_registered_nurses = v.count("night_duty_registered_nurses", night_duty_registered_nurses);
    let report_every_minutes = every(v, report_every_minutes);
    let census_times = census(v, &census_times);
    let state = ward_state(v, state);
    let ((organisation, code), kind) = (ids?, kind_value?);
    let display_name = if display_name.is_empty() { code.to_string() } else { display_name };
    Some(Ward {
        organisation,
        code,
        display_name,
        kind,
        site,
        beds,
        limit,
        night_limit,
        severe_limit,
        minimum,
        minimum_reason,
        night_duty_registered_nurses,
        report_every_minutes,
        census_times,
        state,
        identifiers,
        enabled_rules,
    })
}

fn ward_name(v: &mut Violations, name: &str) -> Option<(OrganisationCode, WardCode)> {
    match v.parse("name", name)? {
        SubjectName::Ward(organisation, code) => Some((organisation, code)),
        SubjectName::Organisation(_) | SubjectName::CoverGroup(..) => {
            v.add(
                "name",
                RejectReason::Malformed,
                format!("'{name}' is not a ward: organisations/{{ods}}/wards/{{ward}}"),
            );
            None
        }
    }
}

pub(super) fn text(v: &mut Violations, field: &str, value: &str) {
    if value.len() > MOST_TEXT || value.chars().any(char::is_control) {
        v.add(field, RejectReason::Malformed, format!("is longer than {MOST_TEXT} bytes or has control characters"));
    }
}

/// A limit in hundredths; `step` is 10 for tenths. The decimal must be exact: nothing is rounded near a threshold.
pub(super) fn limit(v: &mut Violations, field: &str, value: Option<f64>, step: u32) -> Option<Limit> {
    let value = value?;
    let hundredths = (value * 100.0).round();
    if !(1.0..=10_000.0).contains(&hundredths) {
        v.add(field, RejectReason::Implausible, format!("{value} is not between 0 and 100 patients per nurse"));
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 10,000, checked above")]
    let exact = hundredths as u32;
    if (value * 100.0 - hundredths).abs() > 1e-6 || !exact.is_multiple_of(step) {
        v.add(field, RejectReason::Malformed, format!("{value} is finer than steps of {}", f64::from(step) / 100.0));
        return None;
    }
    Some(Limit(exact))
}

fn minimum(
    v: &mut Violations,
    value: Option<i32>,
    reason: i32,
    beds: Option<u32>,
) -> (Option<u32>, Option<MinimumReason>) {
    let minimum = v.count("minimum_registered_nurses", value);
    let reason = match pb::MinimumReason::try_from(reason) {
        Ok(pb::MinimumReason::SmallUnit) => Some(MinimumReason::SmallUnit),
        Ok(pb::MinimumReason::LocalAgreement) => Some(MinimumReason::LocalAgreement),
        Ok(pb::MinimumReason::Unspecified) => None,
        Err(_) => {
            v.add("minimum_reason", RejectReason::Malformed, "is neither SMALL_UNIT nor LOCAL_AGREEMENT");
            None
        }
    };
    if minimum.is_some_and(|m| m != 2) && reason.is_none() {
        v.add(
            "minimum_reason",
            RejectReason::Missing,
            "is required with a minimum other than 2: SMALL_UNIT or LOCAL_AGREEMENT",
        );
    }
    if reason == Some(MinimumReason::SmallUnit) && beds.is_some_and(|b| b > 4) {
        v.add("minimum_reason", RejectReason::Implausible, "SMALL_UNIT is for units of up to 4 beds");
    }
    (minimum, reason)
}

fn every(v: &mut Violations, minutes: Option<i32>) -> Option<u16> {
    let minutes = minutes?;
    let valid = u16::try_from(minutes).ok().filter(|m| (5..=1_440).contains(m));
    if valid.is_none() {
        v.add("report_every_minutes", RejectReason::Implausible, format!("{minutes} is not between 5 and 1440"));
    }
    valid
}

fn census(v: &mut Violations, times: &[String]) -> Vec<u16> {
    let mut minutes: Vec<u16> = Vec::new();
    for (n, time) in times.iter().enumerate() {
        match minute_of_day(time) {
            Some(minute) => minutes.push(minute),
            None => v.add(&format!("census_times[{n}]"), RejectReason::Malformed, format!("'{time}' is not HH:MM")),
        }
    }
    minutes.sort_unstable();
    minutes.dedup();
    minutes
}

pub(super) fn minute_of_day(time: &str) -> Option<u16> {
    let (hours, minutes) = time.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2)?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

pub(super) fn ward_state(v: &mut Violations, state: i32) -> WardState {
    match pb::WardState::try_from(state) {
        Ok(pb::WardState::Unspecified | pb::WardState::Open) => WardState::Open,
        Ok(pb::WardState::Closed) => WardState::Closed,
        Err(_) => {
            v.add("state", RejectReason::Malformed, "is neither OPEN nor CLOSED");
            WardState::Open
        }
    }
}

/// An organisation as its message.
pub fn organisation_to(organisation: &Organisation) -> pb::Organisation {
    let Organisation { code, display_name, region, region_name, icb, zone } = organisation;
    pb::Organisation {
        name: format!("organisations/{code}"),
        display_name: display_name.clone(),
        region: region.as_ref().map(ToString::to_string).unwrap_or_default(),
        region_name: region_name.clone(),
        icb: icb.as_ref().map(ToString::to_string).unwrap_or_default(),
        time_zone: zone.name().to_owned(),
    }
}

/// A ward as its message.
pub fn ward_to(ward: &Ward) -> pb::Ward {
    let decimal = |l: Limit| f64::from(l.0) / 100.0;
    pb::Ward {
        name: format!("organisations/{}/wards/{}", ward.organisation, ward.code),
        display_name: ward.display_name.clone(),
        kind: pb::WardKind::from(ward.kind).into(),
        site: ward.site.as_ref().map(ToString::to_string).unwrap_or_default(),
        beds: ward.beds.and_then(|b| i32::try_from(b).ok()),
        limit_patients_per_rn: ward.limit.map(decimal),
        night_limit_patients_per_rn: ward.night_limit.map(decimal),
        severe_limit_patients_per_rn: ward.severe_limit.map(decimal),
        minimum_registered_nurses: ward.minimum.and_then(|m| i32::try_from(m).ok()),
        minimum_reason: ward.minimum_reason.map_or(0, |r| pb::MinimumReason::from(r).into()),
        report_every_minutes: ward.report_every_minutes.map(i32::from),
        census_times: ward.census_times.iter().map(|m| format!("{:02}:{:02}", m / 60, m % 60)).collect(),
        state: pb::WardState::from(ward.state).into(),
        identifiers: ward.identifiers.clone(),
        enabled_rules: ward.enabled_rules.clone(),
        night_duty_registered_nurses: ward.night_duty_registered_nurses.and_then(|n| i32::try_from(n).ok()),
    }
}

/// An organisation as the register stores it.
pub fn encode_organisation(organisation: &Organisation) -> Bytes {
    organisation_to(organisation).encode_to_vec().into()
}

/// A ward as the register stores it.
pub fn encode_ward(ward: &Ward) -> Bytes {
    ward_to(ward).encode_to_vec().into()
}

/// An organisation from its stored bytes.
///
/// # Errors
/// When they cannot be read.
pub fn decode_organisation(bytes: &Bytes) -> Result<Organisation, CorruptState> {
    const CORRUPT: CorruptState = CorruptState("an organisation");
    let message = pb::Organisation::decode(bytes.clone()).map_err(|_| CORRUPT)?;
    let mut v = Violations::default();
    organisation_from(&mut v, message).filter(|_| v.is_empty()).ok_or(CORRUPT)
}

/// A ward from its stored bytes.
///
/// # Errors
/// When they cannot be read.
pub fn decode_ward(bytes: &Bytes, optional_rules: &[&str]) -> Result<Ward, CorruptState> {
    const CORRUPT: CorruptState = CorruptState("a ward");
    let message = pb::Ward::decode(bytes.clone()).map_err(|_| CORRUPT)?;
    let mut v = Violations::default();
    ward_from(&mut v, message, optional_rules).filter(|_| v.is_empty()).ok_or(CORRUPT)
}
