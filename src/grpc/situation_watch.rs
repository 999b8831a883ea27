//! One watcher of the situation: it looks once a second whether anything may have changed, and computes only then.

use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};

use crate::access::{Caller, Refused};
use crate::feed::cursor;
use crate::grpc::receipts::{aged, retry_after};
use crate::grpc::situation::{Computed, Situations};
use crate::grpc::status::Problem;
use crate::situation::Ask;
use crate::store::Head;
use crate::wire::pb::watch_situation_response::Response;
use crate::wire::{duration_to, pb, timestamp_to};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Computing takes at most one part in so many of the time.
const SHARE: u32 = 10;

/// A stream of situations.
#[derive(Debug)]
pub(super) struct Watch {
    service: Situations,
    ask: Ask,
    heartbeat: Duration,
    phase: Phase,
    last: Option<Computed>,
    look_at: Instant,
    /// When the client must hear something.
    quiet_until: Instant,
    /// When it reaches its greatest age.
    ends: Instant,
    caller: Caller,
    _room: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Phase {
    Opening,
    Following,
    Ending(Problem),
    Over,
}

type Message = pb::WatchSituationResponse;

impl Watch {
    pub fn new(service: Situations, ask: Ask, heartbeat: Duration, room: OwnedSemaphorePermit, caller: Caller) -> Self {
        let now = Instant::now();
        let ends = now + aged(service.feed.settings().max_age);
        let (phase, last) = (Phase::Opening, None);
        Self { service, ask, heartbeat, phase, last, look_at: now, quiet_until: now, ends, caller, _room: room }
    }

    /// The next message, or how the stream ends; then nothing more.
    pub async fn next(&mut self) -> Option<Result<Message, Problem>> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Opening => return Some(self.open().await),
            Phase::Ending(problem) => return Some(Err(problem)),
            Phase::Over => return None,
            Phase::Following => self.phase = Phase::Following,
        }
        let (soft, caller) = (self.service.lifecycle.soft.clone(), self.caller.clone());
        loop {
            let message = tokio::select! {
                biased;
                why = caller.ended() => Ok(Some(self.dismiss(why))),
                () = soft.cancelled() => Ok(Some(self.goodbye("SERVER_DRAINING", Problem::Draining))),
                () = sleep_until(self.ends) => Ok(Some(self.goodbye("STREAM_AGE", Problem::StreamAge))),
                message = self.look() => message,
            };
            match message {
                Ok(None) => {}
                Ok(Some(message)) => {
                    // A look before the interval is over, so that the answer comes in time.
                    self.quiet_until = Instant::now() + self.heartbeat.saturating_sub(PAUSE);
                    return Some(Ok(message));
                }
                Err(problem) => {
                    self.phase = Phase::Over;
                    return Some(Err(problem));
                }
            }
        }
    }

    async fn open(&mut self) -> Result<Message, Problem> {
        let head = self.service.store.head().await?;
        self.phase = Phase::Following;
        Ok(message(Response::Opened(pb::Opened {
            heartbeat_interval: Some(duration_to(crate::domain::Span::micros(
                i64::try_from(self.heartbeat.as_micros()).unwrap_or(i64::MAX),
            ))),
            log_id: cursor::log_name(head.log_id),
            server_time: Some(timestamp_to(self.service.clock.now())),
        })))
    }

    fn dismiss(&mut self, why: Refused) -> Message {
        self.caller.refuse(why, "WatchSituation");
        let reason = if why == Refused::Expired { "TOKEN_EXPIRED" } else { "PERMISSION_WITHDRAWN" };
        self.goodbye(reason, |_| Problem::Refused(why))
    }

    fn goodbye(&mut self, reason: &str, end: impl FnOnce(Duration) -> Problem) -> Message {
        let after = retry_after();
        self.phase = Phase::Ending(end(after));
        let micros = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
        let retry_after = Some(duration_to(crate::domain::Span::micros(micros)));
        message(Response::Goodbye(pb::Goodbye { reason: reason.to_owned(), retry_after }))
    }

    /// One look. While storage is away nothing is said: nobody knows what stands.
    async fn look(&mut self) -> Result<Option<Message>, Problem> {
        sleep_until(self.look_at).await;
        self.look_at = Instant::now() + PAUSE;
        let head = match self.service.store.head().await.map_err(Problem::from) {
            Ok(head) => head,
            Err(problem) => return silent(problem),
        };
        if !self.may_differ(&head) {
            return Ok(None);
        }
        let started = Instant::now();
        let computed = match self.service.compute(&self.ask, &self.caller).await {
            Ok(computed) => computed,
            Err(problem) => return silent(problem),
        };
        self.look_at = Instant::now() + PAUSE.max(started.elapsed() * (SHARE - 1));
        let same = self.last.as_ref().is_some_and(|last| timeless(&last.situation) == timeless(&computed.situation));
        let sent = if !same {
            Some(Response::Situation(computed.situation.clone()))
        } else if Instant::now() >= self.quiet_until {
            let server_time = computed.situation.server_time;
            Some(Response::Heartbeat(pb::Heartbeat { server_time }))
        } else {
            None
        };
        self.last = Some(computed);
        Ok(sent.map(message))
    }

    /// Whether anything may have changed since the last look. Figures that move no alert move no log: they are seen at
    /// the next heartbeat.
    fn may_differ(&self, head: &Head) -> bool {
        let Some(Computed { head: last, next_change, .. }) = &self.last else { return true };
        (head.log_id, head.point, head.generation) != (last.log_id, last.point, last.generation)
            || next_change.is_some_and(|at| at <= self.service.clock.now())
            || Instant::now() >= self.quiet_until
    }
}

/// Storage that is away comes back; anything else ends the stream.
fn silent(problem: Problem) -> Result<Option<Message>, Problem> {
    match problem {
        Problem::StorageUnavailable(_) => Ok(None),
        other => Err(other),
    }
}

fn message(response: Response) -> Message {
    Message { response: Some(response) }
}

/// A situation without what changes with time alone, or with events elsewhere.
fn timeless(situation: &pb::Situation) -> pb::Situation {
    let mut same = situation.clone();
    same.cursor.clear();
    same.position = 0;
    same.server_time = None;
    let blocks = same.total.iter_mut().chain(&mut same.regions).chain(&mut same.organisations);
    for block in blocks {
        block.hour_ago_time = None;
        block.strikes.iter_mut().for_each(|s| s.seconds_left = 0);
        if let Some(responders) = &mut block.responders {
            responders.oldest_unacknowledged_seconds = 0;
        }
    }
    same
}
