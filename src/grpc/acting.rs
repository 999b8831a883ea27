//! What responders do about alerts: acknowledge, give back, close.

use std::time::Duration;

use tonic::metadata::MetadataMap;

use crate::access::{Caller, Reach, Refused};
use crate::domain::{ActRefusal, AlertId};
use crate::grpc::alerts::Alerts;
use crate::grpc::reporting::patience;
use crate::grpc::status::Problem;
use crate::intake::{Action, Actor};
use crate::wire::log::alert;
use crate::wire::{AlertRequest, InvalidFields, pb};

/// How long an action waits for storage, as `SubmitReports` does (engine.md section 9).
const TIMEOUT: Duration = Duration::from_secs(10);

impl Alerts {
    /// Carries out what a caller asks of an alert; the alert as it is then.
    pub(super) async fn carry_out(
        &self,
        method: &str,
        headers: &MetadataMap,
        caller: &Caller,
        asked: Result<AlertRequest, InvalidFields>,
    ) -> Result<Option<pb::Alert>, Problem> {
        let AlertRequest { alert: id, act, by, etag } = asked.map_err(|wrong| Problem::BadRequest(wrong.0))?;
        if !caller.may_claim(by.role) {
            caller.refuse(Refused::Role, method);
            return Err(Problem::RoleNotYours);
        }
        if *caller.reach() != Reach::All {
            self.get(&id.to_string(), "name", caller).await?;
        }
        let actor = Actor { method: method.to_owned(), subject: caller.name().to_owned() };
        let acting = self.intake.act(Action { alert: id, act, by, etag, actor });
        let acted = match tokio::time::timeout(patience(headers, TIMEOUT), acting).await {
            Ok(Ok(acted)) => acted,
            Ok(Err(_)) => return Err(Problem::Draining(Duration::from_secs(1))),
            Err(_) => return Err(Problem::StorageUnavailable("no commit in time".to_owned())),
        };
        let payload = acted.map_err(|refusal| refused(id, &refusal))?;
        alert(&payload).map(Some).map_err(|e| Problem::Internal(e.to_string()))
    }
}

fn refused(id: AlertId, refusal: &ActRefusal) -> Problem {
    match refusal {
        ActRefusal::NotFound => Problem::NotFound(id.to_string()),
        ActRefusal::EtagMismatch => Problem::EtagMismatch(id.to_string()),
        ActRefusal::AlreadyResolved => Problem::AlertResolved(id.to_string()),
        ActRefusal::NotAcknowledged => Problem::NotAcknowledged(id.to_string()),
        ActRefusal::StillBreaching => Problem::StillBreaching(id.to_string()),
        ActRefusal::BadExpiry(latest) => {
            let what = format!("must be after now and at the latest {latest}; leave it out for the policy's own time");
            Problem::field("expire_time", what)
        }
    }
}
