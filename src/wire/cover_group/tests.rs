use super::*;

fn minimum(tier: i32, period: pb::CoverPeriod, doctors: i32) -> pb::CoverMinimum {
    pb::CoverMinimum { tier, period: period.into(), doctors: Some(doctors) }
}

fn shift(name: pb::ShiftName, start: &str, end: &str) -> pb::LocalShift {
    pb::LocalShift { name: name.into(), start: start.into(), end: end.into() }
}

fn medicine() -> pb::CoverGroup {
    pb::CoverGroup {
        name: "organisations/RJ1/coverGroups/GENMED".into(),
        display_name: "General medicine".into(),
        site: "RJ121".into(),
        specialty: "300 GENERAL MEDICINE".into(),
        wards: vec!["organisations/RJ1/wards/A7".into(), "organisations/RJ1/wards/AMU1".into()],
        minima: vec![minimum(1, pb::CoverPeriod::Day, 4), minimum(1, pb::CoverPeriod::Night, 2)],
        tier3_on_call_counts: true,
        baselines: vec![pb::CoverBaseline { mode: pb::StrikeMode::NightDutyCover.into(), doctors: Some(3) }],
        shifts: vec![shift(pb::ShiftName::Day, "08:00", "20:30"), shift(pb::ShiftName::Night, "20:30", "08:00")],
        state: pb::WardState::Open.into(),
        implicit: false,
    }
}

fn wrong(message: pb::CoverGroup) -> Vec<(String, String)> {
    let mut v = Violations::default();
    cover_group_from(&mut v, message);
    v.into_fields()
}

#[test]
fn a_group_comes_back_as_it_went_in() {
    let mut v = Violations::default();
    let group = cover_group_from(&mut v, medicine()).unwrap();
    assert_eq!((v.is_empty(), cover_group_to(&group)), (true, medicine()));
    assert_eq!(decode_cover_group(&encode_cover_group(&group)).unwrap(), group);
    let all = CoverGroup::implicit_all("RJ1".parse().unwrap());
    assert_eq!(decode_cover_group(&encode_cover_group(&all)).unwrap(), all);
}

#[test]
fn nobody_can_say_that_nobody_registered_a_group() {
    let mut v = Violations::default();
    let all = pb::CoverGroup {
        name: "organisations/RJ1/coverGroups/ALL".into(),
        implicit: true,
        ..pb::CoverGroup::default()
    };
    let group = cover_group_from(&mut v, all).unwrap();
    assert!(v.is_empty() && !group.implicit && group.covers_all());
}

#[test]
fn every_contradiction_is_named_by_its_path() {
    use pb::CoverPeriod::{AllDay, Unspecified};
    let christmas = pb::CoverBaseline { mode: pb::StrikeMode::ChristmasDayCover.into(), doctors: Some(2) };
    let full = pb::CoverBaseline { mode: pb::StrikeMode::FullWithdrawal.into(), ..christmas };
    let found = wrong(pb::CoverGroup {
        name: "organisations/RJ1/wards/A7".into(),
        specialty: "x".repeat(201),
        minima: vec![
            minimum(1, AllDay, 2),
            minimum(1, Unspecified, 3),
            minimum(4, AllDay, 2),
            pb::CoverMinimum { doctors: None, ..minimum(2, AllDay, 0) },
        ],
        baselines: vec![christmas, full, pb::CoverBaseline { doctors: Some(-1), ..christmas }],
        ..medicine()
    });
    let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
    let expected = [
        "name",
        "specialty",
        "minima[1]",
        "minima[2].tier",
        "minima[3].doctors",
        "baselines[1].mode",
        "baselines[2].doctors",
        "baselines[2]",
    ];
    assert_eq!(fields, expected, "{found:?}");
    assert_eq!(found[2].1, "tier 1 has two minima for ALL_DAY: name one");
}

#[test]
fn a_group_covers_wards_of_its_own_organisation() {
    let wards = ["organisations/RXX/wards/A7", "A7", "organisations/RJ1", "organisations/RJ1/wards/A7"];
    let found = wrong(pb::CoverGroup { wards: wards.map(String::from).to_vec(), ..medicine() });
    let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["wards[0]", "wards[1]", "wards[2]"]);
    assert_eq!(found[0].1, "'organisations/RXX/wards/A7' is a ward of RXX: a group covers its own");
}

#[test]
fn shifts_leave_no_gap_and_do_not_overlap() {
    use pb::ShiftName::{Day, Night};
    let shifts = |shifts: &[pb::LocalShift]| wrong(pb::CoverGroup { shifts: shifts.to_vec(), ..medicine() });
    assert!(
        shifts(&[shift(Day, "08:00", "14:00"), shift(Night, "20:00", "08:00"), shift(Day, "14:00", "20:00")])
            .is_empty()
    );
    assert!(shifts(&[shift(Day, "08:00", "08:00")]).is_empty(), "one shift may be the whole day");
    let gap = shifts(&[shift(Day, "08:00", "19:00"), shift(Night, "20:00", "08:00")]);
    let text = "the shift from 08:00 ends at 19:00 and the next begins at 20:00: leave no gap or overlap";
    assert_eq!(gap, [("shifts".to_owned(), text.to_owned())]);
    assert_eq!(shifts(&[shift(Day, "08:00", "20:30"), shift(Night, "20:00", "08:00")]).len(), 1, "an overlap");
    assert_eq!(shifts(&[shift(Day, "08:00", "20:00")]).len(), 1, "half a day has no shift");
    assert_eq!(shifts(&[shift(Day, "08:00", "20:00"), shift(Night, "08:00", "20:00")]).len(), 1);
    let bad = shifts(&[shift(Day, "8:00", "24:00"), pb::LocalShift { name: 0, ..shift(Day, "20:00", "08:00") }]);
    let fields: Vec<_> = bad.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["shifts[0].start", "shifts[0].end", "shifts[1].name"]);
}
