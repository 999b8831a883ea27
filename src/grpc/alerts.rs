//! AlertService: the alert log as a stream, the alerts as they stand and stood, what responders do, the audit.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use tonic::{Request, Response, Status};

use crate::access::{Caller, Refused};
use crate::clock::SharedClock;
use crate::domain::AlertId;
use crate::feed::{Feed, Start, Stream, Wish};
use crate::grpc::filter::{Unwanted, Violations, Wanted, check};
use crate::grpc::guard::caller;
use crate::grpc::status::Problem;
use crate::grpc::subscribe::messages;
use crate::intake::Intake;
use crate::register::Register;
use crate::store::Store;
use crate::wire::log::{alert, asked, unframe};
use crate::wire::pb::alert_service_server::AlertService;
use crate::wire::pb::{self, subscribe_request};
use crate::wire::{acknowledge_from, close_from, to_time, unacknowledge_from};

/// Answers for alerts.
#[derive(Debug)]
pub struct Alerts {
    /// Follows the log.
    pub feed: Arc<Feed>,
    /// The rulebook in force.
    pub register: Arc<Register>,
    /// Where facts are kept.
    pub store: Arc<dyn Store>,
    /// Takes what responders do.
    pub intake: Intake,
    /// Now.
    pub clock: SharedClock,
    /// Ids of all rules, for filters.
    pub rules: &'static [&'static str],
}

impl Alerts {
    /// Opens a subscription.
    pub async fn open(&self, request: pb::SubscribeRequest, caller: Caller) -> Result<Stream, Problem> {
        let pb::SubscribeRequest { filter, start, heartbeat_interval, on_expired, subscriber } = request;
        let mut wrong = Violations::new();
        let start = started(start, &mut wrong);
        let heartbeat = match heartbeat_interval {
            None => self.feed.settings().heartbeat,
            Some(interval) => self.heartbeat(asked(interval), &mut wrong),
        };
        let on_expired = pb::OnExpired::try_from(on_expired).unwrap_or_else(|_| {
            wrong.push(("on_expired".into(), format!("{on_expired} is not a choice")));
            pb::OnExpired::Unspecified
        });
        if subscriber.len() > 32 || !subscriber.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
            wrong.push(("subscriber".into(), "is not a code of 1-32 letters, digits and . _ -".into()));
        }
        let filter = self.wanted(filter, wrong, &caller).await?.filter();
        let snapshot_if_expired = on_expired == pb::OnExpired::Snapshot;
        Ok(self.feed.subscribe(Wish { start, snapshot_if_expired, filter, heartbeat, subscriber, caller }).await?)
    }
    fn heartbeat(&self, interval: Duration, wrong: &mut Violations) -> Duration {
        let range = &self.feed.settings().heartbeats;
        if !range.contains(&interval) {
            let (least, most) = (range.start().as_secs_f64(), range.end().as_secs_f64());
            let text = format!("must be {least} to {most} s; leave it out for the service's own");
            wrong.push(("heartbeat_interval".into(), text));
        }
        interval
    }
    /// A checked filter, or all that is wrong with it and with the rest of the request.
    pub(super) async fn wanted(
        &self,
        filter: Option<pb::AlertFilter>,
        mut wrong: Violations,
        caller: &Caller,
    ) -> Result<Wanted, Problem> {
        let filter = filter.unwrap_or_default();
        let mut wanted = check(&filter, &self.register.rulebook(), self.rules, caller.reach());
        if wanted.is_err() {
            // Another replica may have registered it a moment ago.
            self.register.refresh().await?;
            wanted = check(&filter, &self.register.rulebook(), self.rules, caller.reach());
        }
        match wanted {
            Ok(wanted) if wrong.is_empty() => Ok(wanted),
            Ok(_) => Err(Problem::BadRequest(wrong)),
            Err(Unwanted::Foreign) => Err(foreign(caller)),
            Err(Unwanted::Wrong(more)) => {
                wrong.extend(more);
                Err(Problem::BadRequest(wrong))
            }
        }
    }
    /// An alert by its name. One of an organisation that the caller is not bound to is none.
    pub(super) async fn get(&self, name: &str, field: &str, caller: &Caller) -> Result<pb::Alert, Problem> {
        let id = alert_id(field, name)?;
        let missing = || Problem::NotFound(id.to_string());
        let payload = self.store.get_alert(id).await?.ok_or_else(missing)?;
        let alert = alert(&payload).map_err(|e| Problem::Internal(e.to_string()))?;
        if caller.reach().has_named(&alert.organisation) {
            return Ok(alert);
        }
        caller.refuse(Refused::Organisation, "alert");
        Err(missing())
    }
}

/// A filter names what its caller is not bound to, whether it exists or not.
pub(super) fn foreign(caller: &Caller) -> Problem {
    caller.refuse(Refused::Organisation, "filter");
    Problem::Refused(Refused::Organisation)
}

fn started(start: Option<subscribe_request::Start>, wrong: &mut Violations) -> Start {
    match start {
        None => Start::Now,
        Some(subscribe_request::Start::AfterCursor(cursor)) => Start::After(cursor),
        Some(subscribe_request::Start::Snapshot(pb::Snapshot {})) => Start::Snapshot,
        Some(subscribe_request::Start::SinceTime(time)) => to_time(time).map_or_else(
            || {
                wrong.push(("since_time".into(), "is not an instant between the years 1970 and 9999".into()));
                Start::Now
            },
            Start::Since,
        ),
    }
}

/// An alert's id from its name.
pub(super) fn alert_id(field: &str, name: &str) -> Result<AlertId, Problem> {
    name.parse().map_err(|e: crate::domain::InvalidId| Problem::field(field, e.to_string()))
}

#[tonic::async_trait]
impl AlertService for Alerts {
    type SubscribeStream = BoxStream<'static, Result<pb::SubscribeResponse, Status>>;

    /// As messages, for a caller in this process; on the wire `AlertApi` serves them as the feed encoded them.
    async fn subscribe(
        &self,
        request: Request<pb::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let caller = caller(&request)?;
        let messages = messages(self.open(request.into_inner(), caller).await?);
        let read = |parts: Vec<Bytes>| unframe(&parts).map_err(|e| Problem::Internal(e.to_string()).into());
        Ok(Response::new(messages.map(move |message| message.and_then(read)).boxed()))
    }
    async fn list_alerts(
        &self,
        request: Request<pb::ListAlertsRequest>,
    ) -> Result<Response<pb::ListAlertsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(self.list(request.into_inner(), &caller).await?))
    }
    async fn get_alert(&self, request: Request<pb::GetAlertRequest>) -> Result<Response<pb::GetAlertResponse>, Status> {
        let caller = caller(&request)?;
        let alert = Some(self.get(&request.into_inner().name, "name", &caller).await?);
        Ok(Response::new(pb::GetAlertResponse { alert }))
    }
    async fn list_alert_events(
        &self,
        request: Request<pb::ListAlertEventsRequest>,
    ) -> Result<Response<pb::ListAlertEventsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(self.events(request.into_inner(), &caller).await?))
    }
    async fn acknowledge_alert(
        &self,
        request: Request<pb::AcknowledgeAlertRequest>,
    ) -> Result<Response<pb::AcknowledgeAlertResponse>, Status> {
        let caller = caller(&request)?;
        let (headers, _, message) = request.into_parts();
        let alert = self.carry_out("AcknowledgeAlert", &headers, &caller, acknowledge_from(message)).await?;
        Ok(Response::new(pb::AcknowledgeAlertResponse { alert }))
    }
    async fn unacknowledge_alert(
        &self,
        request: Request<pb::UnacknowledgeAlertRequest>,
    ) -> Result<Response<pb::UnacknowledgeAlertResponse>, Status> {
        let caller = caller(&request)?;
        let (headers, _, message) = request.into_parts();
        let alert = self.carry_out("UnacknowledgeAlert", &headers, &caller, unacknowledge_from(message)).await?;
        Ok(Response::new(pb::UnacknowledgeAlertResponse { alert }))
    }
    async fn close_alert(
        &self,
        request: Request<pb::CloseAlertRequest>,
    ) -> Result<Response<pb::CloseAlertResponse>, Status> {
        let caller = caller(&request)?;
        let (headers, _, message) = request.into_parts();
        let alert = self.carry_out("CloseAlert", &headers, &caller, close_from(message)).await?;
        Ok(Response::new(pb::CloseAlertResponse { alert }))
    }
    async fn list_audit_entries(
        &self,
        request: Request<pb::ListAuditEntriesRequest>,
    ) -> Result<Response<pb::ListAuditEntriesResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(self.audit(request.into_inner(), &caller).await?))
    }
}
