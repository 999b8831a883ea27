//! Reports through one batch: resolve, load, probe, judge, commit; those that lost a race are judged again.

use std::collections::HashMap;
use std::time::Instant;

use crate::domain::{FieldViolation, Receipt, RejectReason, Rulebook, Subject, SubjectName};
use crate::intake::commit::Outcome;
use crate::intake::draft::Draft;
use crate::intake::engine::Engine;
use crate::intake::{Item, Submitted, Work};
use crate::rules::{self, Standing};
use crate::store::{Batch, ReportRowKey, StoreError};

/// Where a receipt belongs: the work, and the report in it.
type Slot = (usize, usize);

/// A report that awaits its receipt.
struct Open<'a> {
    slot: Slot,
    number: i64,
    submitted: &'a Submitted,
    /// The database refused its subject's write: it is looked for among the stored ones, whatever its time.
    suspect: bool,
}

/// The receipts of a batch, filled as they come.
struct Receipts(Vec<Vec<Option<Receipt>>>);

impl Receipts {
    fn new<'a>(works: impl Iterator<Item = &'a [Item]>) -> Self {
        Self(
            works
                .map(|items| items.iter().map(|i| i.as_ref().err().map(|refused| Receipt::clone(refused))).collect())
                .collect(),
        )
    }
    fn fill(&mut self, (work, item): Slot, receipt: Receipt) {
        self.0[work][item] = Some(receipt);
    }
    /// Those of each work, when all of it is answered.
    fn finish(self) -> Vec<Option<Vec<Receipt>>> {
        self.0.into_iter().map(|work| work.into_iter().collect()).collect()
    }
}

impl Engine {
    /// Takes reports in. Returns when each is durable or refused, however long storage is away; a work without receipts
    /// means that the service was cut down meanwhile.
    pub(super) async fn take_in(&mut self, works: &[Work]) -> Vec<Option<Vec<Receipt>>> {
        let mut receipts = Receipts::new(works.iter().map(|w| w.items.as_slice()));
        let Some(mut open) = self.open(works.iter().map(|w| w.items.as_slice()), &mut receipts).await else {
            return receipts.finish();
        };
        while !open.is_empty() {
            let Some(drafted) = self.judge(&open).await else { break };
            let Some(outcome) = self.commit(drafted.batch).await else { break };
            open = self.settle(open, drafted.subjects, drafted.receipts, &outcome, &mut receipts);
        }
        receipts.finish()
    }

    /// Judges reports as if they came now, and stores nothing.
    pub(super) async fn check(&mut self, items: &[Item]) -> Option<Vec<Receipt>> {
        let mut receipts = Receipts::new(std::iter::once(items));
        let open = self.open(std::iter::once(items), &mut receipts).await?;
        // No commit will prove what is remembered, so it is read anew.
        for report in &open {
            self.subjects.forget(report.number);
        }
        let drafted = self.judge(&open).await?;
        for (report, receipt) in open.iter().zip(drafted.receipts) {
            receipts.fill(report.slot, receipt?);
        }
        // What was judged never happened.
        drafted.subjects.iter().for_each(|s| self.subjects.forget(s.number));
        receipts.finish().pop().flatten()
    }

    /// Reports whose subject is known; the others are answered at once.
    async fn open<'a>(
        &mut self,
        works: impl Iterator<Item = &'a [Item]>,
        receipts: &mut Receipts,
    ) -> Option<Vec<Open<'a>>> {
        let items =
            works.enumerate().flat_map(|(work, items)| items.iter().enumerate().map(move |(n, i)| ((work, n), i)));
        let reports: Vec<(Slot, &Submitted)> = items.filter_map(|(slot, i)| Some((slot, i.as_ref().ok()?))).collect();
        let subjects = || reports.iter().map(|(_, s)| &s.report.key.subject);
        while let Err(error) = self.subjects.know(subjects()).await {
            self.wait_for_storage(&error).await?;
        }
        let book = self.subjects.register().rulebook();
        let mut open = Vec::with_capacity(reports.len());
        for (slot, submitted) in reports {
            match book.number(&submitted.report.key.subject) {
                Some(number) => open.push(Open { slot, number, submitted, suspect: false }),
                None => receipts.fill(slot, unknown(&book, submitted)),
            }
        }
        Some(open)
    }

    /// Judges each subject's reports one on the other.
    async fn judge(&mut self, open: &[Open<'_>]) -> Option<Drafted> {
        let stored = loop {
            match self.prepare(open).await {
                Ok(stored) => break stored,
                Err(error) => self.wait_for_storage(&error).await?,
            }
        };
        let began = Instant::now();
        let book = self.subjects.register().rulebook();
        let now = self.parts.clock.now();
        let tag = fastrand::i64(1..i64::MAX);
        let retention = self.parts.settings.report_retention;
        let fresh = |subject| Draft::new(&book, subject, now, retention);
        let mut drafts: HashMap<i64, Draft<'_>> = HashMap::new();
        let mut order = Vec::new();
        let mut receipts = Vec::with_capacity(open.len());
        let mut seen = stored;
        for Open { number, submitted, .. } in open {
            let Some(draft) = draft(&mut drafts, &mut order, *number, || self.subjects.take(*number), fresh) else {
                receipts.push(Some(refused(submitted)));
                continue;
            };
            let key = row_key(*number, submitted);
            let receipt = draft.report(submitted, seen.get(&key).copied());
            // Sent twice in one batch: the second finds the first, as it would in the store.
            if receipt.as_ref().is_some_and(Receipt::is_stored) {
                seen.entry(key).or_insert(submitted.digest);
            }
            receipts.push(receipt);
        }
        let finished = order.into_iter().filter_map(|n| drafts.remove(&n)).map(|d| d.finish(tag));
        let (writes, subjects) = finished.unzip();
        self.parts.meter.judged(began.elapsed());
        Some(Drafted { batch: Batch { tag, now, writes }, subjects, receipts })
    }

    /// Loads the subjects, and the digests of those reports that may have been stored before.
    async fn prepare(&mut self, open: &[Open<'_>]) -> Result<HashMap<ReportRowKey, i64>, StoreError> {
        self.subjects.load(open.iter().map(|o| o.number)).await?;
        let (mut keys, mut stored) = (Vec::new(), HashMap::new());
        for Open { number, submitted, suspect, .. } in open {
            let (key, digest) = (row_key(*number, submitted), submitted.digest);
            let standing = self.subjects.get(*number).map(|s| rules::standing(&s.state, &submitted.report, digest));
            match standing {
                // Current now. A newer one before it in this batch makes it an older one, and nobody would look.
                Some(Standing::Duplicate) => drop(stored.insert(key, digest)),
                Some(Standing::Older) => keys.push(key),
                _ if *suspect => keys.push(key),
                _ => {}
            }
        }
        if !keys.is_empty() {
            stored.extend(self.parts.store.find_reports(&keys).await?);
        }
        Ok(stored)
    }

    /// Hands out the receipts of what was committed; returns what must be judged again.
    fn settle<'a>(
        &mut self,
        open: Vec<Open<'a>>,
        subjects: Vec<Subject>,
        judged: Vec<Option<Receipt>>,
        outcome: &Outcome,
        receipts: &mut Receipts,
    ) -> Vec<Open<'a>> {
        let lost: Vec<i64> = self.keep(subjects, outcome);
        let mut again = Vec::new();
        for (report, receipt) in open.into_iter().zip(judged) {
            if outcome.refused.contains(&report.number) {
                if report.suspect {
                    receipts.fill(report.slot, refused(report.submitted));
                } else {
                    // An id used again long after is no fault of the database: look, and judge once more.
                    again.push(Open { suspect: true, ..report });
                }
            } else if let (false, Some(receipt)) = (lost.contains(&report.number), receipt) {
                receipts.fill(report.slot, receipt);
            } else {
                again.push(report);
            }
        }
        again
    }
}

/// A judged batch: what to write, the subjects as they will be, and the receipts in the order of the reports.
struct Drafted {
    batch: Batch,
    subjects: Vec<Subject>,
    receipts: Vec<Option<Receipt>>,
}

fn draft<'d, 'b>(
    drafts: &'d mut HashMap<i64, Draft<'b>>,
    order: &mut Vec<i64>,
    number: i64,
    subject: impl FnOnce() -> Option<Subject>,
    fresh: impl FnOnce(Subject) -> Draft<'b>,
) -> Option<&'d mut Draft<'b>> {
    if let std::collections::hash_map::Entry::Vacant(entry) = drafts.entry(number) {
        entry.insert(fresh(subject()?));
        order.push(number);
    }
    drafts.get_mut(&number)
}

fn row_key(subject: i64, submitted: &Submitted) -> ReportRowKey {
    let key = &submitted.report.key;
    ReportRowKey { observed: key.observed, subject, id: key.id }
}

fn unknown(book: &Rulebook, submitted: &Submitted) -> Receipt {
    let key = &submitted.report.key;
    let (field, what) = match key.subject {
        SubjectName::CoverGroup(..) => ("cover_group", "cover group"),
        SubjectName::Ward(..) | SubjectName::Organisation(_) => ("ward", "ward"),
    };
    let nearest = rules::nearest(book, &key.subject, |_| submitted.by.is_empty())
        .map(|n| format!(" (nearest: {n})"))
        .unwrap_or_default();
    let text = format!("{} is not registered{nearest}: check the {what}, or register it first", key.subject);
    Receipt::rejected(key.id.to_string(), FieldViolation::new(field, RejectReason::UnknownSubject, text))
}

fn refused(submitted: &Submitted) -> Receipt {
    let text = "the database refused this report; it was logged, and sending it again will not help";
    Receipt::rejected(submitted.report.key.id.to_string(), FieldViolation::new("report", RejectReason::Internal, text))
}
