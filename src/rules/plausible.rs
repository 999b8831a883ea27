use crate::domain::{
    BlockKind, Current, Doubt, FieldViolation, Nursing, Patients, RejectReason, Report, Severity, Span, Time, Ward,
};
use crate::rules::catalogue::IMPLAUSIBLE;
use crate::rules::verdict::{About, Ruling, Verdict};
use crate::rules::view::View;

/// A jump in patients too great to believe: from more than 4 to none.
pub fn patients_jump(before: &Patients, after: &Patients) -> Option<u32> {
    emptied(before.total(), after.total()).then(|| before.total())
}

fn emptied(before: u32, after: u32) -> bool {
    before > 4 && after == 0
}

/// A jump in registered nurses too great to believe: more than tripled, and up by 5 at least.
pub fn nurses_jump(before: &Nursing, after: &Nursing) -> Option<u32> {
    let (before, after) = (before.registered_nurses, after.registered_nurses);
    multiplied(before, after).then_some(before)
}

fn multiplied(before: u32, after: u32) -> bool {
    after > 3 * before && after >= before + 5
}

/// The doubt that a new figure leaves: raised by a jump, dropped when a later figure no longer is one, or when one at
/// least the clearing time later agrees.
pub fn doubt<B>(
    old: &Current<B>,
    new: &B,
    (observed, clear_after): (Time, Span),
    jump: impl Fn(&B, &B) -> Option<u32>,
    still: impl Fn(u32, &B) -> bool,
) -> Option<Doubt> {
    match old.doubt {
        None => jump(&old.body, new).map(|before| Doubt { before, since: observed }),
        Some(doubt) if !still(doubt.before, new) => None,
        Some(doubt) if observed < doubt.since + clear_after => Some(doubt),
        // Old enough to agree, unless it is a jump itself from the figure it would confirm.
        Some(_) => jump(&old.body, new).map(|before| Doubt { before, since: observed }),
    }
}

/// Whether `after` is still a jump from the last believed number of patients.
pub fn patients_still(before: u32, after: &Patients) -> bool {
    emptied(before, after.total())
}

/// Whether `after` is still a jump from the last believed number of registered nurses.
pub fn nurses_still(before: u32, after: &Nursing) -> bool {
    multiplied(before, after.registered_nurses)
}

/// `report.implausible`: a figure jumped too far in one report. It is accepted, but nothing resolves on it until a
/// second observation agrees.
pub fn implausible(view: &View<'_>) -> [Ruling; 2] {
    let patients = view.blocks.patients.as_ref().and_then(|c| Some((c.doubt?.before, c.body.total())));
    let nurses = view.blocks.nursing.as_ref().and_then(|c| Some((c.doubt?.before, c.body.registered_nurses)));
    [
        ruling(BlockKind::Patients, &[BlockKind::Patients], "patients", patients),
        ruling(BlockKind::Nursing, &[BlockKind::Nursing], "nursing", nurses),
    ]
}

fn ruling(kind: BlockKind, reads: &'static [BlockKind], instance: &str, jump: Option<(u32, u32)>) -> Ruling {
    let ruling = Ruling { instance: instance.to_owned(), ..Ruling::new(IMPLAUSIBLE, reads, words) };
    match jump {
        None => ruling,
        Some((before, after)) => {
            let about = About::Jump(kind, before, after);
            Ruling { about, source: "domain rule", ..ruling }.says(Verdict::Breach(Severity::Warning))
        }
    }
}

fn words(view: &View<'_>, ruling: &Ruling) -> String {
    let About::Jump(kind, before, after) = &ruling.about else {
        let (ward, at) = (&view.facts.ward.code, view.when(ruling.reads));
        return format!("Ward {ward}: {} figures agree again. {at}", ruling.instance);
    };
    let what = if *kind == BlockKind::Patients { "patients" } else { "registered nurses" };
    let (ward, at) = (&view.facts.ward.code, view.when(ruling.reads));
    format!("Ward {ward}: {what} went from {before} to {after} in one report, not yet confirmed. {at}")
}

/// Figures that cannot be true of this ward (domain.md section 7).
pub fn impossible(ward: &Ward, report: &Report) -> Vec<FieldViolation> {
    let mut found = Vec::new();
    let patients = report.patients.as_ref();
    if let (Some(patients), Some(beds)) = (patients, ward.beds)
        && patients.bedded > 3 * beds
    {
        let text = format!(
            "{} is more than three times the ward's {beds} beds: check the count, or the beds in the register",
            patients.bedded
        );
        found.push(FieldViolation::new("patients.bedded", RejectReason::Implausible, text));
    }
    let most = ward.beds.max(patients.map(Patients::total)).map(|n| 2 * n + 4);
    if let (Some(nursing), Some(most)) = (&report.nursing, most)
        && nursing.registered_nurses > most
    {
        let nurses = nursing.registered_nurses;
        let text = format!("{nurses} is more than {most}, twice the beds or patients and 4: check the count");
        found.push(FieldViolation::new("nursing.registered_nurses", RejectReason::Implausible, text));
    }
    found
}
