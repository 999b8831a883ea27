use crate::domain::{BlockKind, LevelsOfCare, Resolution, Severity, WardKind};
use crate::rules::catalogue::{CARE_LEVEL, NONE};
use crate::rules::verdict::{Ruling, Verdict, Why, fraction};
use crate::rules::view::View;
use crate::rules::words::hundredths;

const READS: &[BlockKind] = &[BlockKind::LevelsOfCare, BlockKind::Nursing];
/// On an empty ward no formula is asked, so that the patients are read too.
const EMPTY_READS: &[BlockKind] = &[BlockKind::LevelsOfCare, BlockKind::Nursing, BlockKind::Patients];

/// Nurses needed: `numerator / denominator`, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Need {
    numerator: u32,
    denominator: u32,
    source: &'static str,
}

/// What the formula of a kind of ward needs (domain.md section 3). `None`: the kind has no formula.
fn need(kind: WardKind, levels: &LevelsOfCare) -> Option<Result<Need, Why>> {
    match kind {
        WardKind::IntensiveCare | WardKind::PaediatricIntensiveCare => Some(intensive(levels)),
        WardKind::Neonatal => Some(neonatal(levels)),
        WardKind::Paediatric => Some(paediatric(levels)),
        WardKind::Emergency => Some(emergency(levels)),
        WardKind::Labour => Some(labour(levels)),
        _ => None,
    }
}

/// Whether a kind of ward has a formula.
pub fn has_formula(kind: WardKind) -> bool {
    need(kind, &LevelsOfCare::default()).is_some()
}

/// GPICS: one nurse a level 3 patient, one for two level 2 patients.
fn intensive(l: &LevelsOfCare) -> Result<Need, Why> {
    let level3 = given(l.level3, "levels_of_care.level3")?;
    let level2 = given(l.level2, "levels_of_care.level2")?;
    Ok(Need { numerator: 2 * level3 + level2, denominator: 2, source: "GPICS" })
}

/// BAPM: 1:1 intensive, 1:2 high dependency, 1:4 special care.
fn neonatal(l: &LevelsOfCare) -> Result<Need, Why> {
    let intensive = given(l.neonatal_intensive, "levels_of_care.neonatal_intensive")?;
    let high = given(l.neonatal_high_dependency, "levels_of_care.neonatal_high_dependency")?;
    let special = given(l.neonatal_special, "levels_of_care.neonatal_special")?;
    Ok(Need { numerator: 4 * intensive + 2 * high + special, denominator: 4, source: "BAPM" })
}

/// RCN 2013: 1:3 under two years, 1:4 from two years.
fn paediatric(l: &LevelsOfCare) -> Result<Need, Why> {
    let under2 = given(l.children_under2, "levels_of_care.children_under2")?;
    let from2 = given(l.children_from2, "levels_of_care.children_from2")?;
    Ok(Need { numerator: 4 * under2 + 3 * from2, denominator: 12, source: "RCN 2013" })
}

/// RCN/RCEM, NICE draft 2015: one nurse a resuscitation patient, one for four majors.
fn emergency(l: &LevelsOfCare) -> Result<Need, Why> {
    let resus = given(l.resus, "levels_of_care.resus")?;
    let majors = given(l.majors, "levels_of_care.majors")?;
    Ok(Need { numerator: 4 * resus + majors, denominator: 4, source: "RCN/RCEM" })
}

/// NICE NG4: a midwife for each woman in labour.
fn labour(l: &LevelsOfCare) -> Result<Need, Why> {
    let women = given(l.women_in_labour, "levels_of_care.women_in_labour")?;
    Ok(Need { numerator: women, denominator: 1, source: "NICE NG4" })
}

fn given(value: Option<u32>, field: &'static str) -> Result<u32, Why> {
    value.ok_or(Why::Absent(field))
}

/// `care_level.under_cover`: fewer nurses than the formula of the ward's kind needs; critical from one whole nurse
/// short. On a labour ward a coordinator who is not supernumerary is a warning of its own (NICE NG4).
pub fn under_cover(view: &View<'_>) -> Ruling {
    let ruling = Ruling::new(CARE_LEVEL, READS, words);
    if !has_formula(view.facts.ward.kind) {
        return ruling.says(Verdict::Disabled("no formula for this kind of ward"));
    }
    let (need, staff) = match joined(view) {
        Ok(joined) => joined,
        Err(why) => return ruling.unknown(why),
    };
    let labour = view.facts.ward.kind == WardKind::Labour;
    let unit = if labour { "registered midwives" } else { "registered nurses" };
    let limit = fraction(need.numerator, need.denominator, unit);
    let ruling = ruling.measuring(fraction(staff, 1, unit), limit, need.source);
    match view.emptied() {
        Ok(false) => {}
        Ok(true) => return ruling.reading(EMPTY_READS),
        Err(why) => return ruling.unknown(why),
    }
    if stands_alone(view) {
        return ruling.says(Verdict::Ended(Resolution::Replaced));
    }
    let (have, needed) = (u64::from(staff) * u64::from(need.denominator), u64::from(need.numerator));
    let coordinator_busy = labour && view.nursing().is_ok_and(|n| n.coordinator_supernumerary == Some(false));
    match needed.saturating_sub(have) {
        0 if coordinator_busy => ruling.says(Verdict::Breach(Severity::Warning)),
        0 => ruling,
        short if short >= u64::from(need.denominator) => ruling.says(Verdict::Breach(Severity::Critical)),
        _ => ruling.says(Verdict::Breach(Severity::Warning)),
    }
}

/// What is needed, and who is there.
fn joined(view: &View<'_>) -> Result<(Need, u32), Why> {
    let (levels, nursing) = (view.levels()?, view.nursing()?);
    let kind = view.facts.ward.kind;
    let need = need(kind, levels).unwrap_or(Err(Why::NeverReported(BlockKind::LevelsOfCare)))?;
    let staff = match kind {
        WardKind::Labour => given(nursing.registered_midwives, "nursing.registered_midwives")?,
        _ => nursing.registered_nurses,
    };
    Ok((need, staff))
}

/// `rn.none` stands alone (domain.md section 3).
fn stands_alone(view: &View<'_>) -> bool {
    let none = view.nursing().map(|n| view.nurses(n)).is_ok_and(|n| n.count == 0 && n.complete);
    none && view.is_on(NONE) && view.patients().is_ok_and(|p| p.total() > 0)
}

fn words(view: &View<'_>, ruling: &Ruling) -> String {
    let Some(measure) = &ruling.measure else { return String::new() };
    let (staff, limit) = (measure.measured.numerator, &measure.limit);
    let (ward, at) = (&view.facts.ward.code, view.when(READS));
    let need = hundredths(limit.numerator, limit.denominator);
    let unit = &limit.unit;
    if ruling.breaches() && staff * limit.denominator >= limit.numerator {
        return format!(
            "Ward {ward}: {staff} {unit} for {need} women in labour, coordinator not supernumerary (NICE NG4). {at}"
        );
    }
    format!("Ward {ward}: {staff} {unit}, {need} needed for its levels of care ({}). {at}", ruling.source)
}
