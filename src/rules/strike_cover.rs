//! Whether the cover of a group stands through a strike, shift by shift: the readiness return.

use crate::domain::{
    Blocks, Current, GradeCover, GroupFacts, MedicalCover, Period, Plan, Policy, ReportId, ShiftName, SourceCode,
    Strike, StrikeMode, SubjectName, SubjectState, Tier, Time, Window,
};
use crate::rules::cover_view::{CoverView, shifts, struck};
use crate::rules::windows;

/// Which figures a return is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CoverBasis {
    /// Planned doctors.
    Plan,
    /// Doctors reported at work.
    Actual,
}

/// How a tier stands against its minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierStanding {
    /// At or above it.
    Covered,
    /// So many fewer.
    Gap(u32),
    /// Not known: never reported, or overdue.
    NotReported,
    /// It has none.
    NoMinimum,
}

/// One tier of a group in a shift. What was not reported is absent, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierRow {
    /// The tier.
    pub tier: Tier,
    /// How it stands.
    pub standing: TierStanding,
    /// Its minimum; in a full withdrawal at least one doctor in tier 3.
    pub minimum: Option<u32>,
    /// Doctors who count in it.
    pub doctors: Option<u32>,
    /// Of these, doctors of a higher tier.
    pub acting_down: Option<u32>,
    /// On call.
    pub on_call: Option<u32>,
    /// Granted by the union at the start of the row.
    pub granted: Option<u32>,
    /// Expected at work as reported, or granted if that is more.
    pub expected: Option<u32>,
}

/// Where figures came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverSource {
    /// The system.
    pub source: SourceCode,
    /// When they were true, or the plan was made.
    pub observed: Time,
    /// The report.
    pub report: ReportId,
    /// The planned period, if it is a plan.
    pub period: Option<Period>,
}

/// A group in one shift of one window; with plans, in the part of it that one plan covers or that none does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverRow {
    /// The window.
    pub window: u32,
    /// The shift.
    pub shift: ShiftName,
    /// From when.
    pub start: Time,
    /// The first instant after it.
    pub end: Time,
    /// The group.
    pub group: SubjectName,
    /// Tiers 1 to 3.
    pub tiers: [TierRow; 3],
    /// Where the figures came from, if there are any.
    pub from: Option<CoverSource>,
    /// Whether they are overdue; true without any.
    pub stale: bool,
}

/// Figures that a row may show.
#[derive(Clone, Copy)]
struct Figures<'a> {
    current: &'a Current<MedicalCover>,
    period: Option<Period>,
    overdue: bool,
}

/// A shift, or a part of one, that a window strikes.
#[derive(Clone, Copy)]
struct Part {
    window: u32,
    shift: ShiftName,
    start: Time,
    end: Time,
}

/// The rows of a group in some windows of a strike, by window and start.
pub fn strike_cover(
    strike: &Strike,
    windows: &[&Window],
    (group, facts, state): (&SubjectName, &GroupFacts, &SubjectState),
    basis: CoverBasis,
    now: Time,
) -> Vec<CoverRow> {
    let policy = facts.context.policy(now);
    let shifts = shifts(facts, &policy);
    let parts = windows.iter().flat_map(|window| {
        let struck = windows::shifts_struck(strike, window, &shifts, &facts.organisation.zone);
        struck.into_iter().map(|(start, end, shift)| Part { window: window.id, shift, start, end })
    });
    let row = |(part, figures)| row(strike, (group, facts), part, figures);
    match basis {
        CoverBasis::Plan => parts.flat_map(|part| planned(part, &state.plans)).map(row).collect(),
        CoverBasis::Actual => {
            parts.map(|part| (part, actual(part, facts, &state.blocks, &policy, now))).map(row).collect()
        }
    }
}

/// A part cut where plans begin and end: each piece with the plan for it, or without one. Where several plans overlap
/// each of them has its piece.
fn planned(part: Part, plans: &[Plan]) -> Vec<(Part, Option<Figures<'_>>)> {
    let plans: Vec<(&Plan, &Current<MedicalCover>)> =
        plans.iter().filter_map(|p| Some((p, p.blocks.medical_cover.as_ref()?))).collect();
    let edges = plans.iter().flat_map(|(p, _)| [p.period.start, p.period.end]);
    let inside = edges.filter(|t| part.start < *t && *t < part.end);
    let mut cuts: Vec<Time> = inside.chain([part.start, part.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces = Vec::new();
    for pair in cuts.windows(2) {
        let [start, end] = *pair else { continue };
        let piece = Part { start, end, ..part };
        let before = pieces.len();
        for (plan, current) in plans.iter().filter(|(p, _)| p.period.contains(start)) {
            pieces.push((piece, Some(Figures { current, period: Some(plan.period), overdue: false })));
        }
        if pieces.len() == before {
            pieces.push((piece, None));
        }
    }
    pieces
}

/// The figures now, for the part that is now, and for one that they were true in.
fn actual<'a>(part: Part, facts: &GroupFacts, blocks: &'a Blocks, policy: &Policy, now: Time) -> Option<Figures<'a>> {
    let current = blocks.medical_cover.as_ref()?;
    let inside = |t: Time| part.start <= t && t < part.end;
    if inside(now) {
        let struck = struck(facts, policy);
        let view = CoverView { facts, policy, blocks, struck: &struck, now, plan: None };
        return Some(Figures { current, period: None, overdue: view.cover().is_err() });
    }
    inside(current.key.observed).then_some(Figures { current, period: None, overdue: false })
}

fn row(
    strike: &Strike,
    (group, facts): (&SubjectName, &GroupFacts),
    part: Part,
    figures: Option<Figures<'_>>,
) -> CoverRow {
    let Part { window, shift, start, end } = part;
    let tier = |tier| tier_row(strike, (group, facts), part, tier, figures);
    CoverRow {
        window,
        shift,
        start,
        end,
        group: group.clone(),
        tiers: Tier::ALL.map(tier),
        from: figures.map(|f| CoverSource {
            source: f.current.source.clone(),
            observed: f.current.key.observed,
            report: f.current.key.report,
            period: f.period,
        }),
        stale: figures.is_none_or(|f| f.overdue),
    }
}

fn tier_row(
    strike: &Strike,
    (group, facts): (&SubjectName, &GroupFacts),
    part: Part,
    tier: Tier,
    figures: Option<Figures<'_>>,
) -> TierRow {
    let cover = figures.map(|f| &f.current.body);
    let doctors = cover.and_then(|c| c.tier_count(tier));
    let on_call = cover.and_then(|c| total(c, tier, |g| g.on_call));
    let granted = strike.granted(group, tier, part.start);
    let reported = cover.and_then(|c| total(c, tier, |g| g.expected));
    let own = facts.group.minimum(tier, part.shift);
    let senior = tier == Tier::Three && strike.mode == StrikeMode::FullWithdrawal;
    let minimum = if senior { Some(own.unwrap_or(0).max(1)) } else { own };
    let seniors = if facts.group.tier3_on_call_counts { on_call } else { None };
    // Consultants on call alone may be enough where no more than a senior is asked for.
    let counted = doctors.or(seniors.filter(|_| senior && own.is_none()).map(|_| 0));
    let counted = counted.filter(|_| figures.is_some_and(|f| !f.overdue));
    let gap = |at_work: u32| {
        let of_group = own.unwrap_or(0).saturating_sub(at_work);
        let of_seniors = u32::from(senior && at_work + seniors.unwrap_or(0) == 0);
        of_group.max(of_seniors)
    };
    let standing = match (minimum, counted.map(gap)) {
        (None, _) => TierStanding::NoMinimum,
        (Some(0), _) | (Some(_), Some(0)) => TierStanding::Covered,
        (Some(_), Some(gap)) => TierStanding::Gap(gap),
        (Some(_), None) => TierStanding::NotReported,
    };
    TierRow {
        tier,
        standing,
        minimum,
        doctors,
        acting_down: doctors.and(cover).map(|c| acting_down(c, tier)),
        on_call,
        granted,
        expected: reported.max(granted),
    }
}

/// The sum of a count over the grades of a tier; none when no grade has it.
fn total(cover: &MedicalCover, tier: Tier, of: impl Fn(&GradeCover) -> Option<u32>) -> Option<u32> {
    cover.grades.iter().filter(|g| g.grade.tier() == Some(tier)).filter_map(of).reduce(|a, b| a + b)
}

/// Doctors of higher tiers who act in this one.
fn acting_down(cover: &MedicalCover, tier: Tier) -> u32 {
    let above = cover.grades.iter().filter(|g| g.grade.tier() > Some(tier));
    let acting = above.filter_map(|g| match tier {
        Tier::One => g.acting_as_tier1,
        Tier::Two => g.acting_as_tier2,
        Tier::Three => None,
    });
    acting.sum()
}
