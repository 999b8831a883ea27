//! One ward or cover group as it stands now.

use std::cmp::Ordering;

use crate::domain::{
    Fraction, Freshness, GroupFacts, MedicalCover, Span, SubjectState, Time, WardFacts, WardState, WardStatus,
};
use crate::rules::{self, Answer};

/// Figures of doctors are shown as those at work for so long.
const COVER_HOLDS: Span = Span::hours(24);

/// An open ward.
#[derive(Clone, Debug)]
pub(super) struct WardSeen {
    pub known: WardKnown,
    /// Its nurses, when its ratio can be evaluated.
    pub nurses: Option<NursesSeen>,
}

/// How much is known of a ward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WardKnown {
    Never,
    Stale,
    Incomplete,
    Current,
}

/// Registered nurses of a ward, and how its ratio stands to its limit.
#[derive(Clone, Debug)]
pub(super) struct NursesSeen {
    pub count: u32,
    pub ratio: Ordering,
    pub limit: Fraction,
}

/// A cover group in force.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupSeen<'a> {
    /// In a strike without current figures.
    pub missing: bool,
    /// Its doctors, when the figures are current.
    pub cover: Option<&'a MedicalCover>,
}

/// A ward, unless it is closed.
pub(super) fn ward(facts: &WardFacts, state: &SubjectState, now: Time) -> Option<WardSeen> {
    if facts.ward.state == WardState::Closed {
        return None;
    }
    let (status, freshness) = rules::status(facts, state, &[], now);
    let ever = rules::ever_reported(&state.blocks);
    let known = match (ever, freshness) {
        (false, _) => WardKnown::Never,
        (true, Freshness::Stale) => WardKnown::Stale,
        (true, Freshness::Fresh) if status == WardStatus::Incomplete => WardKnown::Incomplete,
        (true, Freshness::Fresh) => WardKnown::Current,
    };
    Some(WardSeen { known, nurses: nurses(facts, state, now) })
}

fn nurses(facts: &WardFacts, state: &SubjectState, now: Time) -> Option<NursesSeen> {
    let count = state.blocks.nursing.as_ref()?.body.registered_nurses;
    let ratio = rules::evaluate(facts, state, &[], now).into_iter().find(|e| e.rule == "ratio.over_limit")?;
    let (measured, limit) = (ratio.measured?, ratio.limit?);
    let at =
        measured.denominator > 0 && measured.numerator * limit.denominator == limit.numerator * measured.denominator;
    let ratio = match ratio.answer {
        Answer::Breaching => Ordering::Greater,
        Answer::WithinLimit if at => Ordering::Equal,
        Answer::WithinLimit => Ordering::Less,
        Answer::NotEvaluable(_) | Answer::Disabled(_) => return None,
    };
    Some(NursesSeen { count, ratio, limit })
}

/// A cover group, unless it is not in force.
pub(super) fn group<'a>(facts: &GroupFacts, state: &'a SubjectState, now: Time) -> Option<GroupSeen<'a>> {
    if !facts.in_force {
        return None;
    }
    let (_, freshness) = rules::group_status(facts, state, now);
    let missing = freshness == Freshness::Stale;
    let current = state.blocks.medical_cover.as_ref().filter(|c| !missing && now - c.key.observed <= COVER_HOLDS);
    Some(GroupSeen { missing, cover: current.map(|c| &c.body) })
}
