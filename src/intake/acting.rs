//! Responders' actions: each finds its alert's subject, is judged, and committed like any other input.

use tokio::sync::oneshot;

use crate::domain::{ActRefusal, SubjectName};
use crate::intake::draft::Draft;
use crate::intake::engine::Engine;
use crate::intake::{Acted, Action};
use crate::rules::Request;
use crate::store::{Batch, StoreError};
use crate::wire;

/// An action, and where its answer goes.
pub(super) type Asked = (Box<Action>, oneshot::Sender<Acted>);

impl Engine {
    /// Carries actions out one after the other: they are few, and each may depend on the one before.
    pub(super) async fn carry_out(&mut self, acts: &mut Vec<Asked>) {
        for (action, reply) in acts.drain(..) {
            let Some(acted) = self.act(&action).await else { return };
            // Nobody waiting any more is no fault: what was done is in the log.
            let _: Result<(), _> = reply.send(acted);
        }
    }

    /// Judges and commits an action, again when another replica was first; `None` when the service is cut down.
    async fn act(&mut self, action: &Action) -> Option<Acted> {
        let number = loop {
            match self.subject_of(action).await {
                Ok(Some(number)) => break number,
                Ok(None) => return Some(Err(ActRefusal::NotFound)),
                Err(error) => self.wait_for_storage(&error).await?,
            }
        };
        loop {
            while let Err(error) = self.subjects.load(std::iter::once(number)).await {
                self.wait_for_storage(&error).await?;
            }
            let Some(subject) = self.subjects.take(number) else { return Some(Err(ActRefusal::NotFound)) };
            let book = self.subjects.register().rulebook();
            let (now, tag) = (self.parts.clock.now(), fastrand::i64(1..i64::MAX));
            let request =
                Request { alert: action.alert, act: action.act, by: &action.by, etag: action.etag.as_deref() };
            let mut draft = Draft::new(&book, subject, now, self.parts.settings.report_retention);
            let acted = draft.act(&request, &action.actor);
            let (write, subject) = draft.finish(tag);
            let outcome = self.commit(Batch { tag, now, writes: vec![write] }).await?;
            let lost = self.keep(vec![subject], &outcome);
            if lost.is_empty() {
                return Some(acted);
            }
            if outcome.refused.contains(&number) {
                return Some(Err(ActRefusal::NotFound));
            }
        }
    }

    /// The subject of the action's alert, by number.
    async fn subject_of(&mut self, action: &Action) -> Result<Option<i64>, StoreError> {
        let Some(payload) = self.parts.store.get_alert(action.alert).await? else { return Ok(None) };
        let Ok(alert) = wire::log::alert(&payload) else { return Ok(None) };
        let Ok(name) = alert.subject.parse::<SubjectName>() else { return Ok(None) };
        self.subjects.know(std::iter::once(&name)).await?;
        let book = self.subjects.register().rulebook();
        // A group that is no longer in force may still have an open alert.
        Ok(book.number(&name).or_else(|| book.group(&name).map(|facts| facts.number)))
    }
}
