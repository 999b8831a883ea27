//! Nurses and doctors at work.

use std::cmp::Ordering;

use crate::domain::{GradeCover, MedicalCover, MedicalGrade, Tier};
use crate::situation::int;
use crate::situation::seen::{GroupSeen, NursesSeen, WardKnown, WardSeen};
use crate::wire::{self, pb};

/// Puts the registered nurses of wards into a block.
pub(super) fn count_nurses<'a>(block: &mut pb::SituationBlock, wards: impl Iterator<Item = &'a NursesSeen>) {
    let wards: Vec<_> = wards.collect();
    let Some(first) = wards.first() else { return };
    let sum = |of: fn(Ordering) -> bool| {
        let counts = wards.iter().filter(|n| of(n.ratio)).map(|n| u64::from(n.count));
        Some(int(counts.sum::<u64>()))
    };
    block.rns_counted = sum(|_| true);
    block.rns_above_limit = sum(Ordering::is_gt);
    block.rns_at_or_above_limit = sum(Ordering::is_ge);
    block.rns_limit = wards.iter().all(|n| n.limit == first.limit).then(|| wire::fraction_to(&first.limit));
    block.rns_ward_count = int(wards.len());
}

/// What is not known of wards and cover groups.
pub(super) fn unknown<'a>(
    wards: impl Iterator<Item = &'a WardSeen>,
    groups: impl Iterator<Item = GroupSeen<'a>>,
) -> pb::SituationUnknown {
    let mut unknown = pb::SituationUnknown::default();
    for ward in wards {
        match ward.known {
            WardKnown::Never => unknown.never_reported_wards += 1,
            WardKnown::Stale => unknown.stale_wards += 1,
            WardKnown::Incomplete => unknown.incomplete_wards += 1,
            WardKnown::Current => {}
        }
    }
    unknown.cover_groups_without_return = int(groups.filter(|g| g.missing).count());
    unknown
}

/// Doctors at work, by tier and by grade; what nobody reported is left out, and is not zero.
pub(super) fn doctors<'a>(groups: impl Iterator<Item = GroupSeen<'a>>) -> pb::SituationDoctors {
    let covers: Vec<&MedicalCover> = groups.filter_map(|g| g.cover).collect();
    let tier = |tier: Tier| {
        let at_work = total(covers.iter().map(|c| c.tier_count(tier)))?;
        Some(pb::SituationTier { tier: wire::tier_to(tier), at_work })
    };
    pb::SituationDoctors {
        cover_groups_counted: int(covers.len()),
        tiers: Tier::ALL.into_iter().filter_map(tier).collect(),
        grades: MedicalGrade::ALL.into_iter().filter_map(|g| grade(&covers, g)).collect(),
    }
}

fn grade(covers: &[&MedicalCover], grade: MedicalGrade) -> Option<pb::SituationGrade> {
    let of: Vec<&GradeCover> = covers.iter().flat_map(|c| &c.grades).filter(|g| g.grade == grade).collect();
    Some(pb::SituationGrade {
        grade: pb::MedicalGrade::from(grade).into(),
        at_work: total(of.iter().map(|g| Some(g.at_work)))?,
        on_call: total(of.iter().map(|g| g.on_call)),
        acting_as_tier1: total(of.iter().map(|g| g.acting_as_tier1)),
        acting_as_tier2: total(of.iter().map(|g| g.acting_as_tier2)),
    })
}

/// The sum of what was reported; none when nothing was.
pub(super) fn total(counts: impl Iterator<Item = Option<u32>>) -> Option<i32> {
    let reported: Vec<u64> = counts.flatten().map(u64::from).collect();
    (!reported.is_empty()).then(|| int(reported.iter().sum::<u64>()))
}
