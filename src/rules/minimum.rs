use crate::domain::{BlockKind, Resolution, Severity};
use crate::rules::catalogue::{BELOW_MINIMUM, NONE};
use crate::rules::verdict::{Ruling, Verdict, Why, fraction};
use crate::rules::view::{Nurses, View};

const READS: &[BlockKind] = &[BlockKind::Patients, BlockKind::Nursing];
/// Fewest registered nurses on a ward in any shift by the NICE SG1 red flag.
const NICE: u32 = 2;

/// Patients and nurses, both known.
fn known(view: &View<'_>) -> Result<(u32, Nurses), Why> {
    Ok((view.patients()?.total(), view.nurses(view.nursing()?)))
}

/// `rn.none`: patients and no registered nurse. It stands alone.
pub fn none(view: &View<'_>) -> Ruling {
    let ruling = Ruling::new(NONE, READS, none_words);
    let (patients, nurses) = match known(view) {
        Ok(known) => known,
        Err(why) => return ruling.unknown(why),
    };
    let unit = "registered nurses";
    let ruling = ruling.measuring(fraction(nurses.count, 1, unit), fraction(1, 1, unit), "NICE SG1");
    match (patients, nurses) {
        (0, _) | (_, Nurses { count: 1.., .. }) => ruling,
        (_, Nurses { complete: false, .. }) => ruling.unknown(Why::Absent("nursing.registered_midwives")),
        _ => ruling.says(Verdict::Breach(Severity::Critical)),
    }
}

fn none_words(view: &View<'_>, ruling: &Ruling) -> String {
    let (ward, at) = (&view.facts.ward.code, view.when(READS));
    let patients = view.patients().map_or(0, |p| p.total());
    if ruling.breaches() {
        let minimum = minimum(view);
        return format!(
            "Ward {ward}: {} and no registered nurse, minimum {minimum}. {at}",
            view.counted(patients.into())
        );
    }
    let nurses = ruling.measure.as_ref().map_or(0, |m| m.measured.numerator);
    format!("Ward {ward}: {patients} patients, registered nurses: {nurses}. {at}")
}

fn minimum(view: &View<'_>) -> u32 {
    view.facts.ward.minimum.unwrap_or(view.policy.minimum_registered_nurses)
}

/// `rn.below_minimum`: fewer registered nurses than the ward's minimum while there are patients
/// (NICE SG1 red flag: fewer than 2 on a ward in any shift).
pub fn below_minimum(view: &View<'_>) -> Ruling {
    let ruling = Ruling::new(BELOW_MINIMUM, READS, below_words);
    let (patients, nurses) = match known(view) {
        Ok(known) => known,
        Err(why) => return ruling.unknown(why),
    };
    let source = match view.facts.ward.minimum {
        Some(_) => "ward register",
        None if minimum(view) == NICE => "NICE SG1",
        None => "policy",
    };
    let limit = fraction(minimum(view), 1, "registered nurses");
    let ruling = ruling.measuring(fraction(nurses.count, 1, "registered nurses"), limit, source);
    if patients == 0 || nurses.count >= minimum(view) {
        return ruling;
    }
    match nurses {
        Nurses { complete: false, .. } => ruling.unknown(Why::Absent("nursing.registered_midwives")),
        Nurses { count: 0, .. } if view.is_on(NONE) => ruling.says(Verdict::Ended(Resolution::Replaced)),
        Nurses { .. } => ruling.says(Verdict::Breach(Severity::Critical)),
    }
}

fn below_words(view: &View<'_>, ruling: &Ruling) -> String {
    let nurses = ruling.measure.as_ref().map_or(0, |m| m.measured.numerator);
    let noun = if nurses == 1 { "nurse" } else { "nurses" };
    let (ward, at) = (&view.facts.ward.code, view.when(READS));
    let side = if ruling.breaches() { "below" } else { "at or above" };
    format!("Ward {ward}: {nurses} registered {noun}, {side} the minimum of {}. {at}", minimum(view))
}
