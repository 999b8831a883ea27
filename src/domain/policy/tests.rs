use super::*;

fn version(name: PolicyName, version: i64, effective: i64, clear_minutes: i64) -> PolicyVersion {
    let patch = PolicyPatch { clear_after: Some(Span::minutes(clear_minutes)), ..PolicyPatch::default() };
    PolicyVersion { name, version, effective: Time::from_micros(effective), recorded: Time::default(), patch }
}

fn trust() -> PolicyName {
    "organisations/RJ1/policy".parse().unwrap_or(PolicyName::Default)
}

fn in_words(found: &[InForce]) -> Vec<(i64, String, Span)> {
    found.iter().map(|f| (f.from.as_micros(), f.policy.version.clone(), f.policy.clear_after)).collect()
}

#[test]
fn a_policys_name_is_read_as_it_is_written() {
    for name in ["policies/default", "organisations/RJ1/policy"] {
        assert_eq!(name.parse::<PolicyName>().map(|n| n.to_string()), Ok(name.to_owned()));
    }
    for wrong in ["policies/other", "organisations/rj1/policy", "organisations/RJ1", "organisations/RJ1/policy/2", ""] {
        assert!(wrong.parse::<PolicyName>().is_err(), "{wrong}");
    }
}

#[test]
fn a_trust_that_set_nothing_is_judged_by_the_default() {
    let found = in_force(&[], &[]);
    assert_eq!(in_words(&found), [(i64::MIN, "policies/default@1".to_owned(), Span::minutes(30))]);
    assert_eq!(*found[0].policy, Policy::default());
}

#[test]
fn a_trusts_policy_counts_from_its_effective_time_over_the_default() {
    let defaults = [version(PolicyName::Default, 2, 50, 40)];
    let own = [version(trust(), 1, 10, 20)];
    let own_words = "organisations/RJ1/policy@1".to_owned();
    let expected = [
        (i64::MIN, "policies/default@1".to_owned(), Span::minutes(30)),
        (10, own_words.clone(), Span::minutes(20)),
        // At 50 the layer beneath changes, in a field that the trust has set itself: no value changes for it.
        (50, own_words, Span::minutes(20)),
    ];
    let found = in_force(&defaults, &own);
    assert_eq!(in_words(&found), expected);
    assert_eq!(found[2].policy.identity(), "organisations/RJ1/policy@1 on 2");
}

#[test]
fn what_a_trust_does_not_set_it_inherits_from_an_override_of_the_default() {
    let mut national = version(PolicyName::Default, 2, 50, 40);
    national.patch.severe_percent = Some(200);
    let found = in_force(&[national], &[version(trust(), 1, 10, 20)]);
    let severe: Vec<u32> = found.iter().map(|f| f.policy.severe_percent).collect();
    assert_eq!(severe, [150, 150, 200]);
    assert_eq!(found[2].policy.clear_after, Span::minutes(20));
}

#[test]
fn a_newer_decision_replaces_one_that_was_still_to_come() {
    let own = [version(trust(), 1, 100, 20), version(trust(), 2, 10, 25)];
    let expected = [
        (i64::MIN, "policies/default@1".to_owned(), Span::minutes(30)),
        (10, "organisations/RJ1/policy@2".to_owned(), Span::minutes(25)),
    ];
    assert_eq!(in_words(&in_force(&[], &own)), expected);
}

#[test]
fn a_kinds_night_limit_holds_by_night_and_its_day_limit_stays() {
    let night = KindLimit { day: None, night: Some(Limit::whole(10)) };
    let patch = PolicyPatch { limits: [(WardKind::AdultInpatient, night)].into(), ..PolicyPatch::default() };
    let policy = Policy::default().with(&patch);
    assert_eq!(policy.limit(WardKind::AdultInpatient, true), Some(Limit::whole(10)));
    assert_eq!(policy.limit(WardKind::AdultInpatient, false), Some(Limit::whole(8)));
    assert_eq!(policy.limit(WardKind::AcuteMedical, true), Some(Limit::whole(6)));
    assert_eq!(policy.limit(WardKind::MentalHealth, true), None);
}

#[test]
fn a_severe_breach_begins_at_one_and_a_half_limits_exactly() {
    let policy = Policy::default();
    for (limit, severe) in [(800, 120_000), (600, 90_000), (650, 97_500), (833, 124_950)] {
        assert_eq!(policy.severe(Limit(limit)), severe);
    }
}

#[test]
fn three_rules_are_off_unless_someone_switches_them_on() {
    let policy = Policy::default();
    assert!(policy.is_on("ratio.over_limit") && !policy.is_on("capacity.over"));
    let patch = PolicyPatch {
        rules: [("capacity.over".to_owned(), true), ("rn.none".to_owned(), false)].into(),
        ..PolicyPatch::default()
    };
    let policy = policy.with(&patch);
    assert!(policy.is_on("capacity.over") && !policy.is_on("rn.none") && !policy.is_on("skill_mix.low"));
}

#[test]
fn a_layer_that_sets_everything_leaves_nothing_to_inherit() {
    let patch =
        PolicyPatch { clear_after: Some(Span::minutes(7)), severe_percent: Some(200), ..PolicyPatch::default() };
    let policy = Policy::default().with(&patch);
    assert_eq!(Policy::default().with(&PolicyPatch::from(&policy)), policy);
}
