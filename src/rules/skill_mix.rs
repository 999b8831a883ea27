use crate::domain::{BlockKind, Policy, Severity, WardKind};
use crate::rules::catalogue::SKILL_MIX;
use crate::rules::verdict::{Ruling, Verdict, Why, fraction};
use crate::rules::view::View;

const READS: &[BlockKind] = &[BlockKind::Nursing];
/// On an empty ward no share is too small, so that the patients are read too.
const EMPTY_READS: &[BlockKind] = &[BlockKind::Nursing, BlockKind::Patients];

/// The RCN's shares: 65 %, children 70 %.
const RCN: [u32; 2] = [65, 70];

/// Least share of registered nurses in nursing staff, in per cent, and where it comes from.
fn least(policy: &Policy, kind: WardKind) -> (u32, &'static str) {
    let (least, rcn) = match kind {
        WardKind::Paediatric | WardKind::PaediatricIntensiveCare | WardKind::Neonatal => {
            (policy.children_skill_mix_percent, RCN[1])
        }
        _ => (policy.skill_mix_percent, RCN[0]),
    };
    (least, if least == rcn { "RCN" } else { "policy" })
}

/// `skill_mix.low`: the share of registered nurses is below the policy's, which is the RCN's. Off unless the policy or the ward switches it on.
pub fn low(view: &View<'_>) -> Ruling {
    let ruling = Ruling::new(SKILL_MIX, READS, words);
    let nursing = match view.nursing() {
        Ok(nursing) => nursing,
        Err(why) => return ruling.unknown(why),
    };
    let (associates, workers) = (nursing.nursing_associates, nursing.healthcare_support_workers);
    let Some(workers) = workers else { return ruling.unknown(Why::Absent("nursing.healthcare_support_workers")) };
    let Some(associates) = associates else { return ruling.unknown(Why::Absent("nursing.nursing_associates")) };
    let (nurses, (least, source)) = (view.nurses(nursing).count, least(view.policy, view.facts.ward.kind));
    let all = nurses + associates + workers;
    let unit = "registered share of nursing staff";
    let ruling = ruling.measuring(fraction(nurses, all, unit), fraction(least, 100, unit), source);
    match view.emptied() {
        Ok(false) => {}
        Ok(true) => return ruling.reading(EMPTY_READS),
        Err(why) => return ruling.unknown(why),
    }
    let low = u64::from(nurses) * 100 < u64::from(least) * u64::from(all);
    if low { ruling.says(Verdict::Breach(Severity::Info)) } else { ruling }
}

fn words(view: &View<'_>, ruling: &Ruling) -> String {
    let Some(measure) = &ruling.measure else { return String::new() };
    let (nurses, all) = (measure.measured.numerator, measure.measured.denominator);
    let (ward, at) = (&view.facts.ward.code, view.when(READS));
    let least = measure.limit.numerator;
    let side = if ruling.breaches() { "below" } else { "at or above" };
    format!("Ward {ward}: {nurses} registered of {all} nursing staff, {side} a share of {least} %. {at}")
}
