//! Strategies: any report that is formally valid, and the reports of a ward's morning.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use crate::domain::{
    Judgement, LevelsOfCare, Nursing, NursingHours, Patients, RedFlag, RedFlagType, Report, ReportId, ReportKey, Span,
    SubjectName, Time, WardKind,
};
use crate::rules::tests::fixture::{Facts, at, flag, hours, judged, levels, nothing, shift};

fn count() -> impl Strategy<Value = u32> {
    0..=9_999_u32
}

fn maybe() -> impl Strategy<Value = Option<u32>> {
    option::of(count())
}

/// Any instant the wire can say, to the microsecond.
fn instant() -> impl Strategy<Value = Time> {
    (0..253_402_300_800_000_000_i64).prop_map(Time::from_micros)
}

fn uuid() -> impl Strategy<Value = ReportId> {
    any::<u128>().prop_map(|n| ReportId(Uuid::from_u128(n)))
}

fn any_patients() -> impl Strategy<Value = Patients> {
    (count(), maybe(), maybe(), option::of(0..=100_u32)).prop_map(|(bedded, boarded, corridor, share)| {
        let patients = Patients { bedded, boarded, corridor, one_to_one: None };
        // A part is never more than its whole, nor more than any count.
        Patients { one_to_one: share.map(|s| (patients.total() * s / 100).min(9_999)), ..patients }
    })
}

fn any_levels() -> impl Strategy<Value = LevelsOfCare> {
    vec(maybe(), 10).prop_map(|n| LevelsOfCare {
        level2: n[0],
        level3: n[1],
        neonatal_intensive: n[2],
        neonatal_high_dependency: n[3],
        neonatal_special: n[4],
        children_under2: n[5],
        children_from2: n[6],
        women_in_labour: n[7],
        resus: n[8],
        majors: n[9],
    })
}

fn any_nursing() -> impl Strategy<Value = Nursing> {
    let parts = (option::of(0..=100_u32), option::of(0..=100_u32), option::of(any::<bool>()));
    (count(), parts, vec(maybe(), 6)).prop_map(|(nurses, (agency, one_to_one, coordinator), n)| Nursing {
        registered_nurses: nurses,
        agency_registered_nurses: agency.map(|s| nurses * s / 100),
        one_to_one_nurses: one_to_one.map(|s| nurses * s / 100),
        registered_midwives: n[0],
        nursing_associates: n[1],
        healthcare_support_workers: n[2],
        students: n[3],
        supernumerary: n[4],
        largest_allocation: n[5],
        coordinator_supernumerary: coordinator,
    })
}

fn any_hours() -> impl Strategy<Value = NursingHours> {
    let minutes = || option::of(0..=1_440_000_u32);
    let length = 1..=Span::hours(24).as_micros();
    (0..200_000_000_000_000_000_i64, length, minutes(), minutes(), minutes()).prop_map(
        |(start, length, required_minutes, available_minutes, planned_minutes)| NursingHours {
            shift_start: Time::from_micros(start),
            shift_end: Time::from_micros(start) + Span::micros(length),
            required_minutes,
            available_minutes,
            planned_minutes,
        },
    )
}

fn any_flag() -> impl Strategy<Value = RedFlag> {
    let kind = proptest::sample::select(RedFlagType::ALL.to_vec());
    let after = option::of(0..1_000_000_000_000_i64);
    (kind, uuid(), 0..200_000_000_000_000_000_i64, after).prop_map(|(kind, event, noticed, after)| RedFlag {
        kind,
        event,
        noticed: Time::from_micros(noticed),
        resolved: after.map(|a| Time::from_micros(noticed + a)),
    })
}

fn any_judgement() -> impl Strategy<Value = Judgement> {
    prop_oneof![Just(Judgement::Safe), Just(Judgement::Unsafe)]
}

/// Any formally valid report on a ward.
pub fn any_report() -> impl Strategy<Value = Report> {
    let head = ("[A-Z0-9]{3,10}", "[A-Z0-9._-]{1,12}", "[A-Z0-9._-]{1,32}", instant(), uuid(), any::<u32>());
    let blocks = (
        option::of(any_patients()),
        option::of(any_levels()),
        option::of(any_nursing()),
        option::of(any_hours()),
        option::of(any_judgement()),
        vec(any_flag(), 0..4),
    );
    let report = (head, blocks).prop_map(|((organisation, ward, source, observed, id, revision), blocks)| {
        let subject = SubjectName::Ward(organisation.parse().unwrap(), ward.parse().unwrap());
        let (patients, levels_of_care, nursing, nursing_hours, judgement, red_flags) = blocks;
        Report {
            key: ReportKey { subject, observed, id },
            revision,
            source: source.parse().unwrap(),
            plan: None,
            patients,
            levels_of_care,
            nursing,
            nursing_hours,
            medical_cover: None,
            judgement,
            red_flags,
        }
    });
    report.prop_filter("has something", |r| {
        let blocks = r.patients.is_some() || r.levels_of_care.is_some() || r.nursing.is_some();
        blocks || r.nursing_hours.is_some() || r.judgement.is_some() || !r.red_flags.is_empty()
    })
}

pub fn any_kind() -> impl Strategy<Value = WardKind> {
    proptest::sample::select(vec![
        WardKind::AdultInpatient,
        WardKind::AcuteMedical,
        WardKind::IntensiveCare,
        WardKind::Neonatal,
        WardKind::Paediatric,
        WardKind::Labour,
        WardKind::Emergency,
        WardKind::Maternity,
        WardKind::Other,
    ])
}

/// Figures of a ward, every count of which is given or not.
pub fn any_figures() -> impl Strategy<Value = Facts> {
    let small = || option::of(0..12_u32);
    let parts = (small(), small(), small(), option::of(any::<bool>()));
    let needs = vec(small(), 10);
    (0..60_u32, 0..12_u32, parts, needs, small(), (0..700_u32, 1..700_u32)).prop_map(
        |(bedded, n, (one_to_one, busy, midwives, coordinator), needs, largest, (available, required))| {
            let figures =
                shift(bedded, n).of_patients(|p| p.one_to_one = one_to_one.map(|n| n.min(bedded))).of_nursing(|f| {
                    f.one_to_one_nurses = busy.map(|b| b.min(n));
                    f.registered_midwives = midwives;
                    f.coordinator_supernumerary = coordinator;
                    f.largest_allocation = largest;
                });
            figures.and(hours(available, required)).and(levels(|l| fill(l, &needs)))
        },
    )
}

fn fill(l: &mut LevelsOfCare, n: &[Option<u32>]) {
    (l.level2, l.level3) = (n[0], n[1]);
    (l.neonatal_intensive, l.neonatal_high_dependency, l.neonatal_special) = (n[2], n[3], n[4]);
    (l.children_under2, l.children_from2, l.women_in_labour) = (n[5], n[6], n[7]);
    (l.resus, l.majors) = (n[8], n[9]);
}

/// One report of a morning: minutes after 10:00 at which it was true, and its facts. Every count that a rule reads is
/// given, so that whatever arrives first, a rule once evaluable stays so; figures never jump implausibly.
pub fn any_step() -> impl Strategy<Value = (i64, Facts)> {
    let blocks = vec(any::<bool>(), 5);
    let figures = (1..60_u32, 0..5_u32, 0..3_u32, 0..12_u32);
    let rest = (0..8_u32, 0..700_u32, 1..700_u32, any_judgement());
    let flags = option::of((0..3_u128, any::<bool>()));
    let head = (0..20_i64, 0..3_u32, proptest::sample::select(vec!["PAS", "ROSTER"]));
    (head, blocks, figures, rest, flags).prop_map(|((minute, revision, source), has, figures, rest, flags)| {
        let (bedded, n, corridor, largest) = figures;
        let (level, available, required, judgement) = rest;
        let all = shift(bedded, n)
            .of_patients(|p| p.corridor = Some(corridor))
            .of_nursing(|f| f.largest_allocation = Some(largest))
            .and(levels(|l| (l.level3, l.level2) = (Some(level), Some(1))))
            .and(hours(available, required))
            .and(judged(judgement));
        let Facts(mut some) = all.from(source).revision(revision);
        some.patients = some.patients.filter(|_| has[0]);
        some.nursing = some.nursing.filter(|_| has[1]);
        some.levels_of_care = some.levels_of_care.filter(|_| has[2]);
        some.nursing_hours = some.nursing_hours.filter(|_| has[3]);
        some.judgement = some.judgement.filter(|_| has[4] || !(has[0] || has[1] || has[2] || has[3]));
        let raised = flags.map_or(nothing(), |(event, over)| {
            let raised = flag(900 + event, "09:50");
            if over { raised.resolved("09:55") } else { raised }
        });
        (minute, Facts(some).and(raised))
    })
}

/// When a step's figures were true.
pub fn minute(n: i64) -> Time {
    at("10:00") + Span::minutes(n)
}
