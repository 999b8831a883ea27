//! Short ways to act on alerts, and to read what became of it.

use std::sync::Arc;

use tonic::Status;
use wardwatch::clock::ManualClock;
use wardwatch::domain::Time;
use wardwatch::wire::pb::subscribe_request::Start;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, ActionCode, AlertEventType, CloseReason, ResponderRole};
use wardwatch::wire::timestamp_to;

use crate::support::service::{Place, Service, within};

/// Two services over one database; a SQLite file has one process, so there it is twice the same.
pub async fn two(place: &Place, clock: &Arc<ManualClock>) -> [Arc<Service>; 2] {
    let first = Arc::new(place.serve_by(clock).await);
    let second = match place {
        Place::Sqlite(_) => Arc::clone(&first),
        Place::Postgres(_) => Arc::new(place.serve_by(clock).await),
    };
    [first, second]
}

/// The site manager redeploys, until the policy's time.
pub fn ack(alert: &str) -> pb::AcknowledgeAlertRequest {
    pb::AcknowledgeAlertRequest {
        name: alert.to_owned(),
        role: ResponderRole::SiteManager.into(),
        action: ActionCode::Redeploying.into(),
        client_system: "DESK".into(),
        ..Default::default()
    }
}

pub fn ack_until(alert: &str, until: Time) -> pb::AcknowledgeAlertRequest {
    pb::AcknowledgeAlertRequest { expire_time: Some(timestamp_to(until)), ..ack(alert) }
}

impl Service {
    pub async fn acknowledge(&self, request: pb::AcknowledgeAlertRequest) -> Result<pb::Alert, Status> {
        Ok(within(self.alerts().acknowledge_alert(request)).await?.into_inner().alert.unwrap())
    }
    /// The matron gives it back.
    pub async fn unacknowledge(&self, alert: &str) -> Result<pb::Alert, Status> {
        let (role, client_system) = (ResponderRole::Matron.into(), "DESK".into());
        let request =
            pb::UnacknowledgeAlertRequest { name: alert.to_owned(), role, client_system, ..Default::default() };
        Ok(within(self.alerts().unacknowledge_alert(request)).await?.into_inner().alert.unwrap())
    }
    /// The matron closes it.
    pub async fn close(&self, alert: &str, reason: CloseReason) -> Result<pb::Alert, Status> {
        let request = pb::CloseAlertRequest {
            name: alert.to_owned(),
            reason: reason.into(),
            role: ResponderRole::Matron.into(),
            client_system: "DESK".into(),
            ..Default::default()
        };
        Ok(within(self.alerts().close_alert(request)).await?.into_inner().alert.unwrap())
    }
    /// The one open alert of a rule, forecasts too.
    pub async fn alert(&self, rule: &str) -> pb::Alert {
        let filter = pb::AlertFilter { rules: vec![rule.to_owned()], include_forecasts: true, ..Default::default() };
        let mut found = self.list(pb::ListAlertsRequest { filter: Some(filter), ..Default::default() }).await;
        assert_eq!(found.len(), 1, "{rule}: {found:?}");
        found.remove(0)
    }
    /// What happened to an alert, in order.
    pub async fn happened(&self, alert: &str) -> Vec<AlertEventType> {
        self.events(alert).await.iter().map(pb::AlertEvent::r#type).collect()
    }
    /// The audit, page by page.
    pub async fn audit(&self, mut request: pb::ListAuditEntriesRequest) -> Vec<pb::AuditEntry> {
        let mut entries = Vec::new();
        loop {
            let page = within(self.alerts().list_audit_entries(request.clone())).await.unwrap().into_inner();
            entries.extend(page.entries);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return entries;
            }
        }
    }
    /// Everything a subscriber sees from the log's beginning up to now.
    pub async fn seen(&self, place: &Place) -> Vec<pb::AlertEvent> {
        let newest = place.number("SELECT position FROM head").await;
        let request = pb::SubscribeRequest {
            filter: Some(pb::AlertFilter { include_forecasts: true, ..Default::default() }),
            start: Some(Start::SinceTime(timestamp_to(Time::from_micros(0)))),
            ..Default::default()
        };
        let mut stream = within(self.alerts().subscribe(request)).await.unwrap().into_inner();
        let mut seen: Vec<pb::AlertEvent> = Vec::new();
        while seen.last().is_none_or(|event| event.position < newest) {
            let message = within(stream.message()).await.unwrap().expect("the stream goes on");
            if let Some(Response::Events(events)) = message.response {
                seen.extend(events.events);
            }
        }
        seen
    }
}
