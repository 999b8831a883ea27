//! What a policy would do: everyone concerned judged in memory, first as things are, then under it.

use std::collections::HashMap;

use crate::domain::{AlertEvent, EventType, PolicyVersion, Rulebook, Subject, SubjectName, Summary, Time};
use crate::register::policies::{concerned, with_version};
use crate::register::reading;
use crate::rules::{Input, judge};
use crate::store::{Store, StoreError};

/// Subjects read at a time.
const AT_ONCE: usize = 1_000;

/// What a policy does to alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyPreview {
    /// Raised or reopened.
    pub raised: usize,
    /// Changed in severity or figures.
    pub changed: usize,
    /// Ended.
    pub resolved: usize,
    /// Subjects judged.
    pub subjects: usize,
}

/// Counts what a version would do if it were in force at once.
pub(super) async fn preview(
    store: &dyn Store,
    book: &Rulebook,
    version: &PolicyVersion,
    now: Time,
) -> Result<PolicyPreview, StoreError> {
    let mut subjects = Vec::new();
    for numbers in concerned(book, &version.name).chunks(AT_ONCE) {
        subjects.extend(reading::subjects(store, book, numbers, now).await?);
    }
    let mut counted = PolicyPreview { subjects: subjects.len(), ..PolicyPreview::default() };
    let mut trial = Trial { book, under: under(book, version, now), read: HashMap::new(), now };
    // What a subject reads is judged before it.
    subjects.sort_by_key(|s| match s.name {
        SubjectName::CoverGroup(..) => 0,
        SubjectName::Ward(..) => 1,
        SubjectName::Organisation(_) => 2,
    });
    for subject in subjects {
        counted.count(&trial.judged(subject));
    }
    Ok(counted)
}

/// The rulebook of the next generation, in which the version is in force now.
fn under(book: &Rulebook, version: &PolicyVersion, now: Time) -> Rulebook {
    let generation = book.generation + 1;
    let mut under = Rulebook { generation, ..book.clone() };
    let now_in_force = PolicyVersion { effective: now, ..version.clone() };
    under.policies.insert(version.name.clone(), with_version(book, &now_in_force));
    under.policy_changes.insert(version.name.clone(), generation);
    under.linked()
}

struct Trial<'a> {
    book: &'a Rulebook,
    under: Rulebook,
    /// What those judged already show to others: as things are, and under the policy.
    read: HashMap<SubjectName, [Summary; 2]>,
    now: Time,
}

impl Trial<'_> {
    /// What happens to a subject's alerts because of the policy alone: what time does anyway is done before.
    fn judged(&mut self, mut subject: Subject) -> Vec<AlertEvent> {
        self.show(&mut subject, 0);
        subject.state = judge(self.book, &subject, &Input::Tick, self.now).state;
        let before = subject.state.summary.clone();
        self.show(&mut subject, 1);
        subject.generation = self.under.generation;
        let decision = judge(&self.under, &subject, &Input::Tick, self.now);
        self.read.insert(subject.name, [before, decision.state.summary]);
        decision.events
    }

    fn show(&self, subject: &mut Subject, which: usize) {
        for (name, summary) in &mut subject.reads {
            if let Some(shown) = self.read.get(name) {
                summary.clone_from(&shown[which]);
            }
        }
    }
}

impl PolicyPreview {
    fn count(&mut self, events: &[AlertEvent]) {
        for event in events {
            match event.kind {
                EventType::Raised | EventType::Reopened => self.raised += 1,
                EventType::SeverityChanged | EventType::Updated => self.changed += 1,
                EventType::Resolved => self.resolved += 1,
                EventType::Acknowledged | EventType::Unacknowledged | EventType::Escalated => {}
            }
        }
    }
}
