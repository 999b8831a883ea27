//! What a control room reads, to the letter.

use std::time::Duration;

use anstream::adapter::strip_str;

use super::lines::{COLUMNS, length, thousands};
use super::text::{self, LINES};
use crate::client::pb;
use crate::client::timestamp_to;

#[expect(clippy::unnecessary_wraps, reason = "as messages have it")]
fn at(text: &str) -> Option<crate::client::Moment> {
    Some(timestamp_to(text.parse().unwrap()))
}

fn alert(subject: &str, severity: pb::Severity, message: &str) -> pb::SituationAlert {
    pb::SituationAlert {
        name: "alerts/1a2b3c4d-0000-8000-8000-000000000000".into(),
        subject: format!("organisations/RJ1/{subject}"),
        severity: severity.into(),
        state: pb::AlertState::Open.into(),
        condition: pb::AlertCondition::Breaching.into(),
        message: message.into(),
        raise_time: at("2016-04-26T09:40:00Z"),
        ..Default::default()
    }
}

fn strike(id: i32, state: pb::SituationStrikeState, start: &str, end: &str) -> pb::SituationStrike {
    pb::SituationStrike {
        strike: "strikes/bma-2016-04-26".into(),
        union: "BMA".into(),
        staff_group: pb::StaffGroup::ResidentDoctors.into(),
        mode: pb::StrikeMode::FullWithdrawal.into(),
        window_id: id,
        state: state.into(),
        start_time: at(start),
        end_time: at(end),
        organisation_count: 1,
        ..Default::default()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as messages have it")]
fn counts(postponed: i32) -> Option<pb::SituationCounts> {
    Some(pb::SituationCounts { postponed: Some(postponed), ..Default::default() })
}

/// 26 April 2016, 10:52 in London.
fn april() -> pb::Situation {
    let worst = vec![
        alert("wards/A7", pb::Severity::Critical, "Ward A7: 9.3 patients per nurse, and a hole in the doctors' cover."),
        pb::SituationAlert {
            acknowledged_by: pb::ResponderRole::Matron.into(),
            condition: pb::AlertCondition::Clearing.into(),
            ..alert("coverGroups/GENMED", pb::Severity::Warning, "Cover group GENMED: 3 doctors at work.")
        },
    ];
    let total = pb::SituationBlock {
        display_name: "Guy's and St Thomas'".into(),
        organisation_count: 1,
        ward_count: 42,
        cover_group_count: 6,
        strikes: vec![
            strike(1, pb::SituationStrikeState::On, "2016-04-26T07:00:00Z", "2016-04-26T16:00:00Z"),
            strike(2, pb::SituationStrikeState::Coming, "2016-04-27T07:00:00Z", "2016-04-27T16:00:00Z"),
        ],
        holes: Some(pb::SituationHoles {
            double_gaps: 1,
            cover_below_minimum: 2,
            wards_above_limit: 14,
            wards_severe: 3,
            critical_alerts: 6,
            ..Default::default()
        }),
        holes_hour_ago: Some(pb::SituationHoles {
            cover_below_minimum: 3,
            wards_above_limit: 11,
            wards_severe: 3,
            critical_alerts: 6,
            ..Default::default()
        }),
        hour_ago_time: at("2016-04-26T08:52:00Z"),
        responders: Some(pb::SituationResponders {
            unacknowledged_criticals: 2,
            oldest_unacknowledged_time: at("2016-04-26T09:40:00Z"),
            acknowledged_criticals: 4,
            escalated: 1,
            ..Default::default()
        }),
        unknown: Some(pb::SituationUnknown {
            stale_wards: 5,
            never_reported_wards: 1,
            cover_groups_without_return: 1,
            ..Default::default()
        }),
        worst,
        next_forecast: Some(pb::SituationAlert {
            forecast_start_time: at("2016-04-27T07:00:00Z"),
            ..alert("coverGroups/SURG", pb::Severity::Critical, "Cover group SURG: doctors planned below minimum.")
        }),
        forecast_count: 3,
        rns_counted: Some(1_204),
        rns_above_limit: Some(640),
        rns_at_or_above_limit: Some(702),
        rns_limit: Some(pb::Fraction { numerator: 8, denominator: 1, unit: String::new() }),
        doctors: Some(pb::SituationDoctors {
            cover_groups_counted: 5,
            tiers: [(1, 9), (3, 12)].map(|(tier, at_work)| pb::SituationTier { tier, at_work }).to_vec(),
            grades: Vec::new(),
        }),
        activity: Some(pb::SituationActivity {
            inpatient: counts(4_187),
            day_case: counts(8_524),
            operations: counts(12_711),
            outpatient: counts(112_856),
            total: counts(125_567),
            organisations_counted: 1,
        }),
        ..Default::default()
    };
    pb::Situation {
        position: 1_234,
        server_time: at("2016-04-26T09:52:00Z"),
        total: Some(total),
        activity_start_day: "2016-04-18".into(),
        activity_end_day: "2016-05-02".into(),
        ..Default::default()
    }
}

fn plain(text: &str) -> String {
    strip_str(text).to_string()
}

#[test]
fn the_view_answers_in_the_order_in_which_a_control_room_asks() {
    let expected = "\
SITUATION  Tue 26 Apr 10:52, Guy's and St Thomas', 42 wards, position 1234
STRIKE     ON until 17:00 (6 h 08 min left): BMA resident doctors, full withdrawal, 1 employer
           Wed 27 Apr 08:00 to 17:00 (in 21 h 08 min): BMA resident doctors, full withdrawal
HOLES NOW  double gaps 1, cover groups below minimum 2, without a senior 0
           wards above limit 14 (3 severe), below minimum of nurses 0 (0 with none),
           below care-level formula 0
WHO HAS IT critical: nobody has 2 (one for 12 min), somebody has 4; others taken 0; escalated 1
TREND      worse and better than at 09:52: double gaps +1, cover below minimum -1, above limit +3
NOT KNOWN  5 wards stale, 1 ward never reported, 1 cover group without a return
WORST      critical RJ1/A7, 12 min: Ward A7: 9.3 patients per nurse, and a hole in the doctors' c...
           warning  RJ1/GENMED, 12 min, clearing, with matron: Cover group GENMED: 3 doctors at w...
NEXT       Wed 27 Apr 08:00 (3 forecasts), RJ1/SURG: Cover group SURG: doctors planned below mini...
POSTPONED  4,187 inpatient + 8,524 day case = 12,711 operations, 112,856 outpatient appointments
           125,567 together, 2016-04-18 to 2016-05-02
NURSES     640 of 1,204 registered nurses counted are on wards above 8 (53 %)
           702 of 1,204 are on wards at 8 or above (58 %)
DOCTORS    at work: tier 1 9, tier 3 12, by 5 of 6 cover groups";
    assert_eq!(plain(&text::situation(&april(), None)), expected);
}

#[test]
fn the_view_is_never_more_than_24_lines_of_100_columns() {
    let mut situation = april();
    let block = situation.total.as_mut().unwrap();
    let long = "Ward A7: 28 patients, 3 registered nurses: 9.3 per nurse, above the safe limit of 8. ".repeat(2);
    block.worst = vec![alert("wards/ABCDEFGHIJKL", pb::Severity::Critical, &long); 10];
    block.strikes = vec![block.strikes[0].clone(); 20];
    block.strikes[0].organisation_count = 210;
    block.next_forecast.as_mut().unwrap().message = long.clone();
    block.display_name = "N".repeat(200);
    let many = 123_456_789;
    let counts = Some(pb::SituationCounts { postponed: Some(many), ..Default::default() });
    let activity = block.activity.as_mut().unwrap();
    (activity.inpatient, activity.day_case, activity.operations) = (counts, counts, counts);
    (activity.outpatient, activity.total) = (counts, counts);
    let holes = block.holes.as_mut().unwrap();
    (holes.double_gaps, holes.cover_below_minimum, holes.cover_no_senior, holes.below_baseline) =
        (many, many, many, many);
    (holes.wards_above_limit, holes.wards_severe, holes.red_flags, holes.critical_alerts) = (many, many, many, many);
    (holes.wards_under_formula, holes.wards_below_minimum_rns, holes.wards_without_rn) = (many, many, many);
    let unknown = block.unknown.as_mut().unwrap();
    (unknown.stale_wards, unknown.incomplete_wards, unknown.silent_sources) = (many, many, many);
    (unknown.never_reported_wards, unknown.cover_groups_without_return, unknown.unreadable) = (many, many, many);
    for silent in [None, Some(Duration::from_secs(4_000))] {
        let text = plain(&text::situation(&situation, silent));
        let widths: Vec<_> = text.lines().map(|l| l.chars().count()).collect();
        assert!(widths.len() <= LINES && widths.iter().all(|w| *w <= COLUMNS), "{widths:?}\n{text}");
        assert_eq!(widths.len(), LINES, "the lines that are left go to the worst\n{text}");
        let starts: Vec<&str> = text.lines().filter_map(|l| l.get(..10)).filter(|l| !l.starts_with(' ')).collect();
        let order = ["STRIKE", "HOLES NOW", "WHO HAS IT", "TREND", "NOT KNOWN", "WORST", "NEXT", "POSTPONED"];
        let found: Vec<_> = order.iter().map(|o| starts.iter().position(|s| s.trim() == *o)).collect();
        assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{text}");
    }
}

#[test]
fn a_quiet_hospital_says_so_and_what_is_unknown_is_not_called_none() {
    let block = pb::SituationBlock {
        ward_count: 3,
        organisation_count: 1,
        holes: Some(pb::SituationHoles::default()),
        unknown: Some(pb::SituationUnknown::default()),
        activity: Some(pb::SituationActivity { total: Some(pb::SituationCounts::default()), ..Default::default() }),
        ..Default::default()
    };
    let situation = pb::Situation {
        server_time: at("2016-04-20T09:52:00Z"),
        total: Some(block),
        activity_start_day: "2016-04-06".into(),
        activity_end_day: "2016-05-04".into(),
        ..Default::default()
    };
    let text = plain(&text::situation(&situation, None));
    for line in [
        "STRIKE     none is on, none is announced",
        "TREND      how it was an hour ago is not known",
        "NOT KNOWN  nothing: 3 wards and 0 cover groups are current",
        "WORST      no alert is open",
        "NEXT       no gap is forecast",
        "POSTPONED  nothing reported for 2016-04-06 to 2016-05-04",
        "NURSES     on no ward can the ratio be evaluated now",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
}

#[test]
fn a_view_that_is_not_live_says_so_first_with_its_age() {
    let text = plain(&text::situation(&april(), Some(Duration::from_secs(135))));
    assert_eq!(text.lines().next(), Some("NOT LIVE   nothing heard for 2 min; this is of 10:52:00"));
    assert!(!text.contains("SITUATION"));
}

#[test]
fn critical_alerts_have_a_colour_that_no_file_gets() {
    let coloured = text::situation(&april(), None);
    assert_ne!(plain(&coloured), coloured);
    let worst = coloured.lines().find(|l| l.starts_with("WORST")).unwrap();
    assert!(worst.starts_with("WORST      \u{1b}["), "the label has none: {worst:?}");
}

#[test]
fn figures_are_written_as_people_write_them() {
    assert_eq!([0, 999, 1_000, 125_567, -4_187].map(thousands), ["0", "999", "1,000", "125,567", "-4,187"]);
    let lengths = [-3, 59, 60, 3_599, 3_600, 22_080, 90_000].map(length);
    assert_eq!(lengths, ["0 s", "59 s", "1 min", "59 min", "1 h 00 min", "6 h 08 min", "1 d 1 h"]);
}
