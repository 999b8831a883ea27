use bytes::Bytes;
use prost::Message;

use crate::domain::{Alert, AlertEvent, AlertInput, Cause, Fraction, Responder, SubjectName};
use crate::wire::enums::{
    alert_state_from, block_kind_from, condition_from, freshness_from, resolution_from, severity_from,
};
use crate::wire::response::{acknowledgement_from, acknowledgement_to, escalation_from, escalation_to, role_to};
use crate::wire::{CorruptState, pb, timestamp_to, to_time};

/// An alert as its message.
pub fn alert_to(alert: &Alert) -> pb::Alert {
    let ward = matches!(alert.subject, SubjectName::Ward(..)).then(|| alert.subject.to_string());
    let group = matches!(alert.subject, SubjectName::CoverGroup(..)).then(|| alert.subject.to_string());
    pb::Alert {
        name: alert.id.to_string(),
        subject: alert.subject.to_string(),
        organisation: format!("organisations/{}", alert.subject.organisation()),
        site: alert.site.as_ref().map(ToString::to_string).unwrap_or_default(),
        region: alert.region.as_ref().map(ToString::to_string).unwrap_or_default(),
        ward: ward.unwrap_or_default(),
        cover_group: group.unwrap_or_default(),
        wards: alert.wards.iter().map(ToString::to_string).collect(),
        ward_count: i32::try_from(alert.ward_count).unwrap_or(i32::MAX),
        rule: alert.rule.to_string(),
        instance: alert.instance.clone(),
        severity: pb::Severity::from(alert.severity).into(),
        peak_severity: pb::Severity::from(alert.peak_severity).into(),
        state: pb::AlertState::from(alert.state).into(),
        condition: pb::AlertCondition::from(alert.condition).into(),
        forecast: alert.forecast,
        measured: alert.measured.as_ref().map(fraction_to),
        limit: alert.limit.as_ref().map(fraction_to),
        message: alert.message.clone(),
        limit_source: alert.limit_source.to_string(),
        policy_version: alert.policy_version.to_string(),
        inputs: alert.inputs.iter().map(input_to).collect(),
        strike: alert.strike.as_ref().map(ToString::to_string).unwrap_or_default(),
        raise_time: Some(timestamp_to(alert.raised)),
        resolve_time: alert.resolved.map(timestamp_to),
        resolution: alert.resolution.map_or(0, |r| pb::Resolution::from(r).into()),
        transition_count: i32::try_from(alert.transitions).unwrap_or(i32::MAX),
        etag: alert.etag(),
        observed_time: Some(timestamp_to(alert.observed)),
        acknowledgement: alert.acknowledgement.as_ref().map(acknowledgement_to),
        escalation: alert.escalation.as_ref().map(escalation_to),
        cover_groups: alert.cover_groups.iter().map(ToString::to_string).collect(),
        cover_group_count: i32::try_from(alert.group_count).unwrap_or(i32::MAX),
    }
}

/// An alert from its stored message.
///
/// # Errors
/// When a field does not say what it must; the payload is corrupt or of a newer version.
pub fn alert_from(message: pb::Alert) -> Result<Alert, CorruptState> {
    let corrupt = || CorruptState("an alert");
    Ok(Alert {
        id: message.name.parse().map_err(|_| corrupt())?,
        subject: message.subject.parse().map_err(|_| corrupt())?,
        site: message.site.parse().ok(),
        region: message.region.parse().ok(),
        wards: message.wards.iter().filter_map(|w| w.parse().ok()).collect(),
        ward_count: u32::try_from(message.ward_count).unwrap_or_default(),
        cover_groups: message.cover_groups.iter().filter_map(|g| g.parse().ok()).collect(),
        group_count: u32::try_from(message.cover_group_count).unwrap_or_default(),
        rule: message.rule.into(),
        instance: message.instance,
        severity: severity_from(message.severity).ok_or_else(corrupt)?,
        peak_severity: severity_from(message.peak_severity).ok_or_else(corrupt)?,
        state: alert_state_from(message.state).ok_or_else(corrupt)?,
        condition: condition_from(message.condition).ok_or_else(corrupt)?,
        forecast: message.forecast,
        strike: message.strike.parse().ok(),
        acknowledgement: message.acknowledgement.and_then(acknowledgement_from),
        escalation: message.escalation.and_then(escalation_from),
        measured: message.measured.map(fraction_from),
        limit: message.limit.map(fraction_from),
        message: message.message,
        limit_source: message.limit_source.into(),
        policy_version: message.policy_version.into(),
        inputs: message.inputs.into_iter().map(input_from).collect::<Option<_>>().ok_or_else(corrupt)?,
        observed: message.observed_time.and_then(to_time).ok_or_else(corrupt)?,
        raised: message.raise_time.and_then(to_time).ok_or_else(corrupt)?,
        resolved: message.resolve_time.and_then(to_time),
        resolution: resolution_from(message.resolution),
        transitions: u32::try_from(message.transition_count).unwrap_or_default(),
    })
}

/// An event's bytes without position and time, which the commit decides.
pub fn event_to(event: &AlertEvent) -> Bytes {
    let AlertEvent { kind, alert, previous_severity, previous_state, cause } = event;
    pb::AlertEvent {
        position: 0,
        event_time: None,
        observed_time: Some(timestamp_to(alert.observed)),
        r#type: pb::AlertEventType::from(*kind).into(),
        alert: Some(alert_to(alert)),
        previous_severity: previous_severity.map_or(0, |s| pb::Severity::from(s).into()),
        previous_state: previous_state.map_or(0, |s| pb::AlertState::from(s).into()),
        cause: Some(cause_to(cause)),
    }
    .encode_to_vec()
    .into()
}

/// An alert's bytes and the numbers that lists filter by: state, condition, peak severity.
pub fn alert_row(alert: &Alert) -> (Bytes, [i32; 3]) {
    let message = alert_to(alert);
    let numbers = [message.state, message.condition, message.peak_severity];
    (message.encode_to_vec().into(), numbers)
}

fn cause_to(cause: &Cause) -> pb::Cause {
    let of = |kind: pb::CauseKind| pb::Cause { kind: kind.into(), ..pb::Cause::default() };
    match cause {
        Cause::Report(key) => pb::Cause { report: key.to_string(), ..of(pb::CauseKind::Report) },
        Cause::Timer => of(pb::CauseKind::Timer),
        Cause::Register => of(pb::CauseKind::Register),
        Cause::Strike => of(pb::CauseKind::Strike),
        Cause::Policy => of(pb::CauseKind::Policy),
        Cause::Responder(Responder { role, client }) => {
            pb::Cause { role: role_to(*role), client_system: client.to_string(), ..of(pb::CauseKind::Responder) }
        }
    }
}

/// A fraction as its message.
pub fn fraction_to(fraction: &Fraction) -> pb::Fraction {
    let Fraction { numerator, denominator, unit } = fraction;
    pb::Fraction { numerator: *numerator, denominator: *denominator, unit: unit.to_string() }
}

fn fraction_from(message: pb::Fraction) -> Fraction {
    let pb::Fraction { numerator, denominator, unit } = message;
    Fraction { numerator, denominator, unit: unit.into() }
}

fn input_to(input: &AlertInput) -> pb::AlertInput {
    let AlertInput { block, source, observed, report, freshness } = input;
    pb::AlertInput {
        block: pb::BlockKind::from(*block).into(),
        source: source.to_string(),
        observed_time: Some(timestamp_to(*observed)),
        report_id: report.to_string(),
        freshness: pb::Freshness::from(*freshness).into(),
    }
}

fn input_from(message: pb::AlertInput) -> Option<AlertInput> {
    let pb::AlertInput { block, source, observed_time, report_id, freshness } = message;
    Some(AlertInput {
        block: block_kind_from(block)?,
        source: source.parse().ok()?,
        observed: to_time(observed_time?)?,
        report: report_id.parse().ok()?,
        freshness: freshness_from(freshness),
    })
}
