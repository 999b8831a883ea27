//! One replica over SQLite, or some over one PostgreSQL, each at an address of its own to which it comes back.

use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use wardwatch::domain::{Span, Time};
use wardwatch::wire::pb;
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::policy_service_client::PolicyServiceClient;
use wardwatch::wire::pb::register_service_client::RegisterServiceClient;
use wardwatch::wire::pb::reporting_service_client::ReportingServiceClient;
use wardwatch::wire::pb::strike_service_client::StrikeServiceClient;

use super::history::{Row, Truth, now};
use super::load;
use super::people::Addresses;
use super::proxy::Proxy;
use super::server::Server;
use crate::support::process::{Process, free_port, wardwatch};
use crate::support::service::{eventually, within};

/// Where the replicas keep things.
#[derive(Debug)]
pub enum Base {
    Sqlite(TempDir),
    Postgres(Box<Shared>),
}

/// One PostgreSQL that all replicas share.
#[derive(Debug)]
pub struct Shared {
    pub primary: Server,
    pub standby: Option<Server>,
    /// Each replica's way to the primary.
    pub ways: Vec<Proxy>,
}

#[derive(Debug)]
pub struct Cluster {
    pub base: Base,
    pub replicas: Vec<Option<Process>>,
    ports: Vec<u16>,
}

impl Cluster {
    /// One replica over a SQLite file.
    pub fn sqlite() -> Self {
        Self::sqlite_in(TempDir::new().unwrap())
    }

    /// As [`Self::sqlite`], the file in `folder`.
    pub fn sqlite_in(folder: TempDir) -> Self {
        let mut cluster = Self { base: Base::Sqlite(folder), replicas: vec![None], ports: vec![free_port()] };
        cluster.start(0);
        cluster
    }

    /// `count` replicas over a PostgreSQL server of their own; `None` when PostgreSQL was switched off.
    pub async fn postgres(count: usize) -> Option<Self> {
        Some(Self::over(Server::start().await?, count).await)
    }

    /// `count` replicas over a server.
    pub async fn over(primary: Server, count: usize) -> Self {
        let mut ways = Vec::new();
        for _ in 0..count {
            ways.push(Proxy::start(primary.address()).await);
        }
        let base = Base::Postgres(Box::new(Shared { primary, standby: None, ways }));
        let replicas = (0..count).map(|_| None).collect();
        let mut cluster = Self { base, replicas, ports: (0..count).map(|_| free_port()).collect() };
        for n in 0..count {
            cluster.start(n);
        }
        cluster
    }

    /// As `--database` takes it.
    pub fn url(&self, replica: usize) -> String {
        match &self.base {
            Base::Sqlite(folder) => format!("sqlite:{}", folder.path().join("wardwatch.db").display()),
            Base::Postgres(shared) => shared.ways[replica].url("ward"),
        }
    }

    pub fn address(&self, replica: usize) -> String {
        format!("127.0.0.1:{}", self.ports[replica])
    }

    pub fn addresses(&self) -> Addresses {
        Addresses(Arc::new((0..self.ports.len()).map(|n| self.address(n)).collect()))
    }

    /// The PostgreSQL of all replicas.
    pub fn shared(&mut self) -> &mut Shared {
        let Base::Postgres(shared) = &mut self.base else { unreachable!("it is PostgreSQL") };
        shared
    }

    /// Starts a replica where it was.
    pub fn start(&mut self, replica: usize) {
        self.start_with(replica, |_| ());
    }

    /// Starts it in an environment made by `change`.
    pub fn start_with(&mut self, replica: usize, change: impl FnOnce(&mut Command)) {
        let command = self.prepared(replica, change);
        self.replicas[replica] = Some(tokio::task::block_in_place(|| Process::launch(command)));
    }

    /// As [`Self::start_with`], and waits for nothing: it may kill itself, or stand still, before it says that it
    /// listens.
    pub fn begin_with(&mut self, replica: usize, change: impl FnOnce(&mut Command)) {
        let (command, address) = (self.prepared(replica, change), self.address(replica));
        self.replicas[replica] = Some(Process::begin(command, address));
    }

    fn prepared(&self, replica: usize, change: impl FnOnce(&mut Command)) -> Command {
        assert!(self.replicas[replica].is_none(), "it runs");
        let (url, address) = (self.url(replica), self.address(replica));
        let mut command =
            wardwatch(&["serve", "--database", &url, "--listen", &address, "--admin-listen", "127.0.0.1:0"]);
        change(&mut command);
        command
    }

    pub fn process(&mut self, replica: usize) -> &mut Process {
        self.replicas[replica].as_mut().expect("it runs")
    }

    /// Whether a replica stands still.
    pub fn stopped(&self, replica: usize) -> bool {
        let id = self.replicas[replica].as_ref().expect("it was started").id();
        super::server::state(id.parse().unwrap()) == Some('T')
    }

    /// `kill -9`.
    pub async fn kill(&mut self, replica: usize) {
        self.replicas[replica].take().expect("it runs").kill().await;
    }

    /// SIGTERM; whether it ended well.
    pub async fn drain(&mut self, replica: usize) -> bool {
        let process = self.replicas[replica].take().expect("it runs");
        process.signal("TERM");
        process.wait().await.0.success()
    }

    pub async fn channel(&self, replica: usize) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address(replica))).unwrap();
        within(endpoint.connect()).await.unwrap()
    }

    pub async fn alerts(&self, replica: usize) -> AlertServiceClient<Channel> {
        AlertServiceClient::new(self.channel(replica).await).max_decoding_message_size(64 << 20)
    }

    pub async fn reporting(&self, replica: usize) -> ReportingServiceClient<Channel> {
        ReportingServiceClient::new(self.channel(replica).await).max_decoding_message_size(64 << 20)
    }

    pub async fn registering(&self, replica: usize) -> RegisterServiceClient<Channel> {
        RegisterServiceClient::new(self.channel(replica).await)
    }

    /// Registers the hospital of [`load`], its strike and its policy.
    pub async fn open_hospital(&self) {
        let (wards, group, strike) = load::register();
        let mut register = self.registering(0).await;
        within(register.upsert_wards(pb::UpsertWardsRequest { wards, validate_only: false })).await.unwrap();
        let groups = pb::UpsertCoverGroupsRequest { cover_groups: vec![group], validate_only: false };
        within(register.upsert_cover_groups(groups)).await.unwrap();
        let channel = self.channel(0).await;
        let strike = pb::CreateStrikeRequest { strike: Some(strike), ..Default::default() };
        within(StrikeServiceClient::new(channel.clone()).create_strike(strike)).await.unwrap();
        within(PolicyServiceClient::new(channel).update_policy(load::policy())).await.unwrap();
    }

    /// One number behind the service's back.
    pub async fn number(&self, sql: &str) -> i64 {
        use sqlx::Connection as _;
        let text = sqlx::AssertSqlSafe(sql.to_owned());
        match &self.base {
            Base::Sqlite(_) => {
                let mut conn = sqlx::SqliteConnection::connect(&self.url(0)).await.unwrap();
                sqlx::query_scalar(text).fetch_one(&mut conn).await.unwrap()
            }
            Base::Postgres(shared) => shared.primary.number(sql).await,
        }
    }

    async fn rows(&self) -> Vec<Row> {
        use sqlx::Connection as _;
        const SQL: &str = "SELECT position, tag, log_time, ends_input FROM event ORDER BY position";
        let rows: Vec<(i64, i64, i64, bool)> = match &self.base {
            Base::Sqlite(_) => {
                let mut conn = sqlx::SqliteConnection::connect(&self.url(0)).await.unwrap();
                sqlx::query_as(SQL).fetch_all(&mut conn).await.unwrap()
            }
            Base::Postgres(shared) => {
                let mut conn = sqlx::PgConnection::connect(&shared.primary.url("ward")).await.unwrap();
                sqlx::query_as(SQL).fetch_all(&mut conn).await.unwrap()
            }
        };
        rows.into_iter().map(|(position, tag, time, ends_input)| Row { position, tag, time, ends_input }).collect()
    }

    /// Waits until nothing is due, now or in a moment: what was derived is due at once, and published by the next sweep.
    pub async fn calm(&self) {
        eventually("nothing is due", async || {
            let soon = now() + Span::seconds(5);
            let due = format!("SELECT count(*) FROM subject_cold WHERE next_check <= {}", soon.as_micros());
            self.number(&due).await == 0
        })
        .await;
    }

    /// Waits until what was derived is published, and reads everything.
    pub async fn truth(&self, since: Time) -> Truth {
        eventually("nothing is due", async || {
            let due = format!("SELECT count(*) FROM subject_cold WHERE next_check <= {}", now().as_micros());
            self.number(&due).await == 0
        })
        .await;
        // The list before the log: every position it may be as of is there then.
        let (open, open_at) = super::reading::open(self).await;
        // Before the log is read, which takes a while when it is long: what time does meanwhile is not in it.
        let at = now();
        let rows = self.rows().await;
        let events = super::reading::events(self.alerts(0).await, rows.len()).await;
        Truth { rows, events, open, open_at, at, ..super::reading::rest(self, since).await }
    }
}
