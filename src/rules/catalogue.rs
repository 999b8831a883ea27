use crate::domain::{OrganisationCode, Rulebook, Span, SubjectName};

/// Patients per registered nurse above the ward's limit.
pub const RATIO: &str = "ratio.over_limit";
/// A reported largest single allocation above the limit.
pub const MAX_ALLOCATION: &str = "ratio.max_allocation";
/// Patients and no registered nurse.
pub const NONE: &str = "rn.none";
/// Registered nurses below the ward's minimum.
pub const BELOW_MINIMUM: &str = "rn.below_minimum";
/// Registered nurse time short of what is required.
pub const HOURS: &str = "rn.hours_shortfall";
/// The formula of the ward's kind.
pub const CARE_LEVEL: &str = "care_level.under_cover";
/// A red flag raised by staff.
pub const RED_FLAG: &str = "red_flag.raised";
/// The nurse in charge judges the ward not safe.
pub const JUDGEMENT: &str = "judgement.unsafe";
/// Bedded and boarded patients above funded beds.
pub const CAPACITY: &str = "capacity.over";
/// Patients in a corridor.
pub const CORRIDOR: &str = "capacity.corridor";
/// An ageing block is overdue and nothing about it was received.
pub const OVERDUE: &str = "report.overdue";
/// A source's subjects fell silent together.
pub const SILENT: &str = "source.silent";
/// A jump too great to believe.
pub const IMPLAUSIBLE: &str = "report.implausible";
/// Share of registered nurses too small.
pub const SKILL_MIX: &str = "skill_mix.low";

/// Doctors at work in a tier below the group's minimum during a strike.
pub const COVER_MINIMUM: &str = "cover.below_minimum";
/// No senior doctor during a full withdrawal.
pub const NO_SENIOR: &str = "cover.no_senior";
/// Staff at work below the baseline of the strike's mode.
pub const BASELINE: &str = "cover.below_baseline";
/// Cover groups whose return is missing during a strike.
pub const NOT_REPORTED: &str = "cover.not_reported";
/// Cover groups without a plan for a coming strike.
pub const PLAN_MISSING: &str = "cover.plan_missing";
/// Doctors planned for a period of a strike fall short.
pub const PLAN_GAP: &str = "cover.plan_gap";
/// A ward above its limit whose cover has a hole.
pub const DOUBLE_GAP: &str = "ward.double_gap";
/// Elective work delivered although all was to stand down.
pub const NOT_STOOD_DOWN: &str = "elective.not_stood_down";
/// Less elective work delivered than the strike was to leave.
pub const BELOW_TARGET: &str = "elective.below_target";

/// Every rule of this version (domain.md section 4).
pub const RULES: &[&str] = &[
    RATIO,
    MAX_ALLOCATION,
    NONE,
    BELOW_MINIMUM,
    HOURS,
    CARE_LEVEL,
    RED_FLAG,
    JUDGEMENT,
    CAPACITY,
    CORRIDOR,
    OVERDUE,
    SILENT,
    IMPLAUSIBLE,
    COVER_MINIMUM,
    NO_SENIOR,
    BASELINE,
    NOT_REPORTED,
    PLAN_MISSING,
    PLAN_GAP,
    DOUBLE_GAP,
    NOT_STOOD_DOWN,
    BELOW_TARGET,
    SKILL_MIX,
];

/// Rules that are off until a ward switches them on.
pub const OPTIONAL: &[&str] = &[CAPACITY, SKILL_MIX];

/// Rules that a strike brings: what they ask changes with time.
pub(super) fn of_strike(rule: &str) -> bool {
    of_cover(rule) || rule.starts_with("elective.")
}

/// Rules about doctors: they escalate to the medical director (domain.md section 5).
pub(super) fn of_cover(rule: &str) -> bool {
    rule.starts_with("cover.") || rule == DOUBLE_GAP
}

/// Rules that ask nothing of a ward without patients (domain.md section 3: status EMPTY, no staffing alert).
pub(super) const STAFFING: &[&str] = &[RATIO, MAX_ALLOCATION, NONE, BELOW_MINIMUM, HOURS, CARE_LEVEL, SKILL_MIX];

/// A resolved red flag is final for so long (domain.md section 2).
pub(super) const FLAG_FINAL: Span = Span::days(7);
/// Most open red flags of a subject (engine.md section 1).
pub(super) const MOST_FLAGS: usize = 50;
/// How far ahead of the service's clock a report may be (domain.md section 7).
pub(super) const AHEAD: Span = Span::minutes(2);

/// The registered subject of the same kind whose name is nearest to `name`, of the same organisation if that is
/// registered, and otherwise of those that whoever asks may see. Of cover groups only those in force.
pub fn nearest(book: &Rulebook, name: &SubjectName, seen: impl Fn(&OrganisationCode) -> bool) -> Option<SubjectName> {
    let known = book.organisations.contains_key(name.organisation());
    let near = |w: &SubjectName| if known { w.organisation() == name.organisation() } else { seen(w.organisation()) };
    let candidates: Vec<SubjectName> = match name {
        SubjectName::Organisation(_) => {
            book.organisations.keys().filter(|o| seen(o)).cloned().map(SubjectName::Organisation).collect()
        }
        SubjectName::Ward(..) => book.wards.keys().filter(|w| near(w)).cloned().collect(),
        SubjectName::CoverGroup(..) => {
            book.groups.iter().filter(|(g, facts)| facts.in_force && near(g)).map(|(g, _)| g.clone()).collect()
        }
    };
    let sought = name.to_string();
    candidates.into_iter().map(|c| (strsim::osa_distance(&c.to_string(), &sought), c)).min().map(|(_, c)| c)
}
