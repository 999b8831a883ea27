use crate::domain::{BlockKind, Judgement, Policy, Resolution, Severity, Time};
use crate::rules::catalogue::{HOURS, JUDGEMENT};
use crate::rules::inputs::Inputs;
use crate::rules::verdict::{Ruling, Verdict, Why, fraction};
use crate::rules::view::View;

const HOURS_READS: &[BlockKind] = &[BlockKind::NursingHours];
/// On an empty ward nobody's hours are short, so that the patients are read too.
const EMPTY_READS: &[BlockKind] = &[BlockKind::NursingHours, BlockKind::Patients];
const JUDGEMENT_READS: &[BlockKind] = &[BlockKind::ProfessionalJudgement];
/// The limbs of the NICE SG1 red flag: more than 8 hours short, in minutes; more than 25 % short.
const NICE: (u32, u32) = (8 * 60, 25);

/// The policy's limbs.
fn limits(policy: &Policy) -> (u32, u32) {
    (policy.hours_short_minutes, policy.hours_short_percent)
}

/// The limbs of the red flag that hold: too many minutes short, too great a part short. Both strict.
pub fn limbs(policy: &Policy, required: u32, available: u32) -> (bool, bool) {
    let (short, (minutes, percent)) = (required.saturating_sub(available), limits(policy));
    (short > minutes, u64::from(short) * 100 > u64::from(required) * u64::from(percent))
}

/// `rn.hours_shortfall`: registered nurse time short of the requirement by more than 8 hours or more than 25 %
/// (unless the policy says otherwise), whichever comes first (NICE SG1 red flag); critical when both hold. For the shift that the figures name.
pub fn shortfall(view: &View<'_>) -> Ruling {
    let ruling = Ruling::new(HOURS, HOURS_READS, shortfall_words);
    let Some(hours) = view.blocks.nursing_hours.as_ref().map(|c| &c.body) else {
        return ruling.unknown(Why::NeverReported(BlockKind::NursingHours));
    };
    if view.now >= hours.shift_end {
        return ruling.says(Verdict::Ended(Resolution::Expired));
    }
    let (required, available) = match (hours.required_minutes, hours.available_minutes) {
        (Some(0), _) => return ruling.unknown(Why::NothingRequired),
        (Some(required), Some(available)) => (required, available),
        (None, _) => return ruling.unknown(Why::Absent("nursing_hours.rn_required_minutes")),
        (_, None) => return ruling.unknown(Why::Absent("nursing_hours.rn_available_minutes")),
    };
    let unit = "registered nurse minutes";
    let source = if limits(view.policy) == NICE { "NICE SG1" } else { "policy" };
    let ruling = ruling.measuring(fraction(available, 1, unit), fraction(required, 1, unit), source);
    match view.emptied() {
        Ok(false) => {}
        Ok(true) => return ruling.reading(EMPTY_READS),
        Err(why) => return ruling.unknown(why),
    }
    match limbs(view.policy, required, available) {
        (false, false) => ruling,
        (true, true) => ruling.says(Verdict::Breach(Severity::Critical)),
        _ => ruling.says(Verdict::Breach(Severity::Warning)),
    }
}

fn shortfall_words(view: &View<'_>, _: &Ruling) -> String {
    let Some(hours) = view.blocks.nursing_hours.as_ref().map(|c| &c.body) else { return String::new() };
    let (required, available) = (hours.required_minutes.unwrap_or(0), hours.available_minutes.unwrap_or(0));
    let (minutes, percent) = limits(view.policy);
    let most = in_words(minutes);
    let limb = match limbs(view.policy, required, available) {
        (true, true) => format!("more than {most} and {percent} % short"),
        (true, false) => format!("more than {most} short"),
        (false, true) => format!("more than {percent} % short"),
        (false, false) => format!("within {most} and {percent} % of the need"),
    };
    let (ward, start, end) = (&view.facts.ward.code, view.clock(hours.shift_start), view.clock(hours.shift_end));
    format!(
        "Ward {ward}: {} of {} registered nurse hours, {limb}, shift {start}-{end}.",
        in_hours(available),
        in_hours(required)
    )
}

/// "8 h", "450 min".
fn in_words(minutes: u32) -> String {
    if minutes.is_multiple_of(60) { format!("{} h", minutes / 60) } else { format!("{minutes} min") }
}

/// Minutes as hours with one decimal, rounded down.
fn in_hours(minutes: u32) -> String {
    format!("{}.{}", minutes / 60, minutes % 60 / 6)
}

/// When a judgement made at `observed` no longer holds.
pub fn judgement_ends(policy: &Policy, observed: Time) -> Time {
    observed + policy.judgement_holds
}

/// `judgement.unsafe`: the nurse in charge judges the ward not safe. A judgement of safe never silences another rule.
pub fn judged_unsafe(view: &View<'_>) -> Ruling {
    let ruling = Ruling::new(JUDGEMENT, JUDGEMENT_READS, unsafe_words);
    let ruling = Ruling { source: "professional judgement", ..ruling };
    match view.blocks.judgement.as_ref() {
        None => ruling.unknown(Why::NeverReported(BlockKind::ProfessionalJudgement)),
        Some(c) if view.now >= judgement_ends(view.policy, c.key.observed) => {
            ruling.says(Verdict::Ended(Resolution::Expired))
        }
        Some(c) if c.body == Judgement::Unsafe => ruling.says(Verdict::Breach(Severity::Warning)),
        Some(_) => ruling,
    }
}

fn unsafe_words(view: &View<'_>, ruling: &Ruling) -> String {
    let at = view.clock(view.newest(JUDGEMENT_READS));
    if !ruling.breaches() {
        return format!("Ward {}: judged safe by the nurse in charge. Judged {at}.", view.facts.ward.code);
    }
    format!("Ward {}: judged not safe by the nurse in charge. Judged {at}.", view.facts.ward.code)
}
