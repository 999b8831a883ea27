//! What an alert shows: figures, message, inputs; and when a change of them is worth an event.

use crate::domain::{Alert, AlertInput, Episode, Fraction, SubjectName};
use crate::rules::catalogue::{BELOW_MINIMUM, CARE_LEVEL, HOURS, NONE, RATIO, STAFFING};
use crate::rules::inputs::Inputs;
use crate::rules::lifecycle::Turn;
use crate::rules::verdict::{About, MOST_NAMED, Ruling};
use crate::rules::view::View;
use crate::rules::words::{ceil_div, emptied, nearest_tenths};

impl Turn<'_> {
    /// Puts the ruling's figures into the alert.
    pub(super) fn show(&self, alert: &mut Alert, ruling: &Ruling) {
        alert.measured = ruling.measure.as_ref().map(|m| m.measured.clone());
        alert.limit = ruling.measure.as_ref().map(|m| m.limit.clone());
        alert.limit_source = ruling.source.into();
        alert.policy_version = self.policy.version.clone().into();
        alert.observed = self.now;
        if ruling.strike.is_some() {
            alert.strike.clone_from(&ruling.strike);
        }
        if let Some(inputs) = self.inputs.filter(|_| !ruling.reads.is_empty()) {
            alert.inputs = inputs.inputs(ruling.reads);
            alert.observed = inputs.newest(ruling.reads);
        }
        match (&ruling.about, &self.view) {
            (About::Said { message, subjects, count }, _) => {
                alert.message.clone_from(message);
                concern(alert, subjects, *count);
            }
            (_, Some(view)) if asks_nothing(view, ruling) => alert.message = emptied(view),
            (_, Some(view)) => alert.message = (ruling.words)(view, ruling),
            (_, None) => {}
        }
        if !self.wards.is_empty() {
            alert.wards = self.wards.iter().take(MOST_NAMED).cloned().collect();
            alert.ward_count = u32::try_from(self.wards.len()).unwrap_or(u32::MAX);
        }
        if let About::RedFlag(_, noticed) = &ruling.about {
            alert.observed = *noticed;
        }
    }

    pub(super) fn shown_differs(&self, episode: &Episode, ruling: &Ruling) -> bool {
        let alert = &episode.alert;
        let figures = ruling.measure.as_ref().map(|m| shown(&m.measured, &m.limit));
        let before = alert.measured.as_ref().zip(alert.limit.as_ref()).map(|(m, l)| shown(m, l));
        // Of new figures that were held back the clock says nothing: it shows only what the register changed.
        let held_back =
            !self.by_report() && self.inputs.is_some_and(|i| alert.inputs.iter().any(|input| !i.is_current(input)));
        (figures != before && !held_back) || self.freshness_differs(episode, ruling)
    }

    pub(super) fn freshness_differs(&self, episode: &Episode, ruling: &Ruling) -> bool {
        let Some(inputs) = self.inputs else { return false };
        let read = episode.alert.inputs.iter().filter(|input| ruling.reads.contains(&input.block));
        let mut differs = read.filter(|input| input.freshness != inputs.freshness(input.block));
        differs.any(|input| self.by_report() || self.shown_by_time(inputs, episode, input))
    }

    /// Whether time alone shows that a figure fell overdue: when it does, but not later if that was held back within a
    /// minute of another event (contract.md section 1).
    fn shown_by_time(&self, inputs: &dyn Inputs, episode: &Episode, input: &AlertInput) -> bool {
        let at = inputs.overdue_time(input.block, input.observed).filter(|at| *at <= self.now);
        inputs.is_current(input) && at.is_none_or(|at| at - episode.last_event >= self.policy.update_every)
    }
}

/// Whether a rule is content because the ward is empty, whatever its figures.
pub(super) fn asks_nothing(view: &View<'_>, ruling: &Ruling) -> bool {
    !ruling.breaches() && STAFFING.contains(&ruling.rule) && view.is_empty()
}

/// The figures a reader sees: the tenth, the limit in whole nurses, and the whole nurses missing.
fn shown(measured: &Fraction, limit: &Fraction) -> (i64, i64, i64) {
    let missing =
        ceil_div(measured.numerator * limit.denominator, limit.numerator).saturating_sub(measured.denominator);
    let hundredths = (limit.numerator * 100).checked_div(limit.denominator).unwrap_or(0);
    let tenth = nearest_tenths(measured.numerator, measured.denominator, hundredths);
    (tenth, ceil_div(limit.numerator, limit.denominator), missing)
}

/// Nurses or their time in a measure: over the line in a ratio, above it in a count.
pub(super) fn staff(rule: &str, measured: &Fraction) -> i64 {
    match rule {
        RATIO => measured.denominator,
        NONE | BELOW_MINIMUM | CARE_LEVEL | HOURS => measured.numerator,
        _ => 0,
    }
}

/// Names the wards or cover groups that an alert on an organisation concerns.
fn concern(alert: &mut Alert, subjects: &[SubjectName], count: usize) {
    let (groups, wards): (Vec<_>, Vec<_>) =
        subjects.iter().cloned().partition(|s| matches!(s, SubjectName::CoverGroup(..)));
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    (alert.group_count, alert.ward_count) = if groups.is_empty() { (0, count) } else { (count, 0) };
    (alert.cover_groups, alert.wards) = (groups, wards);
}
