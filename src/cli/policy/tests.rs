use super::*;
use crate::domain::{self, PolicyName, PolicyPatch};
use crate::wire::policy_to;

fn of_the_rules() -> pb::Policy {
    policy_to(&PolicyName::Default, &PolicyPatch::from(&domain::Policy::default()))
}

fn of_toml(text: &str) -> pb::Policy {
    json::from_value(Value::Object(form::from_toml(text).unwrap())).unwrap()
}

fn changed(start: &pb::Policy, changes: &[&str]) -> pb::Policy {
    let mut policy = start.clone();
    for change in changes {
        changes::set(&mut policy, change).unwrap();
    }
    policy
}

#[test]
fn the_written_default_is_what_the_rules_judge_by_field_by_field() {
    let written = form::from_toml(form::DEFAULT).unwrap();
    let mut names: Vec<String> = json::field_names("Policy");
    names.retain(|name| !["name", "version", "etag", "effective_time", "record_time"].contains(&name.as_str()));
    names.sort();
    let mut keys: Vec<String> = written.keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, names, "each field of the API stands in the default, and nothing else");
    let mut rules = of_the_rules();
    // The order of the kinds says nothing.
    let mut file = pb::Policy { name: rules.name.clone(), ..of_toml(form::DEFAULT) };
    file.limits.sort_by_key(|limit| limit.kind);
    rules.limits.sort_by_key(|limit| limit.kind);
    assert_eq!(file, rules);
}

#[test]
fn every_number_of_the_default_says_where_it_comes_from() {
    let sources =
        ["Own choice", "NICE", "RCN", "Society for Acute Medicine", "NHS England", "where wanted", "own, in words"];
    let (mut comment, mut section) = (String::new(), "");
    for line in form::DEFAULT.lines() {
        if let Some(words) = line.strip_prefix('#') {
            comment.push_str(words);
            continue;
        }
        let first = line.starts_with('[') && line != section;
        if first || (section.is_empty() && line.contains(" = ")) {
            assert!(sources.iter().any(|source| comment.contains(source)), "{line}: {comment}");
        }
        section = if first { line } else { section };
        comment.clear();
    }
}

#[test]
fn what_is_shown_is_a_file_that_means_the_same() {
    let policy = changed(
        &of_the_rules(),
        &[
            "clear_after_minutes=20",
            "census_times=07:00,19:30",
            "limits.ADULT_INPATIENT.night=9.5",
            "limits.MENTAL_HEALTH=7",
            "rules.capacity.over=on",
            "local_red_flags.local.falls=falls \"watch\" missed",
            "shifts=07:00-19:30,19:30-07:00",
        ],
    );
    let fields = form::fields(&policy).unwrap();
    for comments in [true, false] {
        let text = form::text(&fields, comments);
        assert_eq!(pb::Policy { name: policy.name.clone(), ..of_toml(&text) }, policy, "{text}");
        assert_eq!(comments, text.contains("NICE SG1"), "{text}");
    }
    let text = form::text(&fields, true);
    assert!(text.contains("\nclear_after_minutes = 20 # default: 30\n"), "{text}");
    assert!(text.contains("\nreopen_within_minutes = 120\n"), "{text}");
}

#[test]
fn what_one_layer_sets_is_shown_and_nothing_else() {
    let policy = changed(&pb::Policy::default(), &["clear_after_minutes=20", "rules.rn.none=off"]);
    let text = form::text(&form::fields(&policy).unwrap(), false);
    assert_eq!(text, "clear_after_minutes = 20 # default: 30\n[rules]\n\"rn.none\" = false\n");
}

#[test]
fn a_value_that_is_unset_is_inherited_again() {
    let sets =
        ["clear_after_minutes=20", "limits.ACUTE_MEDICAL=5", "limits.ADULT_INPATIENT.night=9", "rules.rn.none=off"];
    let mut policy = changed(&pb::Policy::default(), &sets);
    for key in ["clear_after_minutes", "limits.ACUTE_MEDICAL", "limits.ADULT_INPATIENT.night", "rules.rn.none"] {
        changes::unset(&mut policy, key).unwrap();
    }
    assert_eq!(policy, pb::Policy::default());
    let mut policy = changed(&policy, &["limits.ACUTE_MEDICAL=5", "shifts=08:00-20:00,20:00-08:00"]);
    changes::unset(&mut policy, "limits").unwrap();
    changes::unset(&mut policy, "shifts").unwrap();
    assert_eq!(policy, pb::Policy::default());
}

#[test]
fn a_slip_on_the_command_line_is_named() {
    let said = |change: &str| changes::set(&mut pb::Policy::default(), change).unwrap_err();
    assert_eq!(
        said("clear_after_minute=20"),
        "there is no value clear_after_minute; the nearest is clear_after_minutes"
    );
    assert_eq!(said("clear_after_minutes"), "'clear_after_minutes': write KEY=VALUE");
    assert_eq!(said("clear_after_minutes=soon"), "clear_after_minutes: 'soon' is not a whole number");
    assert_eq!(said("rules.rn.none=maybe"), "rules.rn.none: 'maybe' is neither on nor off");
    assert!(said("limits.ADULT=8").starts_with("'ADULT' is none of ADULT_INPATIENT, ACUTE_MEDICAL"));
    assert_eq!(said("limits.ADULT_INPATIENT=eight"), "limits.ADULT_INPATIENT: 'eight' is not a number");
    assert!(said("shifts=07:30").starts_with("shifts: '07:30': write the day shift"));
    assert!(changes::unset(&mut pb::Policy::default(), "clear").is_err());
}

#[test]
fn a_policy_is_named_by_its_organisation_or_as_the_default() {
    assert_eq!(name("RJ1"), Ok("organisations/RJ1/policy".to_owned()));
    assert_eq!(name("organisations/RJ1/policy"), Ok("organisations/RJ1/policy".to_owned()));
    assert_eq!(name("default"), Ok("policies/default".to_owned()));
}
