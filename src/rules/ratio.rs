use crate::domain::{BlockKind, Fraction, Limit, Resolution, Severity, ShiftName, Time, WardKind};
use crate::rules::catalogue::{MAX_ALLOCATION, NONE, RATIO};
use crate::rules::verdict::{Ruling, Verdict, Why, fraction};
use crate::rules::view::View;
use crate::rules::words::{nearest_tenths, tenths};

const READS: &[BlockKind] = &[BlockKind::Patients, BlockKind::Nursing];
const UNIT: &str = "patients per registered nurse";

/// The limit in force at an instant, and where it comes from.
#[derive(Clone, Copy, Debug)]
struct InForce {
    limit: Limit,
    /// In ten-thousandths of a patient per nurse, so that it is exact whatever part of the limit it is.
    severe: u64,
    source: &'static str,
}

/// Where the policy's limit of a kind of ward comes from (domain.md section 3).
fn source(kind: WardKind, limit: Limit) -> &'static str {
    match kind {
        WardKind::AdultInpatient if limit == Limit::whole(8) => "NICE SG1, Safe Staffing Alliance",
        WardKind::AcuteMedical if limit == Limit::whole(6) => "Society for Acute Medicine",
        _ => "policy",
    }
}

/// The ward's own limit wins over the policy's of its kind; in the night shift the night limit of either does.
fn in_force(view: &View<'_>, at: Time) -> Option<InForce> {
    let (ward, policy) = (&view.facts.ward, view.policy);
    let night = policy.shifts.at(at, &view.facts.organisation.zone) == ShiftName::Night;
    let own = ward.night_limit.filter(|_| night).or(ward.limit).map(|limit| (limit, "ward register"));
    let of_kind = || policy.limit(ward.kind, night).map(|limit| (limit, source(ward.kind, limit)));
    let (limit, source) = own.or_else(of_kind)?;
    let severe = ward.severe_limit.map_or(policy.severe(limit), |own| u64::from(own.0) * 100);
    Some(InForce { limit, severe, source })
}

/// A limit as an alert shows it: 8/1, 65/10.
fn as_fraction(limit: Limit) -> Fraction {
    let step = [100, 10, 1].into_iter().find(|step| limit.0.is_multiple_of(*step)).unwrap_or(1);
    fraction(limit.0 / step, 100 / step, UNIT)
}

/// Patients and nurses that the ratio is made of.
struct Counted {
    patients: u32,
    nurses: u32,
    complete: bool,
}

/// `ratio.over_limit`: more patients per registered nurse than the ward's limit; exactly the limit is no breach.
/// NICE SG1 (2014): more than 8 is associated with increased risk of harm. Critical from the severe limit.
pub fn over_limit(view: &View<'_>) -> Ruling {
    let ruling = Ruling::new(RATIO, READS, over_limit_words);
    let Some(force) = in_force(view, view.at(READS)) else {
        return ruling.says(Verdict::Disabled("no limit for this kind of ward, and the ward sets none"));
    };
    let counted = match counted(view) {
        Ok(Some(counted)) => counted,
        Ok(None) => return ruling.says(Verdict::Ended(Resolution::Replaced)),
        Err(why) => return ruling.unknown(why),
    };
    let Counted { patients, nurses, complete } = counted;
    let measured = fraction(patients, nurses, UNIT);
    let ruling = ruling.measuring(measured, as_fraction(force.limit), force.source);
    let (patients, nurses) = (u64::from(patients) * 10_000, u64::from(nurses));
    if patients <= u64::from(force.limit.0) * 100 * nurses {
        return ruling;
    }
    if !complete {
        return ruling.unknown(Why::Absent("nursing.registered_midwives"));
    }
    let severe = patients >= force.severe * nurses;
    ruling.says(Verdict::Breach(if severe { Severity::Critical } else { Severity::Warning }))
}

/// One-to-one nurses and their patients are taken out; `None` when `rn.none` says it better.
fn counted(view: &View<'_>) -> Result<Option<Counted>, Why> {
    let (patients, nursing) = (view.patients()?, view.nursing()?);
    let (total, nurses) = (patients.total(), view.nurses(nursing));
    if total > 0 && nurses.count == 0 && nurses.complete && view.is_on(NONE) {
        return Ok(None);
    }
    // Either count stands for the other when that was not reported: each such patient has one such nurse.
    let busy = nursing.one_to_one_nurses.or(patients.one_to_one).unwrap_or(0).min(nurses.count);
    let theirs = patients.one_to_one.unwrap_or(busy).min(total);
    Ok(Some(Counted { patients: total - theirs, nurses: nurses.count - busy, complete: nurses.complete }))
}

fn side(ruling: &Ruling) -> &'static str {
    if ruling.breaches() { "above" } else { "within" }
}

fn over_limit_words(view: &View<'_>, ruling: &Ruling) -> String {
    let ward = &view.facts.ward.code;
    let Some(measure) = &ruling.measure else { return String::new() };
    let (patients, nurses) = (measure.measured.numerator, measure.measured.denominator);
    let limit = in_force(view, view.at(READS)).map_or(Limit(0), |f| f.limit);
    let at = view.when(READS);
    if nurses == 0 && patients == 0 {
        return format!(
            "Ward {ward}: every patient and registered nurse one-to-one, within the safe limit of {limit}. {at}"
        );
    }
    if nurses == 0 && view.nursing().is_ok_and(|n| view.nurses(n).count == 0) {
        return format!(
            "Ward {ward}: {patients} patients and no registered nurse, above the safe limit of {limit}. {at}"
        );
    }
    if nurses == 0 {
        return format!(
            "Ward {ward}: {patients} patients, every registered nurse one-to-one elsewhere, above the safe limit of {limit}. {at}"
        );
    }
    let per_nurse = tenths(nearest_tenths(patients, nurses, i64::from(limit.0)));
    let noun = if nurses == 1 { "nurse" } else { "nurses" };
    let side = side(ruling);
    format!(
        "Ward {ward}: {}, {nurses} registered {noun}: {per_nurse} per nurse, {side} the safe limit of {limit}. {at}",
        view.counted(patients)
    )
}

/// `ratio.max_allocation`: a reported largest single allocation above the ward's limit.
pub fn max_allocation(view: &View<'_>) -> Ruling {
    const ALLOCATION: &[BlockKind] = &[BlockKind::Nursing];
    const EMPTY: &[BlockKind] = &[BlockKind::Nursing, BlockKind::Patients];
    let ruling = Ruling::new(MAX_ALLOCATION, ALLOCATION, allocation_words);
    let Some(force) = in_force(view, view.at(ALLOCATION)) else {
        return ruling.says(Verdict::Disabled("no limit for this kind of ward, and the ward sets none"));
    };
    let largest = match view.nursing().map(|n| n.largest_allocation) {
        Ok(Some(largest)) => largest,
        Ok(None) => return ruling.unknown(Why::Absent("nursing.largest_allocation")),
        Err(why) => return ruling.unknown(why),
    };
    let measured = fraction(largest, 1, UNIT);
    let ruling = ruling.measuring(measured, as_fraction(force.limit), force.source);
    if matches!(counted(view), Ok(None)) {
        return ruling.says(Verdict::Ended(Resolution::Replaced));
    }
    match view.emptied() {
        Ok(false) => {}
        Ok(true) => return ruling.reading(EMPTY),
        Err(why) => return ruling.unknown(why),
    }
    if u64::from(largest) * 100 > u64::from(force.limit.0) {
        ruling.says(Verdict::Breach(Severity::Warning))
    } else {
        ruling
    }
}

fn allocation_words(view: &View<'_>, ruling: &Ruling) -> String {
    let Some(measure) = &ruling.measure else { return String::new() };
    let limit = in_force(view, view.at(ruling.reads)).map_or(Limit(0), |f| f.limit);
    let side = side(ruling);
    let (ward, largest, at) = (&view.facts.ward.code, measure.measured.numerator, view.when(ruling.reads));
    format!("Ward {ward}: {largest} patients allocated to one registered nurse, {side} the safe limit of {limit}. {at}")
}
