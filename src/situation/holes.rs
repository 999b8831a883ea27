//! Where cover and staffing have a hole, and who has it.

use crate::domain::{AlertState, Severity, Time};
use crate::situation::int;
use crate::situation::known::{DOUBLE_GAP, Known};
use crate::wire::{pb, timestamp_to};

/// Counts holes by their rule.
pub(super) fn holes<'a>(alerts: impl Iterator<Item = Known<'a>>) -> pb::SituationHoles {
    let mut holes = pb::SituationHoles::default();
    for alert in alerts.filter(Known::is_hole).map(|k| k.alert) {
        let severe = alert.severity == Severity::Critical;
        match &*alert.rule {
            DOUBLE_GAP => holes.double_gaps += 1,
            "cover.below_minimum" => holes.cover_below_minimum += 1,
            "cover.no_senior" => holes.cover_no_senior += 1,
            "cover.below_baseline" => holes.below_baseline += 1,
            "ratio.over_limit" => {
                holes.wards_above_limit += 1;
                holes.wards_severe += i32::from(severe);
            }
            "care_level.under_cover" => holes.wards_under_formula += 1,
            "rn.below_minimum" => holes.wards_below_minimum_rns += 1,
            "rn.none" => {
                holes.wards_below_minimum_rns += 1;
                holes.wards_without_rn += 1;
            }
            "red_flag.raised" => holes.red_flags += 1,
            _ => {}
        }
        match alert.severity {
            Severity::Critical => holes.critical_alerts += 1,
            Severity::Warning => holes.warning_alerts += 1,
            Severity::Info => {}
        }
    }
    holes
}

/// Who has the open alerts.
pub(super) fn responders(alerts: &[Known<'_>], now: Time) -> pb::SituationResponders {
    let current = || alerts.iter().filter(|k| !k.alert.forecast);
    let taken = |severe: bool| {
        let acknowledged = current().filter(|k| k.alert.state == AlertState::Acknowledged);
        int(acknowledged.filter(|k| (k.alert.severity == Severity::Critical) == severe).count())
    };
    let oldest = current().filter(|k| k.is_unattended()).map(|k| k.critical_since).min();
    pb::SituationResponders {
        unacknowledged_criticals: int(current().filter(|k| k.is_unattended()).count()),
        oldest_unacknowledged_time: oldest.map(timestamp_to),
        oldest_unacknowledged_seconds: oldest.map_or(0, |at| (now - at).as_micros().max(0) / 1_000_000),
        acknowledged_criticals: taken(true),
        acknowledged_others: taken(false),
        escalated: int(current().filter(|k| k.alert.escalation.is_some()).count()),
    }
}
