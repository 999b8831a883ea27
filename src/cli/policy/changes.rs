//! `KEY=VALUE` on the command line, laid over what a policy sets.

use serde_json::Value;

use super::form;
use crate::client::{json, pb};

/// Sets one value.
pub(super) fn set(policy: &mut pb::Policy, change: &str) -> Result<(), String> {
    let (key, value) = change.split_once('=').ok_or_else(|| format!("'{change}': write KEY=VALUE"))?;
    if let Some(rule) = key.strip_prefix("rules.") {
        policy.rules.insert(rule.to_owned(), switch(key, value)?);
    } else if let Some(code) = key.strip_prefix("local_red_flags.") {
        policy.local_red_flags.insert(code.to_owned(), value.to_owned());
    } else if let Some(kind) = key.strip_prefix("limits.") {
        let patients: f64 = value.parse().map_err(|_| format!("{key}: '{value}' is not a number"))?;
        *limit(policy, kind)? = Some(patients);
    } else {
        match key {
            "shifts" => policy.shifts = shifts(value)?,
            "census_times" => policy.census_times = list(value),
            "cover_return_times" => policy.cover_return_times = list(value),
            _ => {
                let number: i64 = value.parse().map_err(|_| format!("{key}: '{value}' is not a whole number"))?;
                *policy = with(policy, known(key)?, Some(number.into()))?;
            }
        }
    }
    Ok(())
}

/// Leaves one value to be inherited.
pub(super) fn unset(policy: &mut pb::Policy, key: &str) -> Result<(), String> {
    if let Some(rule) = key.strip_prefix("rules.") {
        policy.rules.remove(rule);
    } else if let Some(code) = key.strip_prefix("local_red_flags.") {
        policy.local_red_flags.remove(code);
    } else if let Some(kind) = key.strip_prefix("limits.") {
        *limit(policy, kind)? = None;
        policy.limits.retain(|l| l.limit_patients_per_rn.or(l.night_limit_patients_per_rn).is_some());
    } else {
        let table = ["limits", "shifts", "rules", "local_red_flags"].into_iter().find(|table| *table == key);
        *policy = with(policy, table.map_or_else(|| known(key), Ok)?, None)?;
    }
    Ok(())
}

/// The policy with a field of this name set, or absent.
fn with(policy: &pb::Policy, key: &str, value: Option<Value>) -> Result<pb::Policy, String> {
    let mut fields = form::fields(policy).map_err(|e| e.to_string())?;
    match value {
        Some(value) => fields.insert(key.to_owned(), value),
        None => fields.remove(key),
    };
    json::from_value(Value::Object(fields)).map_err(|e| e.to_string())
}

/// A key of the form, or the nearest.
fn known(key: &str) -> Result<&str, String> {
    if form::keys().any(|known| known == key) {
        return Ok(key);
    }
    let near = form::keys().min_by_key(|known| strsim::osa_distance(known, key)).unwrap_or_default();
    Err(format!("there is no value {key}; the nearest is {near}"))
}

/// `ADULT_INPATIENT` by day, `ADULT_INPATIENT.night` by night.
fn limit<'a>(policy: &'a mut pb::Policy, key: &str) -> Result<&'a mut Option<f64>, String> {
    let (name, night) = key.strip_suffix(".night").map_or((key, false), |name| (name, true));
    let Some(kind) = pb::WardKind::from_str_name(&format!("WARD_KIND_{name}")) else {
        return Err(format!("'{name}' is none of {}", json::enum_values("WardKind").join(", ")));
    };
    let at = policy.limits.iter().position(|limit| limit.kind() == kind).unwrap_or_else(|| {
        policy.limits.push(pb::KindLimit { kind: kind.into(), ..Default::default() });
        policy.limits.len() - 1
    });
    let limit = &mut policy.limits[at];
    Ok(if night { &mut limit.night_limit_patients_per_rn } else { &mut limit.limit_patients_per_rn })
}

fn switch(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err(format!("{key}: '{value}' is neither on nor off")),
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(|time| time.trim().to_owned()).collect()
}

/// `07:30-20:00,20:00-07:30`: the day shift, then the night shift.
fn shifts(value: &str) -> Result<Vec<pb::LocalShift>, String> {
    let wrong = || format!("shifts: '{value}': write the day shift, then the night shift, as 07:30-20:00,20:00-07:30");
    let parts: Vec<(&str, &str)> = value.split(',').filter_map(|part| part.trim().split_once('-')).collect();
    let [day, night] = parts.as_slice() else { return Err(wrong()) };
    let shift = |name: pb::ShiftName, (start, end): &(&str, &str)| pb::LocalShift {
        name: name.into(),
        start: (*start).to_owned(),
        end: (*end).to_owned(),
    };
    Ok(vec![shift(pb::ShiftName::Day, day), shift(pb::ShiftName::Night, night)])
}
