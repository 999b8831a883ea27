//! What a strike asks of a ward: the double gap, and the baseline of a nurses' strike (domain.md sections 4 and 6).

use crate::domain::{BlockKind, CoverGap, Period, Resolution, Severity, SubjectName, Summary};
use crate::rules::catalogue::{BASELINE, CARE_LEVEL, DOUBLE_GAP, NONE, RATIO};
use crate::rules::verdict::{Ruling, Verdict, Why, fraction};
use crate::rules::view::View;
use crate::rules::windows::{self, Struck};
use crate::rules::words::{emptied, hundredths, nearest_tenths, tenths};

/// What the double gap reads of the ward itself.
const READS: &[BlockKind] = &[BlockKind::Patients, BlockKind::LevelsOfCare, BlockKind::Nursing];
/// What the baseline reads.
const NURSING: &[BlockKind] = &[BlockKind::Nursing];

/// `ward.double_gap`: the ward is above its limit or formula, and a cover group of it is below minimum or without a
/// senior: the worst place in the hospital.
pub fn double_gap(view: &View<'_>, rulings: &[Ruling], reads: &[(SubjectName, Summary)]) -> Ruling {
    let ruling = Ruling { source: "ward and cover group register", ..Ruling::said(DOUBLE_GAP, READS, String::new()) };
    let gaps = gaps(view, reads);
    if gaps.is_empty() {
        return ruling.says(Verdict::Disabled("no cover group covers this ward"));
    }
    if gaps.iter().all(|(_, gap)| *gap == CoverGap::Outside) {
        return ruling.says(Verdict::Ended(Resolution::WindowEnded));
    }
    let struck = windows::struck(&view.facts.context.strikes, true, &view.policy.shifts, &view.facts.organisation.zone);
    let strike = windows::in_force(&struck, view.now).next().map(|s| s.strike.clone());
    let ruling = Ruling { strike, ..ruling };
    let ward = [RATIO, CARE_LEVEL, NONE].map(|rule| rulings.iter().find(|r| r.rule == rule));
    let over = ward.iter().flatten().find(|r| r.breaches());
    let unknown = ward.iter().flatten().find_map(|r| match r.verdict {
        Verdict::NotEvaluable(why) => Some(why),
        _ => None,
    });
    let hole: Vec<&str> = gaps.iter().filter(|(_, gap)| *gap == CoverGap::Hole).map(|(name, _)| name.code()).collect();
    let cover_unknown = gaps.iter().any(|(_, gap)| *gap == CoverGap::Unknown);
    match (over, hole.is_empty()) {
        (Some(over), false) => breach(view, ruling, over, &hole),
        (None, _) if unknown.is_none() => good(view, ruling),
        (_, true) if !cover_unknown => good(view, ruling),
        (None, _) => ruling.unknown(unknown.unwrap_or(Why::CoverUnknown)),
        (Some(_), true) => ruling.unknown(Why::CoverUnknown),
    }
}

/// How the cover of each of the ward's groups stands.
fn gaps<'a>(view: &'a View<'_>, reads: &[(SubjectName, Summary)]) -> Vec<(&'a SubjectName, CoverGap)> {
    let gap = |name: &SubjectName| {
        let summary = reads.iter().find(|(n, _)| n == name).and_then(|(_, s)| s.cover.as_ref());
        summary.map(|c| c.gap).unwrap_or_default()
    };
    view.facts.groups.iter().map(|name| (name, gap(name))).collect()
}

fn good(view: &View<'_>, ruling: Ruling) -> Ruling {
    let message = format!("Ward {}: no gap of nurses and doctors at once. {}", view.facts.ward.code, view.when(READS));
    ruling.with_message(message)
}

fn breach(view: &View<'_>, ruling: Ruling, over: &Ruling, groups: &[&str]) -> Ruling {
    let nurses = over.measure.as_ref().map(|m| (m.measured.clone(), m.limit.clone()));
    let figures = nurses.as_ref().map_or_else(String::new, |(measured, limit)| match over.rule {
        RATIO => {
            let hundred = limit.numerator * 100 / limit.denominator.max(1);
            let ratio = tenths(nearest_tenths(measured.numerator, measured.denominator, hundred));
            let limit = hundredths(limit.numerator, limit.denominator);
            format!("{ratio} patients per nurse, above the limit of {limit}")
        }
        NONE => "no registered nurse, minimum 1".to_owned(),
        _ => format!("{} of {} {}", measured.numerator, hundredths(limit.numerator, limit.denominator), limit.unit),
    });
    let cover = match groups {
        [one] => (*one).to_owned(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
        [] => String::new(),
    };
    let (ward, when) = (&view.facts.ward.code, view.when(READS));
    let message = format!("Ward {ward}: {figures}, and a hole in the doctors' cover of {cover}. {when}");
    let ruling = ruling.with_message(message);
    let ruling = match over.measure.clone() {
        Some(measure) => Ruling { measure: Some(measure), ..ruling },
        None => ruling,
    };
    ruling.says(Verdict::Breach(Severity::Critical))
}

/// `cover.below_baseline` on a ward: during a nurses' strike fewer registered nurses than its night-duty number.
pub fn below_baseline(view: &View<'_>) -> Ruling {
    let ruling = Ruling { source: "ward register", ..Ruling::said(BASELINE, NURSING, String::new()) };
    let struck =
        windows::struck(&view.facts.context.strikes, false, &view.policy.shifts, &view.facts.organisation.zone);
    let touches =
        |s: &&Struck| view.plan.is_some_and(|p| Period::new(s.start, s.end).is_some_and(|s| s.overlap(p).is_some()));
    let concerned = match view.plan {
        Some(_) => struck.iter().find(touches),
        None => windows::in_force(&struck, view.now).next(),
    };
    let Some(struck) = concerned else {
        return ruling.says(Verdict::Ended(Resolution::WindowEnded));
    };
    let ruling = Ruling { strike: Some(struck.strike.clone()), ..ruling };
    let Some(baseline) = view.facts.ward.night_duty_registered_nurses else {
        return ruling.says(Verdict::Disabled("the register names no night-duty number for this ward"));
    };
    let nurses = match view.nursing() {
        Ok(nursing) => view.nurses(nursing),
        Err(why) => return ruling.unknown(why),
    };
    let unit = "registered nurses";
    let ruling = ruling.measuring(fraction(nurses.count, 1, unit), fraction(baseline, 1, unit), "ward register");
    match view.emptied() {
        Ok(false) => {}
        // Nobody needs no one.
        Ok(true) => return ruling.with_message(emptied(view)),
        Err(why) => return ruling.unknown(why),
    }
    let side = if nurses.count < baseline { "below" } else { "at or above" };
    let (ward, count, when) = (&view.facts.ward.code, nurses.count, view.when(NURSING));
    let message =
        format!("Ward {ward}: {count} registered nurses, {side} the night-duty baseline of {baseline}. {when}");
    let ruling = ruling.with_message(message);
    match (nurses.count < baseline, nurses.complete) {
        (true, true) => ruling.says(Verdict::Breach(Severity::Warning)),
        (true, false) => ruling.unknown(Why::Absent("nursing.registered_midwives")),
        (false, _) => ruling,
    }
}
