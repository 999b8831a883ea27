//! What the intake does: receipts, judging, committing, sweeping. Counted for each batch, not for each report.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::domain::{Outcome, Receipt};
use crate::metrics::figures::Seconds;
use crate::metrics::labels::{REASONS, reason};
use crate::metrics::registered;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReceiptLabels {
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// Stored kinds of receipts; the rejected follow, by reason.
const STORED: [&str; 3] = ["accepted", "superseded", "duplicate"];
const KINDS: usize = STORED.len() + REASONS.len();

/// A handle for the intake. Clones are one.
#[derive(Clone, Debug)]
pub struct IntakeMeter {
    receipts: [Counter; KINDS],
    evaluation: Histogram,
    commit: Histogram,
    swept: Counter,
    sweep_failed: Counter,
    late: Seconds,
    age: Seconds,
    last: Arc<Mutex<Instant>>,
}

impl IntakeMeter {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let help = "Reports answered, by outcome and, of the rejected, the first reason";
        let receipts: Family<ReceiptLabels, Counter> = registered(registry, "wardwatch_receipts", help);
        let receipt = |kind: usize| {
            let (outcome, reason) = match STORED.get(kind) {
                Some(outcome) => (*outcome, ""),
                None => ("rejected", reason(REASONS[kind - STORED.len()])),
            };
            receipts.get_or_create_owned(&ReceiptLabels { outcome, reason })
        };
        let help = "Sweeps for what time alone has made due, by result";
        let sweeps: Family<ResultLabels, Counter> = registered(registry, "wardwatch_sweeps", help);
        let sweep = |result| sweeps.get_or_create_owned(&ResultLabels { result });
        // 0.1 ms to 1.6 s, and 1 ms to 16 s.
        let (evaluation, commit) =
            (Histogram::new(exponential_buckets(1e-4, 2.0, 15)), Histogram::new(exponential_buckets(1e-3, 2.0, 15)));
        registry.register("wardwatch_evaluation_seconds", "Time to judge one batch of reports", evaluation.clone());
        registry.register("wardwatch_commit_seconds", "Time in which storage committed one batch", commit.clone());
        Self {
            receipts: std::array::from_fn(receipt),
            evaluation,
            commit,
            swept: sweep("ok"),
            sweep_failed: sweep("failed"),
            late: registered(registry, "wardwatch_sweep_late_seconds", "How late the last sweep began"),
            age: registered(
                registry,
                "wardwatch_sweep_age_seconds",
                "Time since the last sweep that found all it asked for",
            ),
            last: Arc::new(Mutex::new(Instant::now())),
        }
    }
    /// Receipts are handed out.
    pub fn answered<'a>(&self, receipts: impl Iterator<Item = &'a Receipt>) {
        let mut counts = [0_u64; KINDS];
        receipts.for_each(|receipt| counts[kind(receipt)] += 1);
        for (counter, count) in self.receipts.iter().zip(counts).filter(|(_, count)| *count > 0) {
            counter.inc_by(count);
        }
    }
    /// A batch was judged.
    pub fn judged(&self, took: Duration) {
        self.evaluation.observe(took.as_secs_f64());
    }
    /// A batch was committed.
    pub fn committed(&self, took: Duration) {
        self.commit.observe(took.as_secs_f64());
    }
    /// A sweep is over that began so late.
    pub fn swept(&self, late: Duration, found_all: bool) {
        self.late.set(late.as_secs_f64());
        if found_all {
            self.swept.inc();
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        } else {
            self.sweep_failed.inc();
        }
    }
    pub(super) fn pass_time(&self) {
        self.age.set(self.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed().as_secs_f64());
    }
}

impl Default for IntakeMeter {
    /// One that nobody reads.
    fn default() -> Self {
        Self::new(&mut Registry::default())
    }
}

fn kind(receipt: &Receipt) -> usize {
    match &receipt.outcome {
        Outcome::Accepted(_) => 0,
        Outcome::Superseded(_) => 1,
        Outcome::Duplicate => 2,
        Outcome::Rejected(error) => {
            let first = error.violations.first().map(|v| v.reason);
            let place = first.and_then(|first| REASONS.iter().position(|reason| *reason == first));
            STORED.len() + place.unwrap_or(REASONS.len() - 1)
        }
    }
}
