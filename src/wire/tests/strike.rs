//! What a strike may say, and what is refused by field.

use prost::Message as _;

use crate::domain::{DerogationState, Scope, Strike, StrikeId, Tier, Time};
use crate::wire::{
    Violations, Warnings, decode_strike, derogation_from, encode_strike, pb, strike_etag, strike_from, strike_to,
};

/// Windows in London's time.
fn windows(of: &[(&str, &str)]) -> Vec<pb::StrikeWindow> {
    let window = |(start, end): &(&str, &str)| pb::StrikeWindow {
        start_local: (*start).to_owned(),
        end_local: (*end).to_owned(),
        ..Default::default()
    };
    of.iter().map(window).collect()
}

/// The strike of April 2016.
fn april() -> pb::Strike {
    pb::Strike {
        union: "BMA".into(),
        staff_group: pb::StaffGroup::ResidentDoctors.into(),
        mode: pb::StrikeMode::FullWithdrawal.into(),
        elective_policy: pb::ElectivePolicy::EmergencyOnly.into(),
        scope: Some(pb::StrikeScope { nation: "ENGLAND".into(), ..Default::default() }),
        windows: windows(&[("2016-04-26T08:00", "2016-04-26T17:00"), ("2016-04-27T08:00", "2016-04-27T17:00")]),
        ..Default::default()
    }
}

/// What reading ended with: the strike, what is wrong, what was taken.
struct Read {
    strike: Option<Strike>,
    wrong: Vec<(String, String)>,
    warnings: Vec<(String, String)>,
}

fn read_over(message: pb::Strike, before: Option<&Strike>) -> Read {
    let (mut v, mut warnings) = (Violations::at("strike."), Warnings::at("strike."));
    let strike = strike_from(&mut v, &mut warnings, message, before.map(|b| b.id.clone()), before);
    let warnings = warnings.into_messages().into_iter().map(|w| (w.field, w.description)).collect();
    Read { strike, wrong: v.into_fields(), warnings }
}

fn read(message: pb::Strike) -> Read {
    read_over(message, None)
}

fn good(message: pb::Strike) -> Strike {
    let read = read(message);
    assert!(read.wrong.is_empty() && read.warnings.is_empty(), "{:?} {:?}", read.wrong, read.warnings);
    read.strike.unwrap()
}

/// The only thing wrong.
fn wrong(message: pb::Strike) -> (String, String) {
    let mut read = read(message);
    assert_eq!(read.wrong.len(), 1, "{:?}", read.wrong);
    read.wrong.remove(0)
}

#[test]
fn a_strike_is_read_with_its_defaults_and_named_by_union_and_first_day() {
    let strike = good(april());
    assert_eq!(strike.id.to_string(), "strikes/bma-2016-04-26");
    assert_eq!((strike.zone.name(), &strike.scope), ("Europe/London", &Scope::England));
    let ids: Vec<_> = strike.windows.iter().map(|w| (w.id, w.start.to_string(), w.end.to_string())).collect();
    let utc = |id, day| (id, format!("2016-04-{day}T07:00:00Z"), format!("2016-04-{day}T16:00:00Z"));
    assert_eq!(ids, [utc(1, 26), utc(2, 27)]);
}

#[test]
fn a_strike_comes_back_from_the_store_as_it_was() {
    let mut strike = good(pb::Strike {
        scope: Some(pb::StrikeScope { regions: vec!["Y56".into(), "Y58".into()], ..Default::default() }),
        attribution: pb::Attribution::ShiftStart.into(),
        ..april()
    });
    let derogation = pb::Derogation {
        cover_group: "organisations/RJ1/coverGroups/GENMED".into(),
        tier: 2,
        number: Some(1),
        state: pb::DerogationState::Granted.into(),
        effective_time: None,
    };
    let mut v = Violations::default();
    strike.derogations.extend(derogation_from(&mut v, derogation, Time::from_micros(1_461_660_000_000_000)));
    strike.windows[0].called_off = Some(crate::domain::CallOffReason::CourtOrder);
    (strike.version, strike.changed) = (3, Time::from_micros(1_461_600_000_000_001));
    strike.changed_by = Some(crate::domain::CallOffReason::CourtOrder);
    assert_eq!(decode_strike(&encode_strike(&strike)).unwrap(), strike);
    let later = Strike { changed: Time::from_micros(1_461_600_000_000_002), ..strike.clone() };
    assert_ne!(strike_etag(&strike), strike_etag(&later), "a version made again after a restore is another one");
    assert!(decode_strike(&pb::Strike { version: 1, ..april() }.encode_to_vec().into()).is_err());
    assert_eq!(strike_to(&strike).windows[0].state(), pb::WindowState::CalledOff);
}

#[test]
fn everything_wrong_is_named_at_once() {
    let fields = |message| read(message).wrong.into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    let empty = ["strike.union", "strike.staff_group", "strike.mode", "strike.elective_policy", "strike.scope"];
    assert_eq!(fields(pb::Strike::default()), [&empty[..], &["strike.windows"]].concat());
    let several = pb::Strike {
        union: "British Medical Association".into(),
        mode: 77,
        attribution: 9,
        windows: windows(&[("2016-04-26", "2016-04-26T17:00Z")]),
        ..april()
    };
    let named = [
        "strike.union",
        "strike.mode",
        "strike.attribution",
        "strike.windows[0].start_local",
        "strike.windows[0].end_local",
    ];
    assert_eq!(fields(several), named);
}

#[test]
fn a_window_that_ends_no_later_than_it_starts_is_refused() {
    for end in ["2016-04-26T08:00", "2016-04-26T07:59"] {
        let (field, what) = wrong(pb::Strike { windows: windows(&[("2016-04-26T08:00", end)]), ..april() });
        assert_eq!(field, "strike.windows[0].end_local");
        assert!(what.starts_with(&format!("{end} is not after the start, 2016-04-26T08:00")), "{what}");
    }
    let (field, what) = wrong(pb::Strike { windows: windows(&[("2016-04-26T08:00", "2017-04-28T08:00")]), ..april() });
    assert_eq!((field.as_str(), what.contains("more than 366 days")), ("strike.windows[0].end_local", true), "{what}");
}

#[test]
fn a_time_that_clocks_leave_out_is_refused_with_the_jump() {
    let (field, what) = wrong(pb::Strike { windows: windows(&[("2016-03-27T01:30", "2016-03-27T08:00")]), ..april() });
    assert_eq!(field, "strike.windows[0].start_local");
    let text = "2016-03-27T01:30 does not exist in Europe/London: the clocks jump to 2016-03-27T02:00 at \
                2016-03-27T01:00:00Z; write a time before the jump or after it";
    assert_eq!(what, text);
    let (field, _) = wrong(pb::Strike { windows: windows(&[("2016-03-26T20:00", "2016-03-27T01:30")]), ..april() });
    assert_eq!(field, "strike.windows[0].end_local");
}

#[test]
fn a_time_that_clocks_show_twice_makes_the_window_the_widest_and_is_said() {
    let read = read(pb::Strike { windows: windows(&[("2016-10-30T01:30", "2016-10-30T01:45")]), ..april() });
    assert!(read.wrong.is_empty(), "{:?}", read.wrong);
    let window = &read.strike.unwrap().windows[0];
    assert_eq!(
        (window.start.to_string(), window.end.to_string()),
        ("2016-10-30T00:30:00Z".into(), "2016-10-30T01:45:00Z".into())
    );
    let [(opens, first), (closes, second)] = &read.warnings[..] else { panic!("{:?}", read.warnings) };
    assert_eq!((opens.as_str(), closes.as_str()), ("strike.windows[0].start_local", "strike.windows[0].end_local"));
    let text = "2016-10-30T01:30 comes twice in Europe/London, at 2016-10-30T00:30:00Z and 2016-10-30T01:30:00Z: the first was taken";
    assert_eq!(first, text);
    assert!(second.ends_with("the second was taken"), "{second}");
}

#[test]
fn an_unknown_zone_is_refused_and_another_one_is_obeyed() {
    let (field, what) = wrong(pb::Strike { time_zone: "Europe/Londinium".into(), ..april() });
    assert_eq!(field, "strike.time_zone");
    assert_eq!(what, "'Europe/Londinium' is not an IANA time zone; for example Europe/London");
    let both = pb::Strike {
        time_zone: "Europe/Londinium".into(),
        windows: windows(&[("2016-04-26T17:00", "2016-04-26T08:00")]),
        ..april()
    };
    let fields: Vec<_> = read(both).wrong.into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["strike.time_zone", "strike.windows[0].end_local"], "both are said at once");
    let berlin = good(pb::Strike { time_zone: "Europe/Berlin".into(), ..april() });
    assert_eq!(berlin.windows[0].start.to_string(), "2016-04-26T06:00:00Z");
}

#[test]
fn windows_of_one_strike_may_touch_but_not_overlap() {
    let touching = windows(&[("2016-04-26T17:00", "2016-04-26T20:00"), ("2016-04-26T08:00", "2016-04-26T17:00")]);
    let strike = good(pb::Strike { windows: touching, ..april() });
    assert_eq!(strike.windows.iter().map(|w| w.id).collect::<Vec<_>>(), [2, 1], "by start; numbers as they were given");
    let overlapping = windows(&[("2016-04-26T16:59", "2016-04-26T20:00"), ("2016-04-26T08:00", "2016-04-26T17:00")]);
    let (field, what) = wrong(pb::Strike { windows: overlapping.clone(), ..april() });
    assert_eq!(field, "strike.windows[0].start_local");
    assert!(what.starts_with("overlaps windows[1], 2016-04-26T08:00 to 2016-04-26T17:00"), "{what}");
    let mut one_off = overlapping;
    one_off[1].state = pb::WindowState::CalledOff.into();
    let (field, _) = wrong(pb::Strike { windows: one_off.clone(), ..april() });
    assert_eq!(field, "strike.windows[1].call_off_reason", "called off without a reason");
    one_off[1].call_off_reason = pb::CallOffReason::Withdrawn.into();
    good(pb::Strike { windows: one_off, ..april() });
}

#[test]
fn a_scope_is_said_in_exactly_one_way() {
    let scoped = |organisations: &[&str], regions: &[&str], nation: &str| {
        let text = |of: &[&str]| of.iter().map(ToString::to_string).collect();
        let scope =
            pb::StrikeScope { organisations: text(organisations), regions: text(regions), nation: nation.into() };
        pb::Strike { scope: Some(scope), ..april() }
    };
    assert_eq!(
        good(scoped(&["organisations/RJ1"], &[], "")).scope,
        Scope::Organisations(["RJ1".parse().unwrap()].into())
    );
    for (message, field) in [
        (scoped(&[], &[], ""), "strike.scope"),
        (scoped(&["organisations/RJ1"], &["Y56"], ""), "strike.scope"),
        (scoped(&[], &["Y56"], "ENGLAND"), "strike.scope"),
        (scoped(&["organisations/RJ1", "RJ2"], &[], ""), "strike.scope.organisations[1]"),
        (scoped(&["organisations/RJ1/wards/A1"], &[], ""), "strike.scope.organisations[0]"),
        (scoped(&[], &["y56"], ""), "strike.scope.regions[0]"),
        (scoped(&[], &[], "WALES"), "strike.scope.nation"),
    ] {
        assert_eq!(wrong(message).0, field);
    }
}

#[test]
fn a_window_keeps_its_number_when_it_is_shortened_and_a_new_one_gets_the_next() {
    let before = good(april());
    let shorter = windows(&[("2016-04-28T08:00", "2016-04-28T17:00"), ("2016-04-27T08:00", "2016-04-27T12:00")]);
    let read = read_over(pb::Strike { windows: shorter, ..april() }, Some(&before));
    let ids: Vec<_> = read.strike.unwrap().windows.iter().map(|w| (w.id, w.end_local.to_string())).collect();
    assert_eq!(ids, [(2, "2016-04-27T12:00".into()), (3, "2016-04-28T17:00".into())]);
    let mut numbered = windows(&[("2016-04-26T08:00", "2016-04-26T12:00"), ("2016-04-27T09:00", "2016-04-27T12:00")]);
    (numbered[0].id, numbered[1].id) = (7, 7);
    let read = read_over(pb::Strike { windows: numbered, ..april() }, Some(&before));
    assert_eq!(
        read.wrong.iter().map(|(f, _)| f.as_str()).collect::<Vec<_>>(),
        ["strike.windows[0].id", "strike.windows[1].id"]
    );
}

#[test]
fn a_window_that_was_called_off_and_is_put_back_is_said() {
    let mut before = good(april());
    before.windows[0].called_off = Some(crate::domain::CallOffReason::Suspended);
    let read = read_over(april(), Some(&before));
    assert_eq!(
        read.warnings,
        [("strike.windows[0].state".to_owned(), "it was called off, and takes place again".to_owned())]
    );
    let same = read_over(strike_to(&before), Some(&before));
    assert!(same.warnings.is_empty() && same.wrong.is_empty());
    assert_eq!(same.strike.unwrap().windows, before.windows, "what was read and is sent back changes nothing");
}

#[test]
fn a_derogation_names_group_tier_number_and_state() {
    let now: Time = "2016-04-26T09:00:00Z".parse().unwrap();
    let granted = pb::Derogation {
        cover_group: "organisations/RJ1/coverGroups/GENMED".into(),
        tier: 1,
        number: Some(2),
        state: pb::DerogationState::Granted.into(),
        effective_time: None,
    };
    let read = |message: pb::Derogation| {
        let mut v = Violations::at("derogation.");
        let derogation = derogation_from(&mut v, message, now);
        (derogation, v.into_fields().into_iter().map(|(f, _)| f).collect::<Vec<_>>())
    };
    let (derogation, wrong) = read(granted.clone());
    let derogation = derogation.unwrap();
    assert_eq!((derogation.effective, derogation.number, wrong), (now, 2, vec![]));
    for (message, field) in [
        (
            pb::Derogation { cover_group: "organisations/RJ1/wards/A1".into(), ..granted.clone() },
            "derogation.cover_group",
        ),
        (pb::Derogation { cover_group: "GENMED".into(), ..granted.clone() }, "derogation.cover_group"),
        (pb::Derogation { tier: 4, ..granted.clone() }, "derogation.tier"),
        (pb::Derogation { tier: 0, ..granted.clone() }, "derogation.tier"),
        (pb::Derogation { number: None, ..granted.clone() }, "derogation.number"),
        (pb::Derogation { number: Some(0), ..granted.clone() }, "derogation.number"),
        (pb::Derogation { number: Some(-1), ..granted.clone() }, "derogation.number"),
        (pb::Derogation { state: 0, ..granted.clone() }, "derogation.state"),
    ] {
        assert_eq!(read(message).1, [field]);
    }
    let refused = pb::Derogation { number: None, state: pb::DerogationState::Refused.into(), ..granted };
    assert_eq!(read(refused).1, Vec::<String>::new());
}

#[test]
fn what_is_granted_holds_until_it_is_withdrawn_whatever_else_is_asked() {
    let group: crate::domain::SubjectName = "organisations/RJ1/coverGroups/GENMED".parse().unwrap();
    let at = |minutes: i64| Time::from_micros(minutes * 60_000_000);
    let mut strike = good(april());
    let mut record = |minutes, number, state| {
        strike.derogations.push(crate::domain::Derogation {
            group: group.clone(),
            tier: Tier::Two,
            effective: at(minutes),
            number,
            state,
        });
    };
    record(10, 1, DerogationState::Requested);
    record(20, 1, DerogationState::Granted);
    record(30, 2, DerogationState::Requested);
    record(40, 2, DerogationState::Refused);
    record(50, 1, DerogationState::Withdrawn);
    let granted = |minutes| strike.granted(&group, Tier::Two, at(minutes));
    assert_eq!([15, 20, 35, 45, 50].map(granted), [None, Some(1), Some(1), Some(1), None]);
    assert_eq!(strike.granted(&group, Tier::One, at(20)), None);
}

#[test]
fn an_id_is_forty_small_letters_at_most() {
    assert!(StrikeId::from_id(&"a".repeat(40)).is_ok() && StrikeId::from_id(&"a".repeat(41)).is_err());
    for bad in ["", "BMA", "a_b", "a b", "strikes/a"] {
        assert!(StrikeId::from_id(bad).is_err(), "{bad}");
    }
    for bad in ["a", "strikes/", "strikes/A", "strikes/a/b", ""] {
        assert!(bad.parse::<StrikeId>().is_err(), "{bad}");
    }
}
