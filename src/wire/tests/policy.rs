use crate::domain::{
    Limit, Policy, PolicyName, PolicyPatch, PolicyVersion, Shift, ShiftName, Shifts, Span, Time, WardKind,
};
use crate::wire::{
    Violations, contradictions, decode_policy, encode_policy, pb, policy_from, policy_in_force_to, policy_to,
};

const RULES: &[&str] = &["ratio.over_limit", "rn.none", "capacity.over", "skill_mix.low", "elective.below_target"];

fn asked() -> pb::Policy {
    pb::Policy { name: "organisations/RJ1/policy".into(), ..pb::Policy::default() }
}

/// Everything wrong with a policy: its own fields, and what they make of the default.
fn wrong(message: pb::Policy) -> Vec<(String, String)> {
    let mut v = Violations::default();
    if let Some(update) = policy_from(&mut v, message, RULES).filter(|_| v.is_empty()) {
        contradictions(&mut v, &Policy::default().with(&update.patch), &update.patch);
    }
    v.into_fields()
}

fn patch(message: pb::Policy) -> PolicyPatch {
    let mut v = Violations::default();
    let update = policy_from(&mut v, message, RULES).unwrap();
    assert!(v.is_empty(), "{:?}", v.into_fields());
    update.patch
}

fn limit(kind: pb::WardKind, day: Option<f64>, night: Option<f64>) -> pb::KindLimit {
    pb::KindLimit { kind: kind.into(), limit_patients_per_rn: day, night_limit_patients_per_rn: night }
}

fn shift(name: pb::ShiftName, start: &str, end: &str) -> pb::LocalShift {
    pb::LocalShift { name: name.into(), start: start.into(), end: end.into() }
}

#[test]
fn a_layer_says_what_it_sets_and_nothing_else() {
    let message = pb::Policy {
        limits: vec![limit(pb::WardKind::AdultInpatient, Some(6.5), Some(9.0))],
        clear_after_minutes: Some(20),
        plan_from_hours: Some(96),
        census_times: vec!["19:30".into(), "07:00".into()],
        shifts: vec![shift(pb::ShiftName::Day, "08:00", "20:30"), shift(pb::ShiftName::Night, "20:30", "08:00")],
        rules: [("capacity.over".to_owned(), true)].into(),
        local_red_flags: [("local.falls_watch".to_owned(), "falls watch missed".to_owned())].into(),
        ..asked()
    };
    let read = patch(message);
    let adult = read.limits[&WardKind::AdultInpatient];
    assert_eq!((adult.day, adult.night), (Some(Limit(650)), Some(Limit(900))));
    assert_eq!(read.clear_after, Some(Span::minutes(20)));
    assert_eq!((read.plan_from, read.plan_critical_from), (Some(Span::hours(96)), None));
    assert_eq!(read.census_times, Some(vec![7 * 60, 19 * 60 + 30]));
    let shifts = vec![
        Shift { name: ShiftName::Day, start: 480, end: 1_230 },
        Shift { name: ShiftName::Night, start: 1_230, end: 480 },
    ];
    assert_eq!(read.shifts, Shifts::new(shifts).ok());
    assert_eq!(patch(asked()), PolicyPatch::default());
}

#[test]
fn every_value_of_the_default_survives_the_wire_and_the_store() {
    let (name, whole) = (PolicyName::Default, PolicyPatch::from(&Policy::default()));
    assert_eq!(patch(policy_to(&name, &whole)), whole);
    let version = PolicyVersion {
        name,
        version: 7,
        effective: Time::from_micros(5),
        recorded: Time::from_micros(3),
        patch: whole,
    };
    assert_eq!(decode_policy(&encode_policy(&version), 7, version.recorded), Ok(version));
}

#[test]
fn a_rule_that_only_a_later_version_knows_does_not_make_a_stored_policy_unreadable() {
    let patch = PolicyPatch { rules: [("sepsis.late".to_owned(), false)].into(), ..PolicyPatch::default() };
    let (effective, recorded) = (Time::default(), Time::default());
    let version = PolicyVersion { name: PolicyName::Default, version: 2, effective, recorded, patch };
    assert_eq!(decode_policy(&encode_policy(&version), 2, recorded), Ok(version));
}

#[test]
fn the_built_in_default_is_in_force_from_the_beginning() {
    let shown = policy_in_force_to(&PolicyName::Default, &Policy::default(), Time::from_micros(i64::MIN));
    assert_eq!((shown.version.as_str(), shown.effective_time), ("policies/default@1", None));
    assert_eq!(shown.clear_after_minutes, Some(30));
}

#[test]
fn each_value_out_of_its_range_is_named() {
    type Change = fn(&mut pb::Policy, i32);
    let cases: [(&str, [i32; 2], Change); 23] = [
        ("severe_percent", [100, 1_001], |p, n| p.severe_percent = Some(n)),
        ("minimum_registered_nurses", [0, 21], |p, n| p.minimum_registered_nurses = Some(n)),
        ("skill_mix_percent", [0, 101], |p, n| p.skill_mix_percent = Some(n)),
        ("children_skill_mix_percent", [-1, 101], |p, n| p.children_skill_mix_percent = Some(n)),
        ("hours_short_minutes", [0, 2_881], |p, n| p.hours_short_minutes = Some(n)),
        ("hours_short_percent", [0, 101], |p, n| p.hours_short_percent = Some(n)),
        ("judgement_holds_hours", [0, 49], |p, n| p.judgement_holds_hours = Some(n)),
        ("clear_after_minutes", [0, 1_441], |p, n| p.clear_after_minutes = Some(n)),
        ("reopen_within_minutes", [i32::MIN, 1_441], |p, n| p.reopen_within_minutes = Some(n)),
        ("update_every_minutes", [0, 61], |p, n| p.update_every_minutes = Some(n)),
        ("census_grace_minutes", [4, 721], |p, n| p.census_grace_minutes = Some(n)),
        ("least_grace_minutes", [4, 721], |p, n| p.least_grace_minutes = Some(n)),
        ("silent_fewest_subjects", [1, 101], |p, n| p.silent_fewest_subjects = Some(n)),
        ("silent_within_minutes", [0, 61], |p, n| p.silent_within_minutes = Some(n)),
        ("acknowledge_critical_minutes", [0, 1_441], |p, n| p.acknowledge_critical_minutes = Some(n)),
        ("acknowledge_other_minutes", [0, 1_441], |p, n| p.acknowledge_other_minutes = Some(n)),
        ("acknowledge_most_minutes", [0, 1_441], |p, n| p.acknowledge_most_minutes = Some(n)),
        ("escalate_first_minutes", [0, 1_441], |p, n| p.escalate_first_minutes = Some(n)),
        ("escalate_second_minutes", [0, i32::MAX], |p, n| p.escalate_second_minutes = Some(n)),
        ("cover_return_grace_minutes", [4, 721], |p, n| p.cover_return_grace_minutes = Some(n)),
        ("plan_from_hours", [0, 337], |p, n| p.plan_from_hours = Some(n)),
        ("plan_critical_from_hours", [0, 337], |p, n| p.plan_critical_from_hours = Some(n)),
        ("elective_target_percent", [0, 101], |p, n| p.elective_target_percent = Some(n)),
    ];
    for (field, values, change) in cases {
        for value in values {
            let mut message = asked();
            change(&mut message, value);
            let found = wrong(message);
            assert_eq!(found.len(), 1, "{field} {value}: {found:?}");
            assert_eq!(found[0].0, field);
            assert!(found[0].1.starts_with(&format!("{value} is not between ")), "{}", found[0].1);
        }
    }
}

#[test]
fn a_limit_outside_a_tenth_to_a_hundred_or_of_no_kind_is_named() {
    let adult = pb::WardKind::AdultInpatient;
    let of = |limits: Vec<pb::KindLimit>| {
        wrong(pb::Policy { limits, ..asked() }).into_iter().map(|(field, _)| field).collect::<Vec<_>>()
    };
    for bad in [0.0, 0.04, 100.1, -8.0, 6.55, f64::NAN, f64::INFINITY] {
        assert_eq!(of(vec![limit(adult, Some(bad), None)]), ["limits[0].limit_patients_per_rn"], "{bad}");
        assert_eq!(of(vec![limit(adult, None, Some(bad))]), ["limits[0].night_limit_patients_per_rn"], "{bad}");
    }
    assert!(of(vec![limit(adult, Some(0.1), Some(100.0))]).is_empty());
    assert_eq!(of(vec![limit(pb::WardKind::Unspecified, Some(8.0), None)]), ["limits[0].kind"]);
    assert_eq!(of(vec![pb::KindLimit { kind: 99, ..limit(adult, Some(8.0), None) }]), ["limits[0].kind"]);
    assert_eq!(of(vec![limit(adult, Some(8.0), None), limit(adult, Some(7.0), None)]), ["limits[1].kind"]);
}

#[test]
fn a_policy_that_contradicts_itself_or_what_it_inherits_names_the_field_it_sets() {
    let cases = [
        (
            pb::Policy { escalate_second_minutes: Some(15), ..asked() },
            "escalate_second_minutes",
            "escalate_first_minutes (15 min) must be less than escalate_second_minutes (15 min)",
        ),
        (
            pb::Policy { escalate_first_minutes: Some(60), ..asked() },
            "escalate_first_minutes",
            "escalate_first_minutes (1 h) must be less than escalate_second_minutes (45 min)",
        ),
        (
            pb::Policy { acknowledge_most_minutes: Some(90), acknowledge_other_minutes: Some(60), ..asked() },
            "acknowledge_most_minutes",
            "acknowledge_critical_minutes (2 h) must not be more than acknowledge_most_minutes (90 min)",
        ),
        (
            pb::Policy { acknowledge_other_minutes: Some(61), acknowledge_most_minutes: Some(60), ..asked() },
            "acknowledge_other_minutes",
            "acknowledge_other_minutes (61 min) must not be more than acknowledge_most_minutes (1 h)",
        ),
        (
            pb::Policy { plan_critical_from_hours: Some(73), ..asked() },
            "plan_critical_from_hours",
            "plan_critical_from_hours (73 h) must not be more than plan_from_hours (72 h)",
        ),
        (
            pb::Policy { plan_from_hours: Some(12), ..asked() },
            "plan_from_hours",
            "plan_critical_from_hours (24 h) must not be more than plan_from_hours (12 h)",
        ),
    ];
    for (message, field, text) in cases {
        let found = wrong(message);
        assert!(found.contains(&(field.to_owned(), text.to_owned())), "{field}: {found:?}");
    }
    assert!(wrong(pb::Policy { plan_critical_from_hours: Some(72), ..asked() }).is_empty());
    assert!(wrong(pb::Policy { acknowledge_most_minutes: Some(720), ..asked() }).is_empty());
}

#[test]
fn times_of_day_are_read_once_each_and_shifts_leave_no_gap() {
    let fields = |message| wrong(message).into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    let times = |times: &[&str]| times.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let census = |list: &[&str]| fields(pb::Policy { census_times: times(list), ..asked() });
    assert_eq!(census(&["07:30", "25:00", "7:30"]), ["census_times[1]", "census_times[2]"]);
    assert_eq!(census(&["07:30", "07:30"]), ["census_times[1]"]);
    let many: Vec<String> = (0..25).map(|n| format!("{:02}:{:02}", n / 2, n % 2)).collect();
    assert_eq!(fields(pb::Policy { cover_return_times: many, ..asked() }), ["cover_return_times"]);
    let shifts = |evening: &str| {
        vec![shift(pb::ShiftName::Day, "07:30", "20:00"), shift(pb::ShiftName::Night, evening, "07:30")]
    };
    assert!(fields(pb::Policy { shifts: shifts("20:00"), ..asked() }).is_empty());
    for evening in ["19:30", "20:30"] {
        assert_eq!(fields(pb::Policy { shifts: shifts(evening), ..asked() }), ["shifts"], "{evening}");
    }
}

#[test]
fn an_unknown_rule_or_an_ill_formed_red_flag_is_named() {
    let rules = [("ratio.overlimit".to_owned(), true), ("rn.none".to_owned(), false)].into();
    let found = wrong(pb::Policy { rules, ..asked() });
    let expected = ("rules[ratio.overlimit]", "there is no such rule; the nearest is ratio.over_limit");
    assert_eq!(found, [(expected.0.to_owned(), expected.1.to_owned())]);
    let long = "x".repeat(61);
    for (code, words) in [
        ("nice.sg1.mine", "words"),
        ("local.", "words"),
        ("local.Falls", "words"),
        ("local.falls watch", "words"),
        ("local.falls", ""),
        ("local.falls", " words"),
        ("local.falls", "wo\nrds"),
        ("local.falls", long.as_str()),
    ] {
        let local_red_flags = [(code.to_owned(), words.to_owned())].into();
        let found = wrong(pb::Policy { local_red_flags, ..asked() });
        assert_eq!(found.len(), 1, "{code} {words}");
        assert_eq!(found[0].0, format!("local_red_flags[{code}]"));
    }
    let many = (0..51).map(|n| (format!("local.f{n}"), "words".to_owned())).collect();
    assert_eq!(wrong(pb::Policy { local_red_flags: many, ..asked() })[0].0, "local_red_flags");
}

#[test]
fn a_name_that_is_no_policys_is_refused() {
    for name in ["", "organisations/RJ1", "policies/mine", "organisations/rj1/policy"] {
        let found = wrong(pb::Policy { name: name.into(), ..asked() });
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].0, "name");
    }
}
