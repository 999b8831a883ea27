//! A service that asks who calls, and clients with tokens.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use wardwatch::access::NewToken;
use wardwatch::clock::{SharedClock, SystemClock};
use wardwatch::config::Settings;
use wardwatch::wire::pb;
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::policy_service_client::PolicyServiceClient;
use wardwatch::wire::pb::register_service_client::RegisterServiceClient;
use wardwatch::wire::pb::reporting_service_client::ReportingServiceClient;
use wardwatch::wire::pb::server_service_client::ServerServiceClient;
use wardwatch::wire::pb::situation_service_client::SituationServiceClient;
use wardwatch::wire::pb::strike_service_client::StrikeServiceClient;

use crate::support::hospital::adult;
use crate::support::service::{Place, Service, within};

/// Shows a token with every call.
#[derive(Clone, Debug)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    /// The header that is shown.
    pub fn header(&self) -> &str {
        self.0.as_ref().map_or("", |value| value.to_str().unwrap())
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

type Shown = InterceptedService<Channel, Bearer>;

/// A caller with a connection of its own.
#[derive(Clone, Debug)]
pub struct As {
    pub channel: Channel,
    pub bearer: Bearer,
}

impl As {
    fn shown(&self) -> Shown {
        InterceptedService::new(self.channel.clone(), self.bearer.clone())
    }
    pub fn reporting(&self) -> ReportingServiceClient<Shown> {
        ReportingServiceClient::new(self.shown())
    }
    pub fn alerts(&self) -> AlertServiceClient<Shown> {
        AlertServiceClient::new(self.shown())
    }
    pub fn register(&self) -> RegisterServiceClient<Shown> {
        RegisterServiceClient::new(self.shown())
    }
    pub fn strikes(&self) -> StrikeServiceClient<Shown> {
        StrikeServiceClient::new(self.shown())
    }
    pub fn policies(&self) -> PolicyServiceClient<Shown> {
        PolicyServiceClient::new(self.shown())
    }
    pub fn situations(&self) -> SituationServiceClient<Shown> {
        SituationServiceClient::new(self.shown())
    }
    pub fn info(&self) -> ServerServiceClient<Shown> {
        ServerServiceClient::new(self.shown())
    }
}

/// A permissions file under way.
#[derive(Debug)]
pub struct Permissions {
    folder: TempDir,
    text: String,
}

impl Permissions {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), text: String::new() }
    }
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("permissions.toml")
    }
    /// Adds an identity, known by whatever `credential` says.
    pub fn add(&mut self, name: &str, credential: &str, roles: &str, organisations: &str, more: &str) {
        let list = |words: &str| words.split(' ').map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", ");
        writeln!(
            self.text,
            "[[identity]]\nname = \"{name}\"\n{credential}\nroles = [{}]\norganisations = [{}]\n{more}",
            list(roles),
            list(organisations)
        )
        .unwrap();
    }
    /// Adds an identity with a token, and returns that.
    pub fn token(&mut self, name: &str, roles: &str, organisations: &str) -> String {
        self.token_with(name, roles, organisations, "", "")
    }
    pub fn token_with(&mut self, name: &str, roles: &str, organisations: &str, expires: &str, more: &str) -> String {
        let NewToken { token, id, sha256 } = NewToken::make();
        let until = if expires.is_empty() { String::new() } else { format!(", expires = \"{expires}\"") };
        let credential = format!("tokens = [{{ id = \"{id}\", sha256 = \"{sha256}\"{until} }}]");
        self.add(name, &credential, roles, organisations, more);
        token
    }
    /// Takes an identity out.
    pub fn remove(&mut self, name: &str) {
        let kept: Vec<_> =
            self.text.split("[[identity]]").filter(|part| !part.contains(&format!("name = \"{name}\""))).collect();
        self.text = kept.join("[[identity]]");
    }
    /// Writes other text than there is.
    pub fn replace(&mut self, from: &str, to: &str) {
        assert!(self.text.contains(from), "{from} is not in {}", self.text);
        self.text = self.text.replace(from, to);
    }
    /// Puts the file in its place at once, as an orderly editor or Kubernetes does.
    pub fn write(&self) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, &self.text).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }
}

/// A running service that asks.
#[derive(Debug)]
pub struct Guarded {
    pub service: Service,
    pub permissions: Permissions,
    /// One who may do everything everywhere.
    pub root: String,
    _place: Place,
}

impl Guarded {
    /// On SQLite, by the system's clock. Looks at its files ten times a second.
    pub async fn start(permissions: Permissions) -> Self {
        Self::start_with(permissions, |_| ()).await
    }
    pub async fn start_with(mut permissions: Permissions, change: impl FnOnce(&mut Settings)) -> Self {
        let all = "reporter subscriber responder planner configurer policy_owner auditor";
        let root = permissions.token("root", all, "*");
        permissions.write();
        let place = Place::sqlite();
        let path = permissions.path().display().to_string();
        let clock: SharedClock = Arc::new(SystemClock::default());
        let service = place
            .serve_with(clock, |settings| {
                settings.access.permissions_file = path;
                settings.server.reload_every = Duration::from_millis(100);
                change(settings);
            })
            .await;
        Self { service, permissions, root, _place: place }
    }
    /// Wards A1 and A2 of RJ1, and B1 of RYJ.
    pub async fn with_wards(self) -> Self {
        let wards = ["organisations/RJ1/wards/A1", "organisations/RJ1/wards/A2", "organisations/RYJ/wards/B1"];
        let request = pb::UpsertWardsRequest { wards: wards.map(adult).to_vec(), validate_only: false };
        within(self.by(&self.root).await.register().upsert_wards(request)).await.unwrap();
        self
    }
    /// A caller who shows a token.
    pub async fn by(&self, token: &str) -> As {
        self.showing(&format!("Bearer {token}")).await
    }
    /// A caller with an `authorization` header; an empty one is none.
    pub async fn showing(&self, header: &str) -> As {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.service.running.address)).unwrap();
        let value = if header.is_empty() { None } else { Some(header.parse().unwrap()) };
        As { channel: within(endpoint.connect()).await.unwrap(), bearer: Bearer(value) }
    }
}
