//! The real service, started in this process on ports of its own over a database of one test's own.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use wardwatch::clock::{ManualClock, SharedClock, SystemClock};
use wardwatch::config::{self, Settings};
use wardwatch::server::{Running, StartError, start};
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::policy_service_client::PolicyServiceClient;
use wardwatch::wire::pb::register_service_client::RegisterServiceClient;
use wardwatch::wire::pb::reporting_service_client::ReportingServiceClient;
use wardwatch::wire::pb::server_service_client::ServerServiceClient;
use wardwatch::wire::pb::situation_service_client::SituationServiceClient;
use wardwatch::wire::pb::strike_service_client::StrikeServiceClient;
use wardwatch::wire::pb::{self, ReportReceipt, StaffingReport, StreamReportsRequest};

use crate::support::hospital::{adult, told, ward};
use crate::support::postgres::TestDatabase;

/// Nothing in these tests takes longer, even on a busy machine.
pub const LONG: Duration = Duration::from_mins(1);

/// An empty database; gone when dropped.
#[derive(Debug)]
pub enum Place {
    Sqlite(TempDir),
    Postgres(TestDatabase),
}

/// Writing is impossible while this is held: a second connection has the lock that every write takes first.
#[derive(Debug)]
pub enum Blocked {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Storage is away while this is held.
#[derive(Debug)]
pub enum Away<'a> {
    Blocked(Blocked),
    Closed(&'a TestDatabase),
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    pub running: Running,
    channel: Channel,
}

/// A stream of reports.
#[derive(Debug)]
pub struct ReportStream {
    to: mpsc::Sender<StreamReportsRequest>,
    from: Streaming<pb::StreamReportsResponse>,
}

/// Runs a case on SQLite and on PostgreSQL.
pub async fn on_both_stores(case: impl AsyncFn(Place)) {
    eprintln!("on SQLite");
    case(Place::sqlite()).await;
    if let Some(database) = TestDatabase::create().await {
        eprintln!("on PostgreSQL");
        case(Place::Postgres(database)).await;
    }
}

/// A wait that fails the test rather than hang it.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LONG, future).await.expect("it should have happened long ago")
}

/// Looks again and again until it is so.
pub async fn eventually(what: &str, so: impl AsyncFn() -> bool) {
    let wait = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, wait).await.unwrap_or_else(|_| panic!("never came true: {what}"));
}

impl Place {
    pub fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().unwrap())
    }

    /// As `--database` takes it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("wardwatch.db").display()),
            Self::Postgres(database) => database.url(),
        }
    }

    /// Settings on ports of its own.
    pub fn settings(&self) -> Settings {
        let mut settings = config::load(None, [], vec![]).unwrap().settings;
        settings.server.listen = "127.0.0.1:0".parse().unwrap();
        settings.server.admin_listen = "127.0.0.1:0".parse().unwrap();
        settings.database.url = self.url();
        settings
    }

    /// A service by a clock moved by hand.
    pub async fn serve_by(&self, clock: &Arc<ManualClock>) -> Service {
        self.serve_with(Arc::clone(clock) as SharedClock, |_| ()).await
    }

    pub async fn serve_with(&self, clock: SharedClock, change: impl FnOnce(&mut Settings)) -> Service {
        let mut settings = self.settings();
        change(&mut settings);
        Service::of(start(&settings, clock).await.unwrap()).await
    }

    /// The one line that a start which fails ends with.
    pub async fn refusal(&self) -> StartError {
        start(&self.settings(), Arc::new(SystemClock::default())).await.expect_err("this start should fail")
    }

    /// Runs a statement behind the service's back.
    pub async fn execute(&self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(_) => sql.execute(&mut self.sqlite_connection().await).await.map(drop),
            Self::Postgres(database) => sql.execute(&mut database.connect().await).await.map(drop),
        }
        .unwrap();
    }

    /// Runs a statement behind the service's back, which may refuse it: what it says.
    pub async fn try_execute(&self, sql: &str) -> Result<(), String> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let done = match self {
            Self::Sqlite(_) => sql.execute(&mut self.sqlite_connection().await).await.map(drop),
            Self::Postgres(database) => sql.execute(&mut database.connect().await).await.map(drop),
        };
        done.map_err(|e| e.to_string())
    }

    /// One number that a statement finds behind the service's back.
    pub async fn number(&self, sql: &str) -> i64 {
        match self {
            Self::Sqlite(_) => {
                let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
                query.fetch_one(&mut self.sqlite_connection().await).await.unwrap()
            }
            Self::Postgres(database) => {
                let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
                query.fetch_one(&mut database.connect().await).await.unwrap()
            }
        }
    }

    /// Takes the lock that every write takes first: from here on nothing can be written.
    pub async fn block(&self) -> Blocked {
        match self {
            Self::Sqlite(_) => {
                let mut conn = self.sqlite_connection().await;
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut conn).await.unwrap();
                Blocked::Sqlite(conn)
            }
            Self::Postgres(database) => {
                let mut conn = database.connect().await;
                sqlx::raw_sql("BEGIN; SELECT position FROM head FOR UPDATE").execute(&mut conn).await.unwrap();
                Blocked::Postgres(conn)
            }
        }
    }

    /// Takes storage away: on PostgreSQL every connection ends and none is let in; a SQLite file cannot be written.
    pub async fn take_away(&self) -> Away<'_> {
        match self {
            Self::Sqlite(_) => Away::Blocked(self.block().await),
            Self::Postgres(database) => {
                let name = database.name();
                let sql = format!(
                    "ALTER DATABASE {name} ALLOW_CONNECTIONS FALSE; \
                     SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                );
                database.on_server(&sql).await;
                Away::Closed(database)
            }
        }
    }

    async fn sqlite_connection(&self) -> SqliteConnection {
        SqliteConnection::connect(&self.url()).await.unwrap()
    }
}

impl Blocked {
    /// Lets writing go on.
    pub async fn release(self) {
        match self {
            Self::Sqlite(conn) => conn.close().await.unwrap(),
            Self::Postgres(conn) => conn.close().await.unwrap(),
        }
    }
}

impl Away<'_> {
    pub async fn bring_back(self) {
        match self {
            Self::Blocked(blocked) => blocked.release().await,
            Self::Closed(database) => {
                database.on_server(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS TRUE", database.name())).await;
            }
        }
    }
}

impl Service {
    async fn of(running: Running) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", running.address)).unwrap();
        Self { channel: endpoint.connect().await.unwrap(), running }
    }

    pub fn reporting(&self) -> ReportingServiceClient<Channel> {
        ReportingServiceClient::new(self.channel.clone()).max_decoding_message_size(16 << 20)
    }
    pub fn alerts(&self) -> AlertServiceClient<Channel> {
        AlertServiceClient::new(self.channel.clone()).max_decoding_message_size(16 << 20)
    }
    pub fn register(&self) -> RegisterServiceClient<Channel> {
        RegisterServiceClient::new(self.channel.clone()).max_decoding_message_size(16 << 20)
    }
    pub fn strikes(&self) -> StrikeServiceClient<Channel> {
        StrikeServiceClient::new(self.channel.clone())
    }
    pub fn policies(&self) -> PolicyServiceClient<Channel> {
        PolicyServiceClient::new(self.channel.clone())
    }
    pub fn situations(&self) -> SituationServiceClient<Channel> {
        SituationServiceClient::new(self.channel.clone()).max_decoding_message_size(16 << 20)
    }
    pub fn info(&self) -> ServerServiceClient<Channel> {
        ServerServiceClient::new(self.channel.clone())
    }

    /// A connection of its own: what happens to the others does not happen to it.
    pub async fn another_connection(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.running.address)).unwrap().connect().await.unwrap()
    }

    /// Creates or replaces wards; each must be right.
    pub async fn register_wards(&self, wards: Vec<pb::Ward>) {
        let request = pb::UpsertWardsRequest { wards, validate_only: false };
        within(self.register().upsert_wards(request)).await.unwrap();
    }

    /// Wards `organisations/RJ1/wards/A1` to `A{count}`, adult inpatient, 20 beds, a report every hour.
    pub async fn register_many(&self, count: usize) {
        self.register_wards((1..=count).map(|n| adult(&ward(n))).collect()).await;
    }

    /// Submits reports in one call; the receipts.
    pub async fn submit(&self, reports: Vec<StaffingReport>) -> Vec<ReportReceipt> {
        self.try_submit(reports).await.unwrap()
    }
    pub async fn try_submit(&self, reports: Vec<StaffingReport>) -> Result<Vec<ReportReceipt>, Status> {
        let request = pb::SubmitReportsRequest { reports, validate_only: false };
        Ok(within(self.reporting().submit_reports(request)).await?.into_inner().receipts)
    }

    /// Submits one report.
    pub async fn report(&self, report: StaffingReport) -> ReportReceipt {
        self.submit(vec![report]).await.remove(0)
    }

    /// Opens a stream of reports.
    pub async fn stream(&self) -> ReportStream {
        ReportStream::open(self.channel.clone()).await
    }

    /// Alerts as they stand, in raise time.
    pub async fn list(&self, request: pb::ListAlertsRequest) -> Vec<pb::Alert> {
        let request = pb::ListAlertsRequest { page_size: 1_000, ..request };
        within(self.alerts().list_alerts(request)).await.unwrap().into_inner().alerts
    }

    /// Rule, ward's code (or subject) and severity of the open alerts, sorted.
    pub async fn open_alerts(&self) -> Vec<(String, String, pb::Severity)> {
        let mut open: Vec<_> = self.list(pb::ListAlertsRequest::default()).await.iter().map(told).collect();
        open.sort();
        open
    }

    /// The events of one alert, in order.
    pub async fn events(&self, alert: &str) -> Vec<pb::AlertEvent> {
        let request = pb::ListAlertEventsRequest { parent: alert.to_owned(), page_size: 1_000, ..Default::default() };
        within(self.alerts().list_alert_events(request)).await.unwrap().into_inner().events
    }

    pub async fn ward(&self, name: &str) -> pb::GetWardResponse {
        let request = pb::GetWardRequest { name: name.to_owned() };
        within(self.register().get_ward(request)).await.unwrap().into_inner()
    }

    /// Returns when all that was received is committed and nothing is due by the clock.
    pub async fn settled(&self) {
        within(self.running.settled()).await;
    }

    /// Drains it; it must end in order.
    pub async fn stop(self) {
        drop(self.channel);
        self.running.drain();
        within(self.running.wait()).await.unwrap();
    }
}

impl ReportStream {
    pub async fn open(channel: Channel) -> Self {
        let (to, requests) = mpsc::channel(1);
        let mut client = ReportingServiceClient::new(channel).max_decoding_message_size(16 << 20);
        let from = within(client.stream_reports(ReceiverStream::new(requests))).await.unwrap().into_inner();
        Self { to, from }
    }
    /// Hands a message to the connection, waiting while it is held back; false when the stream has ended.
    pub async fn send(&self, reports: Vec<StaffingReport>) -> bool {
        self.to.send(StreamReportsRequest { reports }).await.is_ok()
    }
    /// Another hand that sends.
    pub fn sender(&self) -> mpsc::Sender<StreamReportsRequest> {
        self.to.clone()
    }
    /// The next message of receipts; `None` at a good end.
    pub async fn message(&mut self) -> Result<Option<Vec<ReportReceipt>>, Status> {
        Ok(within(self.from.message()).await?.map(|m| m.receipts))
    }
    /// The next `count` receipts.
    pub async fn receipts(&mut self, count: usize) -> Vec<ReportReceipt> {
        let mut receipts = Vec::new();
        while receipts.len() < count {
            receipts.extend(self.message().await.unwrap().expect("the stream goes on"));
        }
        assert_eq!(receipts.len(), count);
        receipts
    }
    /// Everything until the stream ends: the receipts, and the status if it is not a good end.
    pub async fn rest(self) -> (Vec<ReportReceipt>, Option<Status>) {
        drop(self.to);
        Self::until_end(self.from).await
    }
    /// As [`Self::rest`], with the client's side left open.
    pub async fn rest_open(self) -> (Vec<ReportReceipt>, Option<Status>) {
        let rest = Self::until_end(self.from).await;
        drop(self.to);
        rest
    }
    async fn until_end(mut from: Streaming<pb::StreamReportsResponse>) -> (Vec<ReportReceipt>, Option<Status>) {
        let mut receipts = Vec::new();
        loop {
            match within(from.message()).await {
                Ok(Some(message)) => receipts.extend(message.receipts),
                Ok(None) => return (receipts, None),
                Err(status) => return (receipts, Some(status)),
            }
        }
    }
}
