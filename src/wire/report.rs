use bytes::Bytes;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::domain::{
    BlockKind, RedFlag, RedFlagType, RejectReason, Report, ReportError, ReportKey, SubjectName, SubjectState,
};
use crate::wire::blocks::{
    hours_from, hours_to, judgement_from, judgement_to, levels_from, levels_to, nursing_from, nursing_to,
    patients_from, patients_to,
};
use crate::wire::{CorruptState, Violations, pb, timestamp_to};

/// Most red flags on one report (engine.md section 1).
const MOST_RED_FLAGS: usize = 50;

/// A formally valid report, or everything that is wrong with it.
///
/// # Errors
/// Every violation found, each with its field path, reason and remedy.
pub fn report_from(message: pb::StaffingReport) -> Result<Report, ReportError> {
    let pb::StaffingReport {
        report_id,
        ward,
        cover_group,
        observed_time,
        revision,
        source,
        plan_period,
        patients,
        levels_of_care,
        nursing,
        nursing_hours,
        medical_cover,
        professional_judgement,
        red_flags,
    } = message;
    let mut v = Violations::default();
    if patients.is_none()
        && levels_of_care.is_none()
        && nursing.is_none()
        && nursing_hours.is_none()
        && medical_cover.is_none()
        && professional_judgement.is_none()
        && red_flags.is_empty()
    {
        v.add(
            "report",
            RejectReason::Empty,
            "the report has no block and no red flag: send at least one, or no report",
        );
    }
    let id = v.parse("report_id", &report_id);
    let observed = v.time("observed_time", observed_time);
    let subject = subject(&mut v, &ward, &cover_group, medical_cover.is_some());
    let source = v.parse("source", &source);
    let revision = u32::try_from(revision).inspect_err(|_| {
        v.add("revision", RejectReason::Negative, format!("{revision} is not between 0 and 4294967295"));
    });
    if plan_period.is_some() {
        v.add(
            "plan_period",
            RejectReason::NotSupported,
            "plans are not supported by this version: send actual figures only",
        );
    }
    let patients = patients.map(|p| patients_from(&mut v, p));
    let levels_of_care = levels_of_care.map(|l| levels_from(&mut v, l));
    let nursing = nursing.map(|n| nursing_from(&mut v, n));
    let nursing_hours = nursing_hours.and_then(|h| hours_from(&mut v, h));
    let judgement = professional_judgement.and_then(|j| judgement_from(&mut v, j));
    let red_flags = red_flags_from(&mut v, red_flags);
    let error = v.into_report_error();
    match (error, id, observed, subject, source, revision) {
        (None, Some(id), Some(observed), Some(subject), Some(source), Ok(revision)) => Ok(Report {
            key: ReportKey { subject, observed, id },
            revision,
            source,
            patients,
            levels_of_care,
            nursing,
            nursing_hours,
            judgement,
            red_flags,
        }),
        (error, ..) => Err(error.unwrap_or(ReportError { violations: Vec::new() })),
    }
}

fn subject(v: &mut Violations, ward: &str, group: &str, has_cover: bool) -> Option<SubjectName> {
    match (ward.is_empty(), group.is_empty()) {
        (true, true) => v.missing("ward"),
        (false, false) => {
            v.add(
                "cover_group",
                RejectReason::Conflict,
                "both ward and cover_group are named: send one report for each",
            );
        }
        (false, true) => {
            let name = v.parse("ward", ward)?;
            if let (SubjectName::Ward(organisation, _), true) = (&name, has_cover) {
                let group = format!("organisations/{organisation}/coverGroups/ALL");
                v.add(
                    "medical_cover",
                    RejectReason::CoverGroupNeeded,
                    format!("doctors are counted once, on a cover group: {group}"),
                );
            }
            if matches!(name, SubjectName::Ward(..)) {
                return Some(name);
            }
            v.add(
                "ward",
                RejectReason::Malformed,
                format!("'{ward}' is not a ward: organisations/{{ods}}/wards/{{ward}}"),
            );
        }
        (true, false) => {
            let name = v.parse("cover_group", group)?;
            if matches!(name, SubjectName::CoverGroup(..)) {
                let text = format!("{name} is not registered: this version registers no cover groups");
                v.add("cover_group", RejectReason::UnknownSubject, text);
                return Some(name);
            }
            v.add(
                "cover_group",
                RejectReason::Malformed,
                format!("'{group}' is not organisations/{{ods}}/coverGroups/{{group}}"),
            );
        }
    }
    None
}

fn red_flags_from(v: &mut Violations, messages: Vec<pb::RedFlag>) -> Vec<RedFlag> {
    if messages.len() > MOST_RED_FLAGS {
        v.add(
            "red_flags",
            RejectReason::TooMany,
            format!("{} red flags: at most {MOST_RED_FLAGS} on one report", messages.len()),
        );
        return Vec::new();
    }
    messages.into_iter().enumerate().filter_map(|(n, flag)| red_flag_from(v, n, flag)).collect()
}

fn red_flag_from(v: &mut Violations, n: usize, message: pb::RedFlag) -> Option<RedFlag> {
    let pb::RedFlag { r#type, event_id, noticed_time, resolved_time } = message;
    let kind = RedFlagType::ALL.into_iter().find(|k| k.code() == r#type);
    if kind.is_none() {
        let codes = RedFlagType::ALL.map(RedFlagType::code).join(", ");
        v.add(
            &format!("red_flags[{n}].type"),
            RejectReason::Malformed,
            format!("'{}' is unknown: one of {codes}", clip(&r#type)),
        );
    }
    let event = v.parse(&format!("red_flags[{n}].event_id"), &event_id);
    let noticed = v.time(&format!("red_flags[{n}].noticed_time"), noticed_time);
    let resolved = v.time_optional(&format!("red_flags[{n}].resolved_time"), resolved_time);
    if let (Some(noticed), Some(resolved)) = (noticed, resolved)
        && resolved < noticed
    {
        v.add(&format!("red_flags[{n}].resolved_time"), RejectReason::Implausible, "is before noticed_time");
    }
    Some(RedFlag { kind: kind?, event: event?, noticed: noticed?, resolved })
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A report as its message.
pub fn report_to(report: &Report) -> pb::StaffingReport {
    let Report { key, revision, source, patients, levels_of_care, nursing, nursing_hours, judgement, red_flags } =
        report;
    let (ward, cover_group) = match &key.subject {
        SubjectName::CoverGroup(..) => (String::new(), key.subject.to_string()),
        SubjectName::Ward(..) | SubjectName::Organisation(_) => (key.subject.to_string(), String::new()),
    };
    pb::StaffingReport {
        report_id: key.id.to_string(),
        ward,
        cover_group,
        observed_time: Some(timestamp_to(key.observed)),
        revision: i64::from(*revision),
        source: source.to_string(),
        plan_period: None,
        patients: patients.as_ref().map(patients_to),
        levels_of_care: levels_of_care.as_ref().map(levels_to),
        nursing: nursing.as_ref().map(nursing_to),
        nursing_hours: nursing_hours.as_ref().map(hours_to),
        medical_cover: None,
        professional_judgement: judgement.map(judgement_to),
        red_flags: red_flags.iter().map(red_flag_to).collect(),
    }
}

/// A report's canonical bytes, as stored.
pub fn encode_report(report: &Report) -> Bytes {
    report_to(report).encode_to_vec().into()
}

/// The message of a stored report.
///
/// # Errors
/// When its bytes cannot be read.
pub fn decode_report(canonical: Bytes) -> Result<pb::StaffingReport, CorruptState> {
    pb::StaffingReport::decode(canonical).map_err(|_| CorruptState("a report"))
}

/// 63 bits of a SHA-256 over a report's canonical bytes: tells a resend from a reused id.
pub fn digest(canonical: &[u8]) -> i64 {
    let hash = Sha256::digest(canonical);
    let mut head = [0; 8];
    head.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(head) & i64::MAX
}

/// A subject's current figures as one report without id or source: what `GetWard` shows.
pub fn current_report(name: &SubjectName, state: &SubjectState) -> pb::StaffingReport {
    let newest = [BlockKind::Patients, BlockKind::LevelsOfCare, BlockKind::Nursing]
        .into_iter()
        .filter_map(|k| state.current(k))
        .map(|(key, ..)| key.observed)
        .max();
    pb::StaffingReport {
        ward: name.to_string(),
        observed_time: newest.map(timestamp_to),
        patients: state.patients.as_ref().map(|c| patients_to(&c.body)),
        levels_of_care: state.levels_of_care.as_ref().map(|c| levels_to(&c.body)),
        nursing: state.nursing.as_ref().map(|c| nursing_to(&c.body)),
        nursing_hours: state.nursing_hours.as_ref().map(|c| hours_to(&c.body)),
        professional_judgement: state.judgement.as_ref().map(|c| judgement_to(c.body)),
        ..pb::StaffingReport::default()
    }
}

fn red_flag_to(flag: &RedFlag) -> pb::RedFlag {
    pb::RedFlag {
        r#type: flag.kind.code().to_owned(),
        event_id: flag.event.to_string(),
        noticed_time: Some(timestamp_to(flag.noticed)),
        resolved_time: flag.resolved.map(timestamp_to),
    }
}
