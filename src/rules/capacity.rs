use crate::domain::{BlockKind, Severity};
use crate::rules::catalogue::{CAPACITY, CORRIDOR};
use crate::rules::verdict::{Ruling, Verdict, Why, fraction};
use crate::rules::view::View;

const READS: &[BlockKind] = &[BlockKind::Patients];

/// `capacity.over`: bedded and boarded patients above funded beds. Off unless the policy or the ward switches it on.
pub fn over(view: &View<'_>) -> Ruling {
    let ruling = Ruling::new(CAPACITY, READS, over_words);
    let Some(beds) = view.facts.ward.beds else {
        return ruling.says(Verdict::Disabled("the register does not say how many beds are funded"));
    };
    let patients = match view.patients() {
        Ok(patients) => patients.bedded + patients.boarded.unwrap_or(0),
        Err(why) => return ruling.unknown(why),
    };
    let ruling = ruling.measuring(fraction(patients, 1, "patients"), fraction(beds, 1, "funded beds"), "ward register");
    if patients > beds { ruling.says(Verdict::Breach(Severity::Info)) } else { ruling }
}

fn over_words(view: &View<'_>, ruling: &Ruling) -> String {
    let Some(measure) = &ruling.measure else { return String::new() };
    let (ward, at) = (&view.facts.ward.code, view.when(READS));
    let side = if ruling.breaches() { "above" } else { "within" };
    let (patients, beds) = (measure.measured.numerator, measure.limit.numerator);
    format!("Ward {ward}: {patients} patients bedded and boarded, {side} its {beds} funded beds. {at}")
}

/// `capacity.corridor`: patients in a corridor for 45 minutes or more (the definition of March 2026).
pub fn corridor(view: &View<'_>) -> Ruling {
    let ruling = Ruling::new(CORRIDOR, READS, corridor_words);
    let corridor = match view.patients().map(|p| p.corridor) {
        Ok(Some(corridor)) => corridor,
        Ok(None) => return ruling.unknown(Why::Absent("patients.corridor")),
        Err(why) => return ruling.unknown(why),
    };
    let unit = "patients in a corridor";
    let ruling = ruling.measuring(fraction(corridor, 1, unit), fraction(0, 1, unit), "NHS England, March 2026");
    if corridor > 0 { ruling.says(Verdict::Breach(Severity::Warning)) } else { ruling }
}

fn corridor_words(view: &View<'_>, ruling: &Ruling) -> String {
    let corridor = ruling.measure.as_ref().map_or(0, |m| m.measured.numerator);
    let noun = if corridor == 1 { "patient" } else { "patients" };
    let (ward, at) = (&view.facts.ward.code, view.when(READS));
    format!("Ward {ward}: {corridor} {noun} in a corridor for 45 min or more, limit 0. {at}")
}
