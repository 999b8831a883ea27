use bytes::Bytes;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::domain::{
    BlockKind, Blocks, Period, PlanPeriod, RedFlag, RedFlagType, RejectReason, Report, ReportError, ReportKey, Span,
    SubjectName, shown,
};
use crate::wire::blocks::{
    hours_from, hours_to, judgement_from, judgement_to, levels_from, levels_to, nursing_from, nursing_to,
    patients_from, patients_to,
};
use crate::wire::{CorruptState, Violations, medical_cover_from, medical_cover_to, pb, timestamp_to};

/// As much of an unknown type as its error repeats, in characters.
const MOST_SHOWN: usize = 80;
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
    let withdrawn = plan_period.as_ref().is_some_and(|p| p.withdrawn);
    let empty = patients.is_none()
        && levels_of_care.is_none()
        && nursing.is_none()
        && nursing_hours.is_none()
        && medical_cover.is_none()
        && professional_judgement.is_none()
        && red_flags.is_empty();
    if withdrawn && !empty {
        let text = "a withdrawn plan has no figures: send the period alone, or a new plan";
        v.add("plan_period.withdrawn", RejectReason::Conflict, text);
    }
    if empty && !withdrawn {
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
        let reason = if revision < 0 { RejectReason::Negative } else { RejectReason::Implausible };
        v.add("revision", reason, format!("{revision} is not between 0 and 4294967295"));
    });
    let plan = plan_period.and_then(|p| plan_from(&mut v, p));
    if plan.is_some() {
        only_planned(&mut v, professional_judgement.is_some(), !red_flags.is_empty());
    }
    let on_group = matches!(subject, Some(SubjectName::CoverGroup(..)));
    if on_group && (patients.is_some() || levels_of_care.is_some() || nursing.is_some() || nursing_hours.is_some()) {
        let text = "a cover group has medical_cover only: report patients and nurses on their wards";
        v.add("cover_group", RejectReason::Conflict, text);
    }
    if on_group && (professional_judgement.is_some() || !red_flags.is_empty()) {
        let text = "judgements and red flags are a ward's: report them there";
        v.add("cover_group", RejectReason::Conflict, text);
    }
    let patients = patients.map(|p| patients_from(&mut v, p));
    let levels_of_care = levels_of_care.map(|l| levels_from(&mut v, l));
    let nursing = nursing.map(|n| nursing_from(&mut v, n));
    let nursing_hours = nursing_hours.and_then(|h| hours_from(&mut v, h));
    // On a ward it is at the wrong place altogether: what it says is read where it belongs.
    let medical_cover = medical_cover.filter(|_| on_group).and_then(|m| medical_cover_from(&mut v, m));
    let judgement = professional_judgement.and_then(|j| judgement_from(&mut v, j));
    let red_flags = red_flags_from(&mut v, red_flags);
    let error = v.into_report_error();
    match (error, id, observed, subject, source, revision) {
        (None, Some(id), Some(observed), Some(subject), Some(source), Ok(revision)) => Ok(Report {
            key: ReportKey { subject, observed, id },
            revision,
            source,
            plan,
            patients,
            levels_of_care,
            nursing,
            nursing_hours,
            medical_cover,
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

/// Longest period of one plan: a week, so that a period is a shift, a window or a few of them.
const LONGEST_PLAN: Span = Span::days(7);

fn plan_from(v: &mut Violations, message: pb::PlanPeriod) -> Option<PlanPeriod> {
    let pb::PlanPeriod { start_time, end_time, withdrawn } = message;
    let start = v.time("plan_period.start_time", start_time);
    let end = v.time("plan_period.end_time", end_time);
    let (start, end) = (start?, end?);
    let Some(period) = Period::new(start, end) else {
        let text = format!("{end} is not after the start, {start}: a period is half-open, [start, end)");
        v.add("plan_period.end_time", RejectReason::Implausible, text);
        return None;
    };
    if end - start > LONGEST_PLAN {
        v.add(
            "plan_period.end_time",
            RejectReason::Implausible,
            "the period is longer than 7 days: send one plan a shift",
        );
    }
    Some(PlanPeriod { period, withdrawn })
}

/// What nobody can plan.
fn only_planned(v: &mut Violations, judgement: bool, red_flags: bool) {
    let text = "is about now, not about a plan: send it without plan_period";
    if judgement {
        v.add("professional_judgement", RejectReason::Conflict, text);
    }
    if red_flags {
        v.add("red_flags", RejectReason::Conflict, text);
    }
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
    let national = RedFlagType::ALL.into_iter().find(|k| k.code() == r#type);
    // Whether the policy lists a type of the organisation's own is for the rules to say.
    let kind = national.or_else(|| RedFlagType::local(&r#type));
    if kind.is_none() {
        let codes = RedFlagType::ALL.map(|kind| kind.code().to_owned()).join(", ");
        v.add(
            &format!("red_flags[{n}].type"),
            RejectReason::Malformed,
            format!("'{}' is unknown: one of {codes}, or local.*", shown(&r#type, MOST_SHOWN)),
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

/// A report as its message.
pub fn report_to(report: &Report) -> pb::StaffingReport {
    let Report {
        key,
        revision,
        source,
        plan,
        patients,
        levels_of_care,
        nursing,
        nursing_hours,
        medical_cover,
        judgement,
        red_flags,
    } = report;
    let (ward, cover_group) = names(&key.subject);
    pb::StaffingReport {
        report_id: key.id.to_string(),
        ward,
        cover_group,
        observed_time: Some(timestamp_to(key.observed)),
        revision: i64::from(*revision),
        source: source.to_string(),
        plan_period: plan.map(plan_to),
        patients: patients.as_ref().map(patients_to),
        levels_of_care: levels_of_care.as_ref().map(levels_to),
        nursing: nursing.as_ref().map(nursing_to),
        nursing_hours: nursing_hours.as_ref().map(hours_to),
        medical_cover: medical_cover.as_ref().map(medical_cover_to),
        professional_judgement: judgement.map(judgement_to),
        red_flags: red_flags.iter().map(red_flag_to).collect(),
    }
}

fn plan_to(plan: PlanPeriod) -> pb::PlanPeriod {
    let PlanPeriod { period, withdrawn } = plan;
    pb::PlanPeriod { start_time: Some(timestamp_to(period.start)), end_time: Some(timestamp_to(period.end)), withdrawn }
}

/// A report's canonical bytes, as stored.
pub fn encode_report(report: &Report) -> Bytes {
    report_to(report).encode_to_vec().into()
}

/// The message of a stored report, as anyone may see it: why doctors were absent is left out. That some of a few took
/// part in a strike is special-category data, shown only as totals of an organisation (domain.md section 6).
///
/// # Errors
/// When its bytes cannot be read.
pub fn decode_report(canonical: Bytes) -> Result<pb::StaffingReport, CorruptState> {
    let mut report = pb::StaffingReport::decode(canonical).map_err(|_| CorruptState("a report"))?;
    report.medical_cover = report.medical_cover.map(without_absences);
    Ok(report)
}

fn without_absences(mut cover: pb::MedicalCover) -> pb::MedicalCover {
    for grade in &mut cover.grades {
        (grade.absent_industrial_action, grade.absent_other) = (None, None);
    }
    cover
}

/// 63 bits of a SHA-256 over a report's canonical bytes: tells a resend from a reused id.
pub fn digest(canonical: &[u8]) -> i64 {
    let hash = Sha256::digest(canonical);
    let mut head = [0; 8];
    head.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(head) & i64::MAX
}

/// A subject's current figures as one report without id or source: what `GetWard` shows.
pub fn current_report(name: &SubjectName, blocks: &Blocks) -> pb::StaffingReport {
    let (ward, cover_group) = names(name);
    let newest = [BlockKind::Patients, BlockKind::LevelsOfCare, BlockKind::Nursing, BlockKind::MedicalCover]
        .into_iter()
        .filter_map(|k| blocks.current(k))
        .map(|(key, ..)| key.observed)
        .max();
    pb::StaffingReport {
        ward,
        cover_group,
        observed_time: newest.map(timestamp_to),
        patients: blocks.patients.as_ref().map(|c| patients_to(&c.body)),
        levels_of_care: blocks.levels_of_care.as_ref().map(|c| levels_to(&c.body)),
        nursing: blocks.nursing.as_ref().map(|c| nursing_to(&c.body)),
        medical_cover: blocks.medical_cover.as_ref().map(|c| without_absences(medical_cover_to(&c.body))),
        nursing_hours: blocks.nursing_hours.as_ref().map(|c| hours_to(&c.body)),
        professional_judgement: blocks.judgement.as_ref().map(|c| judgement_to(c.body)),
        ..pb::StaffingReport::default()
    }
}

/// A subject's name in the field of its kind: ward, cover group.
fn names(subject: &SubjectName) -> (String, String) {
    match subject {
        SubjectName::CoverGroup(..) => (String::new(), subject.to_string()),
        SubjectName::Ward(..) | SubjectName::Organisation(_) => (subject.to_string(), String::new()),
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
