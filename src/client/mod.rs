//! The project's own client: typed calls, a reporter that resends, a subscriber that resumes. The command line, the
//! demo and the tests reach the service through it, as any integrator would.

mod acting;
mod bearer;
mod connection;
mod dial;
mod error;
mod health;
pub mod json;
mod reporter;
mod retry;
mod shift;
mod situation;
mod strikes;
mod subscriber;
mod target;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use tonic::Request;

pub use crate::wire::{pb, timestamp_to};
pub use dial::Handshake;
pub use error::{Error, Refusal};
pub use reporter::{Receipts, ReportSender, WINDOW};
pub use shift::{Moment, Shift, instant};
pub use situation::{Sight, SituationWatcher};
pub use subscriber::{Item, ItemKind, Start, Subscriber, Subscription};
pub use target::Target;

use connection::Wire;
use dial::Dial;

use pb::alert_service_client::AlertServiceClient;
use pb::policy_service_client::PolicyServiceClient;
use pb::register_service_client::RegisterServiceClient;
use pb::reporting_service_client::ReportingServiceClient;
use pb::server_service_client::ServerServiceClient;

/// How long a unary call may take.
const CALL: Duration = Duration::from_secs(30);
/// The largest answer taken; a page of 1,000 alerts is about 1 MiB.
const ANSWER_BYTES: usize = 16 << 20;

/// A connection to one service; cheap to clone. It reconnects by itself.
#[derive(Clone, Debug)]
pub struct Client {
    target: Arc<Target>,
    wire: Wire,
    dial: Dial,
}

impl Client {
    /// What the last TLS handshake came to; `None` without TLS.
    pub fn handshake(&self) -> Option<Handshake> {
        self.dial.handshake()
    }

    /// The service's URL.
    pub fn url(&self) -> &str {
        &self.target.url
    }

    /// Opens a stream of reports; each report carries a tag of the caller's that comes back with its receipt. Read the
    /// receipts while sending: at most [`WINDOW`] reports are under way without one.
    pub fn report<T: Send + 'static>(&self) -> (ReportSender<T>, Receipts<T>) {
        reporter::start(self.clone(), WINDOW)
    }

    /// Follows the alert log.
    pub fn subscribe(&self, subscription: Subscription) -> Subscriber {
        Subscriber::new(self.clone(), subscription)
    }

    /// Submits up to 1,000 reports in one call.
    pub async fn submit_reports(&self, request: pb::SubmitReportsRequest) -> Result<pb::SubmitReportsResponse, Error> {
        self.answer(self.reporting().submit_reports(bounded(request)).await)
    }

    /// One page of alerts.
    pub async fn list_alerts(&self, request: pb::ListAlertsRequest) -> Result<pb::ListAlertsResponse, Error> {
        self.answer(self.alerts().list_alerts(bounded(request)).await)
    }

    /// One alert, by its full name.
    pub async fn get_alert(&self, name: &str) -> Result<pb::Alert, Error> {
        let request = pb::GetAlertRequest { name: name.to_owned() };
        let response = self.answer(self.alerts().get_alert(bounded(request)).await)?;
        Ok(response.alert.unwrap_or_default())
    }

    /// One page of an alert's events.
    pub async fn list_alert_events(
        &self,
        request: pb::ListAlertEventsRequest,
    ) -> Result<pb::ListAlertEventsResponse, Error> {
        self.answer(self.alerts().list_alert_events(bounded(request)).await)
    }

    /// Submits planned work: up to 1,000 rows in one call.
    pub async fn submit_activity(&self, activities: Vec<pb::Activity>) -> Result<pb::SubmitActivityResponse, Error> {
        let request = pb::SubmitActivityRequest { activities, validate_only: false };
        self.answer(self.reporting().submit_activity(bounded(request)).await)
    }

    /// Creates or replaces organisations.
    pub async fn upsert_organisations(
        &self,
        organisations: Vec<pb::Organisation>,
    ) -> Result<pb::UpsertOrganisationsResponse, Error> {
        let request = pb::UpsertOrganisationsRequest { organisations, validate_only: false };
        self.answer(self.register().upsert_organisations(bounded(request)).await)
    }

    /// One page of organisations.
    pub async fn list_organisations(
        &self,
        request: pb::ListOrganisationsRequest,
    ) -> Result<pb::ListOrganisationsResponse, Error> {
        self.answer(self.register().list_organisations(bounded(request)).await)
    }

    /// Creates or replaces wards.
    pub async fn upsert_wards(&self, wards: Vec<pb::Ward>) -> Result<pb::UpsertWardsResponse, Error> {
        let request = pb::UpsertWardsRequest { wards, validate_only: false };
        self.answer(self.register().upsert_wards(bounded(request)).await)
    }

    /// One ward as it stands, by its full name.
    pub async fn get_ward(&self, name: &str) -> Result<pb::GetWardResponse, Error> {
        let request = pb::GetWardRequest { name: name.to_owned() };
        self.answer(self.register().get_ward(bounded(request)).await)
    }

    /// One page of wards.
    pub async fn list_wards(&self, request: pb::ListWardsRequest) -> Result<pb::ListWardsResponse, Error> {
        self.answer(self.register().list_wards(bounded(request)).await)
    }

    /// Creates or replaces cover groups.
    pub async fn upsert_cover_groups(
        &self,
        cover_groups: Vec<pb::CoverGroup>,
    ) -> Result<pb::UpsertCoverGroupsResponse, Error> {
        let request = pb::UpsertCoverGroupsRequest { cover_groups, validate_only: false };
        self.answer(self.register().upsert_cover_groups(bounded(request)).await)
    }

    /// One cover group as it stands, by its full name.
    pub async fn get_cover_group(&self, name: &str) -> Result<pb::GetCoverGroupResponse, Error> {
        let request = pb::GetCoverGroupRequest { name: name.to_owned() };
        self.answer(self.register().get_cover_group(bounded(request)).await)
    }

    /// One page of cover groups.
    pub async fn list_cover_groups(
        &self,
        request: pb::ListCoverGroupsRequest,
    ) -> Result<pb::ListCoverGroupsResponse, Error> {
        self.answer(self.register().list_cover_groups(bounded(request)).await)
    }

    /// A policy: what its newest version sets, or the values in force.
    pub async fn get_policy(&self, name: &str, effective: bool) -> Result<pb::Policy, Error> {
        let request = pb::GetPolicyRequest { name: name.to_owned(), effective };
        let response = self.answer(self.policies().get_policy(bounded(request)).await)?;
        Ok(response.policy.unwrap_or_default())
    }

    /// Replaces a policy by a new version, or says what that would do.
    pub async fn update_policy(&self, request: pb::UpdatePolicyRequest) -> Result<pb::UpdatePolicyResponse, Error> {
        self.answer(self.policies().update_policy(bounded(request)).await)
    }

    /// One page of a policy's versions.
    pub async fn list_policy_versions(
        &self,
        request: pb::ListPolicyVersionsRequest,
    ) -> Result<pb::ListPolicyVersionsResponse, Error> {
        self.answer(self.policies().list_policy_versions(bounded(request)).await)
    }

    /// What the service is.
    pub async fn server_info(&self) -> Result<pb::GetServerInfoResponse, Error> {
        let mut server = ServerServiceClient::new(self.wire.clone());
        self.answer(server.get_server_info(bounded(pb::GetServerInfoRequest {})).await)
    }

    fn answer<T>(&self, answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, Error> {
        answer.map(tonic::Response::into_inner).map_err(|status| self.error(&status))
    }

    /// What a status means: what the service said, or that it could not be reached.
    fn error(&self, status: &tonic::Status) -> Error {
        Error::from_status(&self.target.url, status, self.dial.is_answered_by_tls())
    }

    fn reporting(&self) -> ReportingServiceClient<Wire> {
        ReportingServiceClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }

    fn alerts(&self) -> AlertServiceClient<Wire> {
        AlertServiceClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }

    fn policies(&self) -> PolicyServiceClient<Wire> {
        PolicyServiceClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }

    fn register(&self) -> RegisterServiceClient<Wire> {
        RegisterServiceClient::new(self.wire.clone()).max_decoding_message_size(ANSWER_BYTES)
    }
}

/// Live streams have no deadline; everything else has.
fn bounded<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL);
    request
}
