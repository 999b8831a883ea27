//! Subjects as judgements and people need them: with what they read of others.

use std::collections::HashMap;

use crate::domain::{Rulebook, Subject, SubjectName, Summary, Time};
use crate::register::activity;
use crate::store::{Store, StoreError, SubjectRow};
use crate::wire;

/// Reads the subjects with these numbers, and what they read at an instant. One that cannot be read is logged and left
/// out: its reports are refused, the others go on.
///
/// # Errors
/// When the store cannot be read.
pub async fn subjects(
    store: &dyn Store,
    book: &Rulebook,
    numbers: &[i64],
    now: Time,
) -> Result<Vec<Subject>, StoreError> {
    let rows = store.load_subjects(numbers).await?;
    let mut subjects = with_reads(store, book, rows.into_iter().filter_map(subject).collect()).await?;
    activity::read(store, book, &mut subjects, now).await?;
    Ok(subjects)
}

/// A row as a subject that has read nothing yet.
pub fn subject(row: SubjectRow) -> Option<Subject> {
    let SubjectRow { number, name, etag, generation, next_check, .. } = row;
    let state = wire::state_from(&row.hot, &row.cold, &row.summary);
    let state = state.inspect_err(|error| tracing::error!(%name, %error, "a subject cannot be read")).ok()?;
    Some(Subject { number, name, etag, generation, next_check, state, reads: Vec::new(), activity: Vec::new() })
}

/// An organisation is judged on what its wards and cover groups do, a ward on the cover groups that cover it. Read after
/// the subjects themselves: what is newer than their etag makes their commit a conflict, and never goes unnoticed.
async fn with_reads(
    store: &dyn Store,
    book: &Rulebook,
    mut subjects: Vec<Subject>,
) -> Result<Vec<Subject>, StoreError> {
    let is_organisation = |s: &&Subject| matches!(s.name, SubjectName::Organisation(_));
    let organisations: Vec<i64> = subjects.iter().filter(is_organisation).map(|s| s.number).collect();
    let mut groups: Vec<i64> =
        subjects.iter().flat_map(|s| groups_of(book, s)).filter_map(|name| book.number(name)).collect();
    groups.sort_unstable();
    groups.dedup();
    if organisations.is_empty() && groups.is_empty() {
        return Ok(subjects);
    }
    let children = if organisations.is_empty() { Vec::new() } else { store.subject_summaries(&organisations).await? };
    let covers = if groups.is_empty() { Vec::new() } else { store.summaries_of(&groups).await? };
    let covers: HashMap<SubjectName, Summary> =
        covers.into_iter().filter_map(|(_, name, bytes)| Some((name.clone(), summary(&name, &bytes)?))).collect();
    for subject in &mut subjects {
        let of = children.iter().filter(|(organisation, ..)| *organisation == subject.number);
        subject.reads = of.filter_map(|(_, name, bytes)| Some((name.clone(), summary(name, bytes)?))).collect();
        let groups = groups_of(book, subject).iter().filter_map(|name| Some((name.clone(), covers.get(name)?.clone())));
        let groups: Vec<_> = groups.collect();
        subject.reads.extend(groups);
    }
    Ok(subjects)
}

/// The cover groups that a ward reads.
fn groups_of<'a>(book: &'a Rulebook, subject: &Subject) -> &'a [SubjectName] {
    book.ward(&subject.name).map_or(&[], |facts| &facts.groups)
}

fn summary(name: &SubjectName, bytes: &bytes::Bytes) -> Option<Summary> {
    let summary = wire::summary_from(bytes);
    summary.inspect_err(|error| tracing::error!(%name, %error, "a subject's summary cannot be read")).ok()
}
