//! SituationService: the control room's view, once or as a stream.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::stream::{BoxStream, StreamExt, unfold};
use tonic::{Request, Response, Status};

use crate::access::{Caller, Refused, Role};
use crate::clock::SharedClock;
use crate::domain::{Day, OrganisationCode, Time, Zone};
use crate::feed::{Feed, cursor};
use crate::grpc::alerts::foreign;
use crate::grpc::filter::{self, Unwanted, Violations};
use crate::grpc::guard::caller;
use crate::grpc::situation_watch::Watch;
use crate::grpc::status::Problem;
use crate::lifecycle::Lifecycle;
use crate::register::Register;
use crate::rules;
use crate::situation::{self, Ask, Unreadable};
use crate::store::{Head, Store};
use crate::wire::{log::asked, pb, to_time};

/// Planned work is added up so many days to either side of today, unless asked otherwise.
const DAYS: i64 = 14;
/// Most days of it.
const MOST_DAYS: i64 = 366;
/// How often a survey is repeated because the register changed under it.
const TRIES: usize = 5;

/// The service.
#[derive(Clone, Debug)]
pub struct Situations {
    /// What stands.
    pub store: Arc<dyn Store>,
    /// The rulebook in force.
    pub register: Arc<Register>,
    /// Says how streams behave.
    pub feed: Arc<Feed>,
    /// Now.
    pub clock: SharedClock,
    /// Tells streams when to end.
    pub lifecycle: Lifecycle,
}

/// A situation, and what tells whether it may have changed since.
#[derive(Debug)]
pub(super) struct Computed {
    pub situation: pb::Situation,
    pub head: Head,
    /// When time alone may change it.
    pub next_change: Option<Time>,
}

#[tonic::async_trait]
impl pb::situation_service_server::SituationService for Situations {
    type WatchSituationStream = BoxStream<'static, Result<pb::WatchSituationResponse, Status>>;

    async fn get_situation(
        &self,
        request: Request<pb::GetSituationRequest>,
    ) -> Result<Response<pb::GetSituationResponse>, Status> {
        let caller = caller(&request)?;
        let pb::GetSituationRequest { filter, as_of_time, activity_start_day, activity_end_day, total_only } =
            request.into_inner();
        let mut wrong = Violations::new();
        let as_of = as_of_time.and_then(|time| {
            let at = to_time(time).filter(|at| *at <= self.clock.now());
            if at.is_none() {
                wrong.push(("as_of_time".into(), "is not an instant that has passed; leave it out for now".into()));
            }
            at
        });
        let ask = self.ask(filter, [activity_start_day, activity_end_day], wrong, &caller).await?;
        let computed = self.compute(&Ask { as_of, total_only, ..ask }, &caller).await?;
        Ok(Response::new(pb::GetSituationResponse { situation: Some(computed.situation) }))
    }

    async fn watch_situation(
        &self,
        request: Request<pb::WatchSituationRequest>,
    ) -> Result<Response<Self::WatchSituationStream>, Status> {
        let caller = caller(&request)?;
        let pb::WatchSituationRequest { filter, activity_start_day, activity_end_day, total_only, heartbeat_interval } =
            request.into_inner();
        let mut wrong = Violations::new();
        let settings = self.feed.settings();
        let heartbeat = heartbeat_interval.map_or(settings.heartbeat, asked);
        if !settings.heartbeats.contains(&heartbeat) {
            let (least, most) = (settings.heartbeats.start().as_secs_f64(), settings.heartbeats.end().as_secs_f64());
            let text = format!("must be {least} to {most} s; leave it out for the service's own");
            wrong.push(("heartbeat_interval".into(), text));
        }
        let ask = self.ask(filter, [activity_start_day, activity_end_day], wrong, &caller).await?;
        let room = self.feed.admit().map_err(Problem::from)?;
        let watch = Watch::new(self.clone(), Ask { total_only, ..ask }, heartbeat, room, caller);
        let messages = unfold(watch, |mut watch| async move {
            let next = watch.next().await?;
            Some((next.map_err(Status::from), watch))
        });
        Ok(Response::new(messages.boxed()))
    }
}

impl Situations {
    /// What is asked for now, or everything that is wrong with it.
    async fn ask(
        &self,
        filter: Option<pb::SituationFilter>,
        days: [String; 2],
        mut wrong: Violations,
        caller: &Caller,
    ) -> Result<Ask, Problem> {
        let pb::SituationFilter { organisations, sites, regions } = filter.unwrap_or_default();
        if !sites.is_empty() && caller.identity().sees_totals_only() {
            // A site may be a single ward.
            caller.refuse(Refused::Role, "filter.sites");
            return Err(Problem::Refused(Refused::Role));
        }
        let filter = pb::AlertFilter { organisations, sites, regions, ..pb::AlertFilter::default() };
        let mut wanted = filter::check(&filter, &self.register.rulebook(), rules::RULES, caller.reach());
        if wanted.is_err() {
            // Another replica may have registered it a moment ago.
            self.register.refresh().await?;
            wanted = filter::check(&filter, &self.register.rulebook(), rules::RULES, caller.reach());
        }
        let (first_day, last_day) = self.days(&days, &mut wrong);
        match wanted {
            Ok(wanted) if wrong.is_empty() => Ok(Ask {
                query: wanted.query(),
                as_of: None,
                first_day,
                last_day,
                total_only: false,
                planned: planned(caller),
            }),
            Ok(_) => Err(Problem::BadRequest(wrong)),
            Err(Unwanted::Foreign) => Err(foreign(caller)),
            Err(Unwanted::Wrong(more)) => Err(Problem::BadRequest([wrong, more].concat())),
        }
    }

    fn days(&self, [first, last]: &[String; 2], wrong: &mut Violations) -> (Day, Day) {
        let today = Day::of(self.clock.now(), &Zone::london());
        let mut day = |field: &str, text: &str, offset: i64| {
            if text.is_empty() {
                return Day::from_number(today.number() + offset).unwrap_or(today);
            }
            text.parse().unwrap_or_else(|e: crate::domain::InvalidTime| {
                wrong.push((field.to_owned(), e.to_string()));
                today
            })
        };
        let (from, to) = (day("activity_start_day", first, -DAYS), day("activity_end_day", last, DAYS));
        if wrong.is_empty() && !(0..MOST_DAYS).contains(&(to.number() - from.number())) {
            let text = format!("{to} is not from the start, {from}, to {MOST_DAYS} days in all");
            wrong.push(("activity_end_day".into(), text));
        }
        (from, to)
    }

    /// Reads and computes. Rulebook and survey are of one generation, unless the register changes all the time.
    pub(super) async fn compute(&self, ask: &Ask, caller: &Caller) -> Result<Computed, Problem> {
        let mut tries = 1;
        let (material, book, now) = loop {
            let (book, now) = (self.register.rulebook(), self.clock.now());
            let material = situation::read(self.store.as_ref(), &book, ask, now).await?;
            if material.head.generation == book.generation || tries >= TRIES {
                break (material, book, now);
            }
            tries += 1;
            self.register.refresh_to(material.head.generation).await?;
        };
        let (head, point, next_change) = (material.head, material.point, material.next_change());
        let ask = ask.clone();
        // England is thousands of wards: not on a thread that others wait for.
        let computing = tokio::task::spawn_blocking(move || situation::situation(&material, &book, &ask, now));
        let situation = computing.await.map_err(|e| Problem::Internal(e.to_string()))?;
        let cursor = cursor::encode(head.log_id, point);
        let situation = pb::Situation { cursor, ..situation };
        let situation = if caller.identity().sees_totals_only() { totals(situation) } else { situation };
        Ok(Computed { situation, head, next_change })
    }
}

/// The organisations that a caller plans for: those that the permissions name, not all of a nation.
fn planned(caller: &Caller) -> BTreeSet<OrganisationCode> {
    caller.reach().named().filter(|_| caller.has(&[Role::Planner])).cloned().unwrap_or_default()
}

/// A situation without single alerts, which name wards.
fn totals(mut situation: pb::Situation) -> pb::Situation {
    let blocks = situation.total.iter_mut().chain(&mut situation.regions).chain(&mut situation.organisations);
    for block in blocks {
        block.worst.clear();
        block.next_forecast = None;
    }
    situation
}

impl From<Unreadable> for Problem {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::TooOld => Self::field("as_of_time", "is older than the log reaches back"),
            Unreadable::Store(error) => error.into(),
        }
    }
}
