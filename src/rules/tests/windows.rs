//! The strikes that were, and the nights on which clocks change (domain.md sections 6 and 7).

use std::sync::Arc;

use crate::domain::{
    Attribution, CallOffReason, CivilTime, ElectivePolicy, Instants, Scope, ShiftName, Shifts, Span, StaffGroup,
    Strike, StrikeId, StrikeMode, Time, Window, Zone,
};
use crate::rules::windows::{Struck, in_force, next_edge, next_return, shifts_struck, struck, tail};

/// 09:00 and 20:00.
const RETURNS: [u16; 2] = [9 * 60, 20 * 60];

pub fn at(s: &str) -> Time {
    s.parse().unwrap()
}

fn local(s: &str) -> Time {
    match s.parse::<CivilTime>().unwrap().instants(&Zone::london()) {
        Instants::Once(time) => time,
        other => panic!("{s} is {other:?}"),
    }
}

/// A strike of resident doctors, full withdrawal, with these windows in London's time.
pub fn strike(id: &str, windows: &[(&str, &str)]) -> Strike {
    let window = |(n, (start, end)): (usize, &(&str, &str))| Window {
        id: u32::try_from(n).unwrap() + 1,
        start_local: start.parse().unwrap(),
        end_local: end.parse().unwrap(),
        start: local(start),
        end: local(end),
        called_off: None,
    };
    Strike {
        id: StrikeId::from_id(id).unwrap(),
        union: "BMA".parse().unwrap(),
        staff_group: StaffGroup::ResidentDoctors,
        mode: StrikeMode::FullWithdrawal,
        elective: ElectivePolicy::EmergencyOnly,
        scope: Scope::England,
        zone: Zone::london(),
        attribution: Attribution::Clock,
        windows: windows.iter().enumerate().map(window).collect(),
        derogations: Vec::new(),
        version: 1,
        changed_by: None,
        changed: Time::default(),
    }
}

fn by_shift_start(id: &str, windows: &[(&str, &str)]) -> Strike {
    Strike { attribution: Attribution::ShiftStart, ..strike(id, windows) }
}

fn of_doctors(strikes: impl IntoIterator<Item = Strike>) -> Vec<Struck> {
    let strikes: Vec<_> = strikes.into_iter().map(Arc::new).collect();
    struck(&strikes, true, &Shifts::default(), &Zone::london())
}

fn spans(struck: &[Struck]) -> Vec<(String, String)> {
    struck.iter().map(|s| (s.start.to_string(), s.end.to_string())).collect()
}

fn span(start: &str, end: &str) -> (String, String) {
    (start.to_owned(), end.to_owned())
}

fn hours(struck: &Struck) -> i64 {
    (struck.end - struck.start).as_micros() / Span::hours(1).as_micros()
}

#[test]
fn january_2016_is_one_day_and_night_with_emergency_care() {
    let january = Strike {
        mode: StrikeMode::EmergencyCareOnly,
        ..strike("bma-2016-01-12", &[("2016-01-12T08:00", "2016-01-13T08:00")])
    };
    let struck = of_doctors([january]);
    assert_eq!(spans(&struck), [span("2016-01-12T08:00:00Z", "2016-01-13T08:00:00Z")]);
    assert_eq!((hours(&struck[0]), struck[0].mode), (24, StrikeMode::EmergencyCareOnly));
}

#[test]
fn april_2016_is_two_days_and_not_the_night_between() {
    let april =
        strike("bma-2016-04-26", &[("2016-04-26T08:00", "2016-04-26T17:00"), ("2016-04-27T08:00", "2016-04-27T17:00")]);
    let struck = of_doctors([april]);
    let days =
        [span("2016-04-26T07:00:00Z", "2016-04-26T16:00:00Z"), span("2016-04-27T07:00:00Z", "2016-04-27T16:00:00Z")];
    assert_eq!(spans(&struck), days);
    let windows = |t: &str| in_force(&struck, at(t)).map(|s| s.window.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(windows("2016-04-26T06:59:59.999999Z"), "");
    assert_eq!(windows("2016-04-26T07:00:00Z"), "1", "it opens with its first instant");
    assert_eq!(windows("2016-04-26T15:59:59.999999Z"), "1");
    assert_eq!(windows("2016-04-26T16:00:00Z"), "", "and is over at its end");
    assert_eq!(windows("2016-04-26T23:00:00Z"), "", "the night is in neither");
    assert_eq!(windows("2016-04-27T12:00:00Z"), "2");
    assert_eq!(next_edge(&struck, at("2016-04-26T07:00:00Z")), Some(at("2016-04-26T16:00:00Z")));
    assert_eq!(next_edge(&struck, at("2016-04-27T16:00:00Z")), None);
}

#[test]
fn april_2023_is_four_days_that_end_a_minute_before_seven() {
    let struck = of_doctors([strike("bma-2023-04-11", &[("2023-04-11T07:00", "2023-04-15T06:59")])]);
    assert_eq!(spans(&struck), [span("2023-04-11T06:00:00Z", "2023-04-15T05:59:00Z")]);
    assert_eq!(in_force(&struck, at("2023-04-15T05:59:00Z")).count(), 0);
}

#[test]
fn the_court_cut_the_nurses_second_night_in_may_2023() {
    let nurses =
        |end| Strike { staff_group: StaffGroup::Nurses, ..strike("rcn-2023-04-30", &[("2023-04-30T20:00", end)]) };
    let of_nurses = |s: Strike| struck(&[Arc::new(s)], false, &Shifts::default(), &Zone::london());
    let announced = of_nurses(nurses("2023-05-02T20:00"));
    assert_eq!(spans(&announced), [span("2023-04-30T19:00:00Z", "2023-05-02T19:00:00Z")]);
    let shortened = of_nurses(nurses("2023-05-01T23:59"));
    assert_eq!(spans(&shortened), [span("2023-04-30T19:00:00Z", "2023-05-01T22:59:00Z")]);
    assert_eq!(in_force(&shortened, at("2023-05-02T08:00:00Z")).count(), 0);
    assert!(of_doctors([nurses("2023-05-01T23:59")]).is_empty(), "no doctor is called out");
}

#[test]
fn february_2024_has_two_unions_that_end_at_different_times() {
    let bma = strike("bma-2024-02-24", &[("2024-02-24T07:00", "2024-02-28T23:59")]);
    let hcsa = strike("hcsa-2024-02-24", &[("2024-02-24T07:00", "2024-02-29T07:00")]);
    let struck = of_doctors([hcsa, bma]);
    let unions = |t: &str| in_force(&struck, at(t)).map(|s| s.strike.id().to_owned()).collect::<Vec<_>>();
    assert_eq!(unions("2024-02-28T23:58:59Z"), ["bma-2024-02-24", "hcsa-2024-02-24"], "the same start: by id");
    assert_eq!(unions("2024-02-28T23:59:00Z"), ["hcsa-2024-02-24"]);
    assert_eq!(unions("2024-02-29T06:59:59Z"), ["hcsa-2024-02-24"]);
    assert!(unions("2024-02-29T07:00:00Z").is_empty());
}

#[test]
fn july_2025_keeps_planned_work_up() {
    let july = Strike {
        elective: ElectivePolicy::Maintain,
        ..strike("bma-2025-07-25", &[("2025-07-25T07:00", "2025-07-30T07:00")])
    };
    let struck = of_doctors([july]);
    assert_eq!(spans(&struck), [span("2025-07-25T06:00:00Z", "2025-07-30T06:00:00Z")]);
    assert_eq!((hours(&struck[0]), struck[0].elective), (120, ElectivePolicy::Maintain));
}

#[test]
fn by_shift_start_the_gap_can_outlast_the_window() {
    // 08:00-17:00 by shift start: the day shift begun at 07:30 is finished, no other begins inside.
    let day = by_shift_start("a", &[("2016-04-26T08:00", "2016-04-26T17:00")]);
    assert!(of_doctors([day]).is_empty());
    // 07:00-23:59: the day shift and the night shift begin inside, and the night is struck to its end.
    let bma = by_shift_start("b", &[("2024-02-28T07:00", "2024-02-28T23:59")]);
    let window = bma.windows[0].clone();
    let shifts = shifts_struck(&bma, &window, &Shifts::default(), &Zone::london());
    assert_eq!(shifts.iter().map(|s| s.2).collect::<Vec<_>>(), [ShiftName::Day, ShiftName::Night]);
    let struck = of_doctors([bma]);
    assert_eq!(spans(&struck), [span("2024-02-28T07:30:00Z", "2024-02-29T07:30:00Z")]);
    assert_eq!(struck[0].opened, at("2024-02-28T07:00:00Z"));
    assert_eq!(tail(&struck, &struck[0].strike, &window), Span::minutes(7 * 60 + 31));
    assert_eq!(in_force(&struck, at("2024-02-28T07:10:00Z")).count(), 0, "whoever is on shift finishes it");
    assert_eq!(in_force(&struck, at("2024-02-29T07:00:00Z")).count(), 1);
}

#[test]
fn a_shift_that_begins_as_the_window_closes_is_not_struck() {
    let until_eight = by_shift_start("a", &[("2016-04-26T07:30", "2016-04-26T20:00")]);
    assert_eq!(spans(&of_doctors([until_eight])), [span("2016-04-26T06:30:00Z", "2016-04-26T19:00:00Z")]);
}

#[test]
fn by_the_clock_nothing_outlasts_the_window_and_its_shifts_are_cut_at_its_edges() {
    let clock = strike("a", &[("2016-04-26T08:00", "2016-04-26T23:00")]);
    let parts = shifts_struck(&clock, &clock.windows[0], &Shifts::default(), &Zone::london());
    let expected = [
        (at("2016-04-26T07:00:00Z"), at("2016-04-26T19:00:00Z"), ShiftName::Day),
        (at("2016-04-26T19:00:00Z"), at("2016-04-26T22:00:00Z"), ShiftName::Night),
    ];
    assert_eq!(parts, expected);
    let window = clock.windows[0].clone();
    assert_eq!(tail(&of_doctors([clock.clone()]), &clock.id, &window), Span::ZERO);
}

#[test]
fn a_window_called_off_strikes_nothing_and_the_other_stands() {
    let mut april = strike("a", &[("2016-04-26T08:00", "2016-04-26T17:00"), ("2016-04-27T08:00", "2016-04-27T17:00")]);
    april.windows[0].called_off = Some(CallOffReason::Suspended);
    assert_eq!(spans(&of_doctors([april])), [span("2016-04-27T07:00:00Z", "2016-04-27T16:00:00Z")]);
}

#[test]
fn returns_are_due_when_a_window_opens_and_at_nine_and_twenty_inside() {
    let struck = of_doctors([strike("a", &[("2023-04-11T07:00", "2023-04-12T20:00")])]);
    let after = |time| next_return(&struck, time, &RETURNS, &Zone::london());
    let points = std::iter::successors(after(Time::default()), |time| after(*time));
    let points: Vec<_> = points.map(|time| time.to_string()).collect();
    // 07:00, 09:00, 20:00 and 09:00 local; 20:00 on the 12th is the end, not inside.
    let expected = ["2023-04-11T06:00:00Z", "2023-04-11T08:00:00Z", "2023-04-11T19:00:00Z", "2023-04-12T08:00:00Z"];
    assert_eq!(points, expected);
    let next = |t: &str| after(at(t)).map(|t| t.to_string());
    assert_eq!(next("2023-04-01T00:00:00Z").as_deref(), Some(expected[0]));
    assert_eq!(next(expected[0]).as_deref(), Some(expected[1]), "strictly after");
    assert_eq!(next("2023-04-11T18:59:59Z").as_deref(), Some(expected[2]));
    assert_eq!(next(expected[3]), None);
}

/// The four clock changes of domain.md section 7: date of the evening, instants of the night shift, its half hours.
const NIGHTS: [(&str, &str, &str, i64); 4] = [
    ("2016-03-26", "2016-03-26T20:00:00Z", "2016-03-27T06:30:00Z", 21),
    ("2016-10-29", "2016-10-29T19:00:00Z", "2016-10-30T07:30:00Z", 25),
    ("2026-03-28", "2026-03-28T20:00:00Z", "2026-03-29T06:30:00Z", 21),
    ("2026-10-24", "2026-10-24T19:00:00Z", "2026-10-25T07:30:00Z", 25),
];

#[test]
fn the_night_shift_is_an_hour_shorter_or_longer_when_clocks_change() {
    for (date, start, end, half_hours) in NIGHTS {
        let window = (format!("{date}T19:00"), format!("{date}T21:00"));
        let night = by_shift_start("a", &[(&window.0, &window.1)]);
        let struck = of_doctors([night]);
        assert_eq!(spans(&struck), [span(start, end)], "{date}");
        assert_eq!(struck[0].end - struck[0].start, Span::minutes(30 * half_hours), "{date}");
    }
}

#[test]
fn a_night_of_civil_times_is_eleven_and_a_half_or_thirteen_and_a_half_hours() {
    for (evening, morning, half_hours) in [
        ("2026-03-28T19:30", "2026-03-29T08:00", 23),
        ("2026-10-24T19:30", "2026-10-25T08:00", 27),
        ("2016-03-26T19:30", "2016-03-27T08:00", 23),
        ("2016-10-29T19:30", "2016-10-30T08:00", 27),
        ("2016-04-26T19:30", "2016-04-27T08:00", 25),
    ] {
        let struck = of_doctors([strike("a", &[(evening, morning)])]);
        assert_eq!(struck[0].end - struck[0].start, Span::minutes(30 * half_hours), "{evening}");
    }
}

#[test]
fn every_instant_of_a_night_on_which_clocks_change_is_night() {
    let (shifts, zone) = (Shifts::default(), Zone::london());
    for (date, start, end, _) in NIGHTS {
        let (start, end) = (at(start), at(end));
        let mut now = start;
        while now < end {
            assert_eq!(shifts.at(now, &zone), ShiftName::Night, "{date} {now}");
            now = now + Span::minutes(15);
        }
        assert_eq!(
            (shifts.at(end, &zone), shifts.at(start - Span::micros(1), &zone)),
            (ShiftName::Day, ShiftName::Day)
        );
        let parts = shifts.parts(start - Span::hours(1), end + Span::hours(1), &zone);
        assert_eq!(parts.iter().map(|p| p.2).collect::<Vec<_>>(), [ShiftName::Day, ShiftName::Night, ShiftName::Day]);
    }
}

#[test]
fn shifts_of_a_groups_own_strike_their_own_hours() {
    use crate::domain::Shift;
    let own = Shifts::new(vec![
        Shift { name: ShiftName::Night, start: 21 * 60, end: 9 * 60 },
        Shift { name: ShiftName::Day, start: 8 * 60, end: 21 * 60 + 30 },
    ])
    .unwrap();
    let strike = by_shift_start("a", &[("2016-04-26T08:00", "2016-04-26T22:00")]);
    let struck = struck(&[Arc::new(strike)], true, &own, &Zone::london());
    // The day shift hands over for half an hour: one interval, to the end of the night.
    assert_eq!(spans(&struck), [span("2016-04-26T07:00:00Z", "2016-04-27T08:00:00Z")]);
    assert!(Shifts::new(vec![]).is_err());
    let twice = vec![
        Shift { name: ShiftName::Day, start: 480, end: 500 },
        Shift { name: ShiftName::Night, start: 480, end: 0 },
    ];
    assert_eq!(Shifts::new(twice).unwrap_err().to_string(), "two shifts begin at 08:00");
    assert!(Shifts::new(vec![Shift { name: ShiftName::Day, start: 1_440, end: 0 }]).is_err());
}
