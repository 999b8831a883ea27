//! One line for a person: figures, limit, time; short, and never an instruction.

use crate::domain::{
    ActivityCategory, BaselineMode, CoverBaseline, CoverGroup, CoverPeriod, ElectivePolicy, Judgement, LevelsOfCare,
    Limit, MedicalGrade, Nursing, Patients, RedFlag, RedFlagType, SourceSilence, StaffGroup, Strike, StrikeMode,
    SubjectName, Tier, Ward, WardKind,
};
use crate::rules::catalogue::{BELOW_TARGET, CAPACITY, RULES, SKILL_MIX};
use crate::rules::tests::fixture::{
    Bay, Facts, adult, at, bay_of, hours, id, judged, levels, nothing, nurses, patients, shift, silences, trust, ward,
};

use crate::rules::tests::trust::{Trust, doctors, group};
use crate::rules::tests::windows::strike;

const LONGEST: &str = "ABCDEFGHIJKL";

fn long_ward(kind: WardKind) -> Ward {
    let mut ward = ward(kind);
    ward.code = LONGEST.parse().unwrap();
    ward.limit = Some(Limit(799_990));
    ward.severe_limit = Some(Limit(799_990));
    ward.minimum = Some(9_999);
    ward.enabled_rules = vec![CAPACITY.into(), SKILL_MIX.into()];
    ward
}

fn full() -> Facts {
    let patients = Patients { bedded: 9_999, boarded: Some(9_999), corridor: Some(9_999), one_to_one: None };
    let nursing = Nursing {
        registered_nurses: 1,
        registered_midwives: Some(0),
        largest_allocation: Some(9_999),
        nursing_associates: Some(9_999),
        healthcare_support_workers: Some(9_999),
        ..Nursing::default()
    };
    nothing()
        .with(|r| {
            r.patients = Some(patients);
            r.nursing = Some(nursing);
        })
        .and(hours(1_000_001, 1_440_000))
        .and(judged(Judgement::Unsafe))
}

fn most() -> Facts {
    let n = Some(9_999);
    nothing().with(|r| {
        r.levels_of_care = Some(LevelsOfCare {
            level2: n,
            level3: n,
            neonatal_intensive: n,
            neonatal_high_dependency: n,
            neonatal_special: n,
            children_under2: n,
            children_from2: n,
            women_in_labour: n,
            resus: n,
            majors: n,
        });
        r.red_flags = RedFlagType::ALL
            .into_iter()
            .zip(900..)
            .map(|(kind, n)| RedFlag { kind, event: id(n), noticed: at("09:50"), resolved: None })
            .collect();
    })
}

/// Every message that the longest codes and greatest figures make, of every rule.
fn longest() -> Vec<(String, String)> {
    let mut said = Vec::new();
    let mut note = |d: crate::rules::Decision| {
        said.extend(d.events.into_iter().map(|e| (e.alert.rule.to_string(), e.alert.message)));
    };
    let kinds = [
        WardKind::AdultInpatient,
        WardKind::IntensiveCare,
        WardKind::Neonatal,
        WardKind::Paediatric,
        WardKind::Emergency,
        WardKind::Labour,
    ];
    for kind in kinds {
        let mut bay = bay_of(long_ward(kind));
        bay.subject.state.registered = at("00:00");
        note(bay.tick("01:30"));
        bay.register(|w| w.limit = Some(Limit(10)));
        note(bay.report("10:00", full().and(most())));
        note(bay.report("10:05", shift(9_999, 9_999).of_nursing(|n| n.one_to_one_nurses = Some(9_990))));
        note(bay.report("10:06", patients(0)));
        note(bay.report("10:10", shift(9_999, 0)));
        note(bay.tick("12:00"));
    }
    let mut crowded = bay_of(Ward { beds: Some(9_998), limit: None, ..long_ward(WardKind::AdultInpatient) });
    note(crowded.report("10:00", full()));
    let mut one_to_one = adult();
    note(one_to_one.report("10:00", shift(10, 2).of_nursing(|n| n.one_to_one_nurses = Some(2))));
    let mut labour = bay_of(long_ward(WardKind::Labour));
    let busy = shift(9_999, 9_999).and(levels(|l| l.women_in_labour = Some(9_999))).of_nursing(|n| {
        n.registered_midwives = Some(9_999);
        n.coordinator_supernumerary = Some(false);
    });
    note(labour.report("10:00", busy));
    note(silent_source().tick("10:05"));
    said.extend(strike_day());
    said
}

/// What a strike says of a ward and a group with the longest codes and the greatest figures.
fn strike_day() -> Vec<(String, String)> {
    let many = 9_999;
    let all = |period| [Tier::One, Tier::Two, Tier::Three].map(|tier| (tier, period, many));
    let mode = BaselineMode::ChristmasDay;
    let long = "ABCDEFGHIJKL";
    let mut trust = Trust::new("25 10:00");
    trust.ward(Ward {
        night_duty_registered_nurses: Some(many),
        limit: Some(Limit(10)),
        ..long_ward(WardKind::AdultInpatient)
    });
    let baselines = vec![CoverBaseline { mode, doctors: many }];
    trust.group(CoverGroup { baselines, ..group(long, &[long], &all(CoverPeriod::AllDay)) });
    trust.switch_on(BELOW_TARGET);
    let window = [("2016-04-26T08:00", "2016-04-26T17:00")];
    trust.strike(strike("full", &window));
    trust.strike(Strike {
        mode: StrikeMode::ChristmasDayCover,
        elective: ElectivePolicy::Maintain,
        ..strike("christmas", &window)
    });
    trust.strike(Strike { staff_group: StaffGroup::Nurses, ..strike("nurses", &window) });
    let few = doctors(&[(MedicalGrade::Consultant, 0), (MedicalGrade::Registrar, 9_998), (MedicalGrade::F1, 0)]);
    trust.plan(long, ("08:00", "27 08:00"), few.clone());
    trust.until("09:00");
    trust.figures(long, 9_998, 9_990);
    trust.cover(long, few);
    trust.activity("2016-04-26", ActivityCategory::Outpatient, 800_000, 999_999);
    trust.messages
}

fn silent_source() -> Bay {
    let mut trust = trust();
    let source: crate::domain::SourceCode = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".parse().unwrap();
    let child = |n: usize| {
        let ward: SubjectName = format!("organisations/RJ1/wards/W{n}").parse().unwrap();
        (ward, silences(vec![SourceSilence { source: source.clone(), since: Some(at("10:00")) }]))
    };
    trust.subject.reads = (0..9_999).map(child).collect();
    trust
}

#[test]
fn a_message_names_the_ward_the_figures_the_limit_and_the_time() {
    let mut bay = adult();
    let raised = bay.report("10:52", shift(28, 3));
    assert_eq!(
        raised.events[0].alert.message,
        "Ward A7: 28 patients, 3 registered nurses: 9.3 per nurse, above the safe limit of 8. Observed 10:52."
    );
}

#[test]
fn a_time_in_a_message_is_the_wards_own() {
    let mut bay = adult();
    bay.subject.state.registered = at("2026-07-01T09:00:00Z");
    let raised = bay.report("2026-07-01T09:52:00Z", shift(28, 3));
    assert!(raised.events[0].alert.message.ends_with("Observed 10:52."));
}

#[test]
fn a_ward_above_its_limit_never_reads_as_being_at_it() {
    let mut bay = adult();
    let raised = bay.report("10:00", shift(801, 100));
    assert!(raised.events[0].alert.message.contains("8.1 per nurse"), "8.01 is rounded up");
}

#[test]
fn every_rule_has_a_message_of_at_most_160_characters() {
    let said = longest();
    for rule in RULES {
        assert!(said.iter().any(|(r, _)| r == rule), "{rule} is not among the longest");
    }
    for (rule, message) in said {
        assert!(!message.is_empty(), "{rule}");
        assert!(message.chars().count() <= 160, "{rule}: {} {message}", message.chars().count());
    }
}

#[test]
fn every_message_has_a_figure_or_a_fact_and_a_time() {
    for (rule, message) in longest() {
        assert!(message.contains(':') && message.ends_with('.'), "{rule}: {message}");
        let clock =
            message.as_bytes().windows(5).any(|w| w[2] == b':' && w[0].is_ascii_digit() && w[4].is_ascii_digit());
        let day = rule.starts_with("elective.") && message.contains("2016-04-26");
        assert!(clock || day, "{rule} names no time: {message}");
    }
}

#[test]
fn no_message_is_an_instruction() {
    let imperatives = [
        "call", "check", "move", "redeploy", "escalate", "close", "open", "act", "send", "find", "get", "please",
        "must", "should", "admit", "divert", "stop", "give", "ask", "contact", "ensure", "book", "review",
    ];
    for (rule, message) in longest() {
        let words = message.to_lowercase();
        let words: Vec<&str> = words.split(|c: char| !c.is_alphabetic()).collect();
        let told = imperatives.iter().find(|i| words.contains(i));
        assert_eq!(told, None, "{rule}: {message}");
        assert!(!message.contains("NICE limit"), "{message}");
    }
}

#[test]
fn one_is_a_nurse_and_two_are_nurses() {
    let mut bay = adult();
    let one = bay.report("10:00", shift(13, 1));
    assert!(one.events[0].alert.message.contains("13 patients, 1 registered nurse: 13 per nurse"));
    assert_eq!(one.events[1].alert.message, "Ward A7: 1 registered nurse, below the minimum of 2. Observed 10:00.");
    let _two = bay.report("10:10", nurses(2));
}

/// The message of each rule's first event on `bad`, and of the event that begins its end on `good`.
fn clearing(bad: Facts, good: Facts) -> Vec<String> {
    let mut bay = adult();
    bay.register(|w| w.enabled_rules = vec![SKILL_MIX.into()]);
    let raised = bay.report("10:00", bad);
    let cleared = bay.report("10:20", good);
    assert_eq!(raised.events.len(), cleared.events.len());
    cleared.events.into_iter().map(|e| e.alert.message).collect()
}

#[test]
fn an_alert_that_clears_shows_the_good_figures() {
    assert_eq!(
        clearing(shift(28, 3), shift(24, 3)),
        ["Ward A7: 24 patients, 3 registered nurses: 8 per nurse, within the safe limit of 8. Observed 10:20."]
    );
    assert_eq!(
        clearing(shift(4, 1), shift(4, 2)),
        ["Ward A7: 2 registered nurses, at or above the minimum of 2. Observed 10:20."]
    );
    assert_eq!(
        clearing(hours(1200, 2400), hours(2400, 2400)),
        ["Ward A7: 40.0 of 40.0 registered nurse hours, within 8 h and 25 % of the need, shift 07:30-20:00."]
    );
    assert_eq!(
        clearing(judged(Judgement::Unsafe), judged(Judgement::Safe)),
        ["Ward A7: judged safe by the nurse in charge. Judged 10:20."]
    );
}

#[test]
fn an_alert_that_clears_because_the_ward_is_empty_says_so() {
    let staff = |bedded| {
        shift(bedded, 1).and(hours(1200, 2400)).of_nursing(|n| {
            n.largest_allocation = Some(9);
            n.nursing_associates = Some(0);
            n.healthcare_support_workers = Some(9);
        })
    };
    let messages = clearing(staff(4), staff(0));
    assert_eq!(messages.len(), 4, "allocation, minimum, hours, skill mix: {messages:?}");
    for message in messages {
        assert_eq!(message, "Ward A7: 0 patients, no staffing limit applies. Observed 10:20.");
    }
    assert_eq!(clearing(shift(4, 0), shift(0, 0)), ["Ward A7: 0 patients, no staffing limit applies. Observed 10:20."]);
}

#[test]
fn patients_who_all_have_a_nurse_of_their_own_are_within_the_limit() {
    let all = |bedded| shift(bedded, 2).of_nursing(|n| n.one_to_one_nurses = Some(2));
    assert_eq!(
        clearing(all(4), all(2)),
        ["Ward A7: every patient and registered nurse one-to-one, within the safe limit of 8. Observed 10:20."]
    );
}
