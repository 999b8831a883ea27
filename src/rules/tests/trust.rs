//! A whole trust on its strike day: wards, cover groups and the organisation, judged as the intake judges them. What
//! changes what others read makes these due.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    Activity, ActivityCategory, CoverGroup, CoverMinimum, CoverPeriod, GradeCover, GroupFacts, MedicalCover,
    MedicalGrade, Nursing, Organisation, Patients, Period, PlanPeriod, PolicyName, PolicyPatch, PolicyVersion, Report,
    ReportKey, Rulebook, Strike, Subject, SubjectName, SubjectState, Tier, Time, Ward, WardFacts, WardKind,
};
use crate::rules::tests::fixture::{RETENTION, id, nothing, organisation, ward};
use crate::rules::{Decision, Input, judge};
use crate::wire;

/// The trust, and the time.
pub struct Trust {
    pub book: Rulebook,
    pub subjects: BTreeMap<String, Subject>,
    pub now: Time,
    ids: u128,
    log: Vec<String>,
    /// Rule and message of everything that was said.
    pub messages: Vec<(String, String)>,
}

/// An instant in London on 26 April 2016 (summer time), or RFC 3339.
pub fn on(text: &str) -> Time {
    let text = match text.len() {
        5 => format!("2016-04-26T{text}:00+01:00"),
        11 if text.starts_with("25 ") => format!("2016-04-25T{}:00+01:00", &text[6..]),
        8 => format!("2016-04-{}T{}:00+01:00", &text[..2], &text[3..]),
        _ => text.to_owned(),
    };
    text.parse().unwrap()
}

pub fn group(code: &str, wards: &[&str], minima: &[(Tier, CoverPeriod, u32)]) -> CoverGroup {
    let minimum = |(tier, period, doctors): &(Tier, CoverPeriod, u32)| CoverMinimum {
        tier: *tier,
        period: *period,
        doctors: *doctors,
    };
    CoverGroup {
        code: code.parse().unwrap(),
        display_name: code.into(),
        wards: wards.iter().map(|w| w.parse().unwrap()).collect(),
        minima: minima.iter().map(minimum).collect(),
        implicit: false,
        ..CoverGroup::implicit_all("RJ1".parse().unwrap())
    }
}

/// Doctors at work by grade.
pub fn doctors(grades: &[(MedicalGrade, u32)]) -> MedicalCover {
    MedicalCover::new(grades.iter().map(|(grade, at_work)| at_work_of(*grade, *at_work)).collect())
}

pub fn at_work_of(grade: MedicalGrade, at_work: u32) -> GradeCover {
    GradeCover {
        grade,
        expected: None,
        at_work,
        on_call: None,
        acting_as_tier1: None,
        acting_as_tier2: None,
        absent_industrial_action: None,
        absent_other: None,
    }
}

impl Trust {
    /// Adult wards A1 to A3 that report every two hours, without groups of their own.
    pub fn new(now: &str) -> Self {
        let mut trust = Self {
            book: Rulebook { generation: 1, ..Rulebook::default() },
            subjects: BTreeMap::new(),
            now: on(now),
            ids: 0,
            log: Vec::new(),
            messages: Vec::new(),
        };
        let organisation: Organisation = organisation();
        trust.book.organisations.insert(organisation.code.clone(), (1, Arc::new(organisation)));
        trust.add("organisations/RJ1");
        for code in ["A1", "A2", "A3"] {
            trust.ward(Ward {
                code: code.parse().unwrap(),
                report_every_minutes: Some(120),
                beds: Some(28),
                ..ward(WardKind::AdultInpatient)
            });
        }
        trust.group(CoverGroup::implicit_all("RJ1".parse().unwrap()));
        trust
    }

    pub fn ward(&mut self, ward: Ward) {
        let name = SubjectName::Ward(ward.organisation.clone(), ward.code.clone());
        let number = self.add(&name.to_string());
        let organisation = Arc::new(organisation());
        let facts =
            WardFacts { number, ward: Arc::new(ward), organisation, context: Arc::default(), groups: Vec::new() };
        self.book.wards.insert(name, facts);
        self.relink();
    }

    pub fn group(&mut self, group: CoverGroup) {
        let name = SubjectName::CoverGroup(group.organisation.clone(), group.code.clone());
        let number = self.add(&name.to_string());
        let (organisation, context) = (Arc::new(organisation()), Arc::default());
        let group = Arc::new(group);
        let facts = GroupFacts { number, group, organisation, context, wards: Vec::new(), in_force: true };
        self.book.groups.insert(name, facts);
        self.relink();
    }

    /// A strike is announced or changed: everyone in its scope is due.
    pub fn strike(&mut self, strike: Strike) -> Vec<String> {
        self.book.generation += 1;
        self.book.strikes.insert(strike.id.clone(), (self.book.generation, Arc::new(strike)));
        self.relink();
        let generation = self.book.generation;
        self.subjects.values_mut().for_each(|s| s.generation = generation);
        let names: Vec<String> = self.subjects.keys().cloned().collect();
        self.settle(names)
    }

    /// A rule that is off by default is switched on for everyone.
    pub fn switch_on(&mut self, rule: &str) {
        let patch = PolicyPatch { rules: [(rule.to_owned(), true)].into(), ..PolicyPatch::default() };
        let (name, at) = (PolicyName::Default, Time::from_micros(0));
        let version = PolicyVersion { name: name.clone(), version: 2, effective: at, recorded: at, patch };
        self.book.policies.insert(name, vec![version]);
        self.relink();
    }

    fn relink(&mut self) {
        self.book = std::mem::take(&mut self.book).linked();
    }

    fn add(&mut self, name: &str) -> i64 {
        let number = i64::try_from(self.subjects.len()).unwrap() + 1;
        let state = SubjectState::new(self.now);
        let subject = Subject {
            number,
            name: name.parse().unwrap(),
            etag: 1,
            generation: 1,
            next_check: None,
            state,
            reads: Vec::new(),
            activity: Vec::new(),
        };
        self.subjects.entry(name.to_owned()).or_insert(subject);
        number
    }

    /// Time passes, through every instant at which a subject is due.
    pub fn until(&mut self, now: &str) -> Vec<String> {
        let end = on(now);
        let mut said = Vec::new();
        loop {
            let due = self.subjects.values().filter_map(|s| s.next_check).filter(|at| *at <= end).min();
            let Some(due) = due else { break };
            self.now = due.max(self.now);
            let names =
                self.subjects.iter().filter(|(_, s)| s.next_check.is_some_and(|at| at <= self.now)).map(|(n, _)| n);
            let names = names.cloned().collect();
            said.extend(self.settle(names));
        }
        self.now = end;
        let names = self.subjects.keys().cloned().collect();
        said.extend(self.settle(names));
        said
    }

    /// Ticks these, and whoever reads what that changes.
    fn settle(&mut self, mut due: Vec<String>) -> Vec<String> {
        for _ in 0..6 {
            let mut touched = Vec::new();
            for name in due {
                let decision = {
                    let subject = self.reading(&name);
                    judge(&self.book, &subject, &Input::Tick, self.now)
                };
                touched.extend(self.keep(&name, &decision));
            }
            due = touched;
            if due.is_empty() {
                break;
            }
        }
        assert!(due.is_empty(), "it comes to rest");
        std::mem::take(&mut self.log)
    }

    fn reading(&self, name: &str) -> Subject {
        let mut subject = self.subjects[name].clone();
        let read = |n: &&String| match &subject.name {
            SubjectName::Organisation(_) => !n.ends_with("RJ1"),
            SubjectName::Ward(..) => self.book.wards[&subject.name].groups.iter().any(|g| g.to_string() == **n),
            SubjectName::CoverGroup(..) => false,
        };
        subject.reads = self
            .subjects
            .keys()
            .filter(read)
            .map(|n| (n.parse().unwrap(), self.subjects[n].state.summary.clone()))
            .collect();
        subject
    }

    fn keep(&mut self, name: &str, decision: &Decision) -> Vec<String> {
        let place = name.rsplit('/').next().unwrap();
        for event in &decision.events {
            let alert = &event.alert;
            self.messages.push((alert.rule.to_string(), alert.message.clone()));
            let end = alert.resolution.map(|r| format!(" {r:?}")).unwrap_or_default();
            self.log.push(format!("{place}: {:?} {} {:?}{end}", event.kind, alert.rule, alert.severity));
        }
        let subject = self.subjects.get_mut(name).unwrap();
        subject.state = decision.state.clone();
        subject.next_check = decision.next_check;
        let readers = match &subject.name {
            SubjectName::Organisation(_) => Vec::new(),
            SubjectName::Ward(..) => vec!["organisations/RJ1".to_owned()],
            name @ SubjectName::CoverGroup(..) => {
                let wards = self.book.groups[name].wards.iter().map(ToString::to_string);
                wards.chain(["organisations/RJ1".to_owned()]).collect()
            }
        };
        if decision.summary_changed { readers } else { Vec::new() }
    }

    fn receive(&mut self, name: &str, report: &Report) -> (Decision, Vec<String>) {
        let digest = wire::digest(&wire::encode_report(report));
        let subject = self.reading(name);
        let input = Input::Report { report, digest, stored: None, retention: RETENTION };
        let decision = judge(&self.book, &subject, &input, self.now);
        let touched = self.keep(name, &decision);
        let said = self.settle(touched);
        (decision, said)
    }

    fn report(&mut self, name: &str) -> Report {
        self.ids += 1;
        let key = ReportKey { subject: name.parse().unwrap(), observed: self.now, id: id(self.ids) };
        Report { key, ..nothing().0 }
    }

    /// A cover group's doctors, now.
    pub fn cover(&mut self, group: &str, cover: MedicalCover) -> Vec<String> {
        let name = format!("organisations/RJ1/coverGroups/{group}");
        let report = Report { medical_cover: Some(cover), ..self.report(&name) };
        self.receive(&name, &report).1
    }

    /// A ward's patients and nurses, now.
    pub fn figures(&mut self, ward: &str, bedded: u32, registered_nurses: u32) -> Vec<String> {
        let name = format!("organisations/RJ1/wards/{ward}");
        let report = Report {
            patients: Some(Patients { bedded, ..Patients::default() }),
            nursing: Some(Nursing { registered_nurses, ..Nursing::default() }),
            ..self.report(&name)
        };
        self.receive(&name, &report).1
    }

    /// A plan of a group's doctors.
    pub fn plan(&mut self, group: &str, period: (&str, &str), cover: MedicalCover) -> Vec<String> {
        let name = format!("organisations/RJ1/coverGroups/{group}");
        let report = Report { plan: Some(plan(period)), medical_cover: Some(cover), ..self.report(&name) };
        self.receive(&name, &report).1
    }

    /// A plan of a ward's nurses, without patients.
    pub fn nurses_planned(&mut self, ward: &str, period: (&str, &str), registered_nurses: u32) -> Vec<String> {
        let name = format!("organisations/RJ1/wards/{ward}");
        let nursing = Some(Nursing { registered_nurses, ..Nursing::default() });
        let report = Report { plan: Some(plan(period)), nursing, ..self.report(&name) };
        self.receive(&name, &report).1
    }

    pub fn withdraw(&mut self, name: &str, period: (&str, &str)) -> Vec<String> {
        let name = format!("organisations/RJ1/{name}");
        let withdrawn = Some(PlanPeriod { withdrawn: true, ..plan(period) });
        let report = Report { plan: withdrawn, ..self.report(&name) };
        self.receive(&name, &report).1
    }

    /// Planned work of a day.
    pub fn activity(&mut self, day: &str, category: ActivityCategory, delivered: u32, planned: u32) -> Vec<String> {
        let day = day.parse().unwrap();
        let trust = self.subjects.get_mut("organisations/RJ1").unwrap();
        trust.activity.retain(|a| (a.day, a.category) != (day, category));
        let (planned, delivered) = (Some(planned), Some(delivered));
        trust.activity.push(Activity { day, category, planned, delivered, postponed: None });
        self.settle(vec!["organisations/RJ1".to_owned()])
    }

    /// The message of an open alert.
    pub fn message(&self, rule: &str) -> String {
        self.alert(rule).message.clone()
    }

    pub fn alert(&self, rule: &str) -> &crate::domain::Alert {
        let open = self.subjects.values().flat_map(|s| &s.state.episodes).map(|e| &e.alert);
        open.filter(|a| a.is_open()).find(|a| a.rule == rule).unwrap_or_else(|| panic!("{rule} is not open"))
    }
}

fn plan((start, end): (&str, &str)) -> PlanPeriod {
    let period = Period::new(on(start), on(end)).unwrap();
    PlanPeriod { period, withdrawn: false }
}
