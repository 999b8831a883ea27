//! Doctors absent by reason. Who takes part in a strike is special-category data, and few people are easily told: figures are
//! shown of whole organisations only, and small ones of none but to the employer's own planner (domain.md section 6).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::domain::{GradeCover, MedicalCover, OrganisationCode};
use crate::situation::int;
use crate::situation::nurses::total;
use crate::situation::part::Part;
use crate::wire::pb;

/// Numbers by which people could be told.
const FEW: RangeInclusive<i32> = 1..=7;

/// The figures of organisations, added up. One with a small figure in any of its cover groups, or with groups whose figures
/// are not current, is left out with both: what is expected and at work is
/// no secret, so the other figure would tell the small one. Nor is it in a sum: two sums would tell it.
pub(super) fn absence(parts: &[&Part<'_>], unmasked: &BTreeSet<OrganisationCode>) -> Option<pb::SituationAbsence> {
    let mut sums = pb::SituationAbsence::default();
    let mut reported = false;
    for part in parts {
        let covers: Vec<&MedicalCover> = part.groups.iter().filter_map(|g| g.cover).collect();
        let sum = |covers: &[&MedicalCover], of: fn(&GradeCover) -> Option<u32>| {
            total(covers.iter().flat_map(|c| &c.grades).map(of))
        };
        let both =
            |covers: &[&MedicalCover]| [sum(covers, |g| g.absent_industrial_action), sum(covers, |g| g.absent_other)];
        let [industrial, other] = both(&covers);
        if industrial.is_none() && other.is_none() {
            continue;
        }
        reported = true;
        // One group's small figure would show when its report comes, or goes stale, or when another's is made great; and some
        // of the groups are not the organisation.
        let few = covers.iter().any(|cover| both(&[cover]).into_iter().flatten().any(|n| FEW.contains(&n)));
        let some = covers.len() < part.groups.len();
        if (few || some) && !unmasked.contains(&part.organisation.code) {
            sums.suppressed_organisations += 1;
            continue;
        }
        sums.industrial_action = plus(sums.industrial_action, industrial);
        sums.other = plus(sums.other, other);
    }
    reported.then_some(sums)
}

fn plus(sum: Option<i32>, more: Option<i32>) -> Option<i32> {
    match (sum, more) {
        (Some(a), Some(b)) => Some(int(i64::from(a) + i64::from(b))),
        (a, b) => a.or(b),
    }
}
