use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::mpsc;

use crate::domain::{Receipt, Span};
use crate::faults::{self, Point};
use crate::intake::acting::Asked;
use crate::intake::outage::Outage;
use crate::intake::subjects::Subjects;
use crate::intake::{Message, Parts, Work};

/// The one loop. It owns the cache, so no lock is held while judging.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) parts: Parts,
    pub(super) subjects: Subjects,
    pub(super) outage: Outage,
}

impl Engine {
    pub(super) fn new(parts: Parts) -> Self {
        let subjects = Subjects::new(Arc::clone(&parts.store), Arc::clone(&parts.register));
        let outage = Outage::new(parts.waiting.clone());
        Self { parts, subjects, outage }
    }

    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut works = Vec::new();
        let mut acts = Vec::new();
        let mut settles = Vec::new();
        let clock = Arc::clone(&self.parts.clock);
        // Replicas start apart from one another, so that they do not sweep the same subjects at once.
        let offset = Span::millis(fastrand::i64(0..200));
        let mut planned = clock.now() + offset;
        let (mut sweep, mut due) = (clock.sleep_until(planned), false);
        while !self.parts.hard.is_cancelled() {
            tokio::select! {
                biased;
                message = messages.recv() => match message {
                    Some(message) => self.drain(message, &mut messages, &mut works, &mut acts, &mut settles),
                    None => break,
                },
                () = &mut sweep, if !due => due = true,
            }
            self.answer(&mut works).await;
            self.carry_out(&mut acts).await;
            // Also when messages never let the select come to it.
            due = due || (&mut sweep).now_or_never().is_some();
            if due || !settles.is_empty() {
                // From its beginning on: what falls due while it lasts waits no longer than for a short one.
                let began = clock.now();
                let found_all = self.sweep().await;
                self.parts.meter.swept((began - planned).to_std(), found_all);
                planned = began + self.parts.settings.sweep_every;
                (sweep, due) = (clock.sleep_until(planned), false);
            }
            for settle in settles.drain(..) {
                // Nobody waiting any more is no fault.
                let _: Result<(), ()> = settle.send(());
            }
        }
    }

    /// Takes what queued meanwhile, up to a batch.
    fn drain(
        &self,
        first: Message,
        messages: &mut mpsc::Receiver<Message>,
        works: &mut Vec<Work>,
        acts: &mut Vec<Asked>,
        settles: &mut Vec<tokio::sync::oneshot::Sender<()>>,
    ) {
        let mut next = Some(first);
        let mut reports = 0;
        while let Some(message) = next {
            match message {
                Message::Work(work) => {
                    reports += work.items.len();
                    works.push(work);
                }
                Message::Act(action, reply) => acts.push((action, reply)),
                Message::Settle(reply) => settles.push(reply),
            }
            next = if reports < self.parts.settings.batch { messages.try_recv().ok() } else { None };
        }
    }

    async fn answer(&mut self, works: &mut Vec<Work>) {
        let (checks, commits): (Vec<_>, Vec<_>) = works.drain(..).partition(|w| w.validate_only);
        for work in checks {
            let receipts = self.check(&work.items).await;
            reply(work, receipts);
        }
        if !commits.is_empty() {
            let receipts = self.take_in(&commits).await;
            self.parts.meter.answered(receipts.iter().flatten().flatten());
            faults::point(Point::BeforeReceipt).await;
            commits.into_iter().zip(receipts).for_each(|(work, receipts)| reply(work, receipts));
        }
    }
}

/// Answers a caller; one who has gone will send again, and be answered DUPLICATE.
fn reply(work: Work, receipts: Option<Vec<Receipt>>) {
    if let Some(receipts) = receipts {
        let _: Result<(), _> = work.reply.send(receipts);
    }
}
