//! One replica on a port of its own, and a hand that writes the log.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use wardwatch::access::Gate;
use wardwatch::clock::{SharedClock, SystemClock};
use wardwatch::domain::{AlertId, Clock, SubjectName, Time};
use wardwatch::feed::{self, Feed};
use wardwatch::grpc::alerts::Alerts;
use wardwatch::grpc::edge::Api;
use wardwatch::grpc::listener;
use wardwatch::grpc::quota::{Quotas, Usual};
use wardwatch::grpc::subscribe::AlertApi;
use wardwatch::intake::{self, Intake};
use wardwatch::lifecycle::Lifecycle;
use wardwatch::metrics::IntakeMeter;
use wardwatch::register::Register;
use wardwatch::store::{
    AlertRow, Batch, Committed, ConfigChange, ConfigKind, ConfigOutcome, ConfigWrite, EventRow, FirstState, InputRows,
    Location, Options, Store, SubjectWrite, open,
};
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::{self, AlertEventType, AlertState, Severity};
use wardwatch::wire::timestamp_to;

pub use super::reader::*;
use super::switch::Switch;
use crate::support::postgres::TestDatabase;

/// Nothing in these tests takes longer, even on a busy machine.
const LONG: Duration = Duration::from_secs(20);

pub const RULES: &[&str] = &["ratio.over_limit", "ratio.max_allocation", "rn.none", "red_flag.raised"];
/// Wards that are registered: organisation, ward, site.
pub const WARDS: &[(&str, &str, &str)] =
    &[("RJ1", "A1", "RJ121"), ("RJ1", "A2", "RJ122"), ("RXX", "B1", "RXX01"), ("RXX", "B2", "RXX01")];

/// The database of a test, and who may write it.
pub struct Hand {
    pub store: Arc<Switch>,
    pub clock: SharedClock,
    committed: watch::Sender<i64>,
    /// Number and etag of each ward.
    wards: Mutex<HashMap<&'static str, (i64, i64)>>,
    /// For SQLite files.
    pub dir: TempDir,
    database: Option<TestDatabase>,
}

/// One replica.
pub struct Replica {
    pub feed: Arc<Feed>,
    pub lifecycle: Lifecycle,
    pub address: SocketAddr,
    pub served: JoinHandle<()>,
}

/// A test's settings.
#[derive(Clone, Default)]
pub struct Settings {
    pub feed: feed::Settings,
    pub listener: listener::Settings,
    /// It looks at the log once, and hears of no commit.
    pub deaf: bool,
    /// It hears of no commit, and looks at the log's head as usual.
    pub polls: bool,
}

/// One event to write, of the alert of `rule` and `instance` on a ward.
#[derive(Clone)]
pub struct Ev {
    pub ward: &'static str,
    pub rule: &'static str,
    pub instance: String,
    pub kind: AlertEventType,
    pub severity: Severity,
    /// Bytes of text, to make it large.
    pub padding: usize,
}

#[expect(clippy::needless_pass_by_value, reason = "numbers and names alike, as the tests have them")]
pub fn raised(ward: &'static str, instance: impl ToString) -> Ev {
    let (rule, kind) = ("ratio.over_limit", AlertEventType::Raised);
    Ev { ward, rule, instance: instance.to_string(), kind, severity: Severity::Warning, padding: 0 }
}

impl Ev {
    pub fn rule(self, rule: &'static str) -> Self {
        Self { rule, ..self }
    }
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
    pub fn padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }
    pub fn resolved(self) -> Self {
        Self { kind: AlertEventType::Resolved, ..self }
    }
    fn subject(&self) -> SubjectName {
        subject(self.ward)
    }
    fn raise_time(&self) -> Time {
        // By instance, so that each alert's events agree on it.
        Time::from_micros(1_461_657_600_000_000 + self.instance.parse::<i64>().unwrap_or(0))
    }
    pub fn id(&self) -> AlertId {
        AlertId::of(&self.subject(), self.rule, &self.instance, self.raise_time())
    }
    fn state(&self) -> AlertState {
        if self.kind == AlertEventType::Resolved { AlertState::Resolved } else { AlertState::Open }
    }
    pub fn alert(&self) -> pb::Alert {
        let (organisation, _, site) = WARDS.iter().find(|w| w.1 == self.ward).unwrap();
        pb::Alert {
            name: self.id().to_string(),
            subject: self.subject().to_string(),
            organisation: format!("organisations/{organisation}"),
            site: (*site).into(),
            region: if *organisation == "RJ1" { "Y56".into() } else { "Y61".into() },
            ward: self.subject().to_string(),
            rule: self.rule.into(),
            instance: self.instance.clone(),
            severity: self.severity as i32,
            peak_severity: self.severity as i32,
            state: self.state() as i32,
            condition: pb::AlertCondition::Breaching as i32,
            message: "x".repeat(self.padding),
            raise_time: Some(timestamp_to(self.raise_time())),
            ..Default::default()
        }
    }
    fn row(&self) -> EventRow {
        let event = pb::AlertEvent { r#type: self.kind as i32, alert: Some(self.alert()), ..Default::default() };
        EventRow { alert: self.id(), payload: event.encode_to_vec().into() }
    }
    fn alert_row(&self) -> AlertRow {
        let alert = self.alert();
        AlertRow {
            id: self.id(),
            rule: alert.rule.clone(),
            instance: alert.instance.clone(),
            subject: alert.subject.clone(),
            organisation: self.subject().organisation().to_string(),
            site: alert.site.clone(),
            region: alert.region.clone(),
            state: alert.state,
            condition: alert.condition,
            peak_severity: alert.peak_severity,
            strike: alert.strike.clone(),
            forecast: alert.forecast,
            raised: self.raise_time(),
            payload: alert.encode_to_vec().into(),
        }
    }
}

pub fn subject(ward: &str) -> SubjectName {
    let (organisation, ward, _) = WARDS.iter().find(|w| w.1 == ward).unwrap();
    format!("organisations/{organisation}/wards/{ward}").parse().unwrap()
}

fn location(dir: &TempDir, database: Option<&TestDatabase>) -> Location {
    match database {
        Some(database) => Location::Postgres(database.url()),
        None => Location::Sqlite(dir.path().join("log.db")),
    }
}

fn tag() -> i64 {
    fastrand::i64(1..)
}

/// Opens the SQLite file of that name in a folder.
pub async fn sqlite(folder: &Path, name: &str) -> Arc<dyn Store> {
    opened(Location::Sqlite(folder.join(name))).await
}

async fn opened(location: Location) -> Arc<dyn Store> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    open(&Options { location, migrate: true, clock }).await.unwrap()
}

/// Registers the wards if they are not.
async fn register(store: &dyn Store) -> HashMap<&'static str, (i64, i64)> {
    let entry = |kind, name: SubjectName, payload: Vec<u8>| ConfigWrite {
        kind,
        name,
        payload: payload.into(),
        first: FirstState::default(),
    };
    let organisations = [("RJ1", "Y56"), ("RXX", "Y61")].map(|(code, region)| {
        let name = format!("organisations/{code}");
        let row = pb::Organisation { name: name.clone(), region: region.into(), ..Default::default() };
        entry(ConfigKind::Organisation, name.parse().unwrap(), row.encode_to_vec())
    });
    let wards = WARDS.iter().map(|(_, ward, site)| {
        let name = subject(ward);
        let kind = pb::WardKind::AdultInpatient as i32;
        let row = pb::Ward { name: name.to_string(), kind, site: (*site).into(), ..Default::default() };
        entry(ConfigKind::Ward, name, row.encode_to_vec())
    });
    if store.load_config(0).await.unwrap().rows.is_empty() {
        let rows = organisations.into_iter().chain(wards).collect();
        let (now, audit) = (Time::default(), bytes::Bytes::new());
        let change = ConfigChange { base: 0, rows, context: vec![], touched: vec![], tag: tag(), now, audit };
        assert!(matches!(store.change_config(&change).await.unwrap(), ConfigOutcome::Changed(_)));
    }
    let rows = store.load_config(0).await.unwrap().rows;
    let numbers: Vec<_> = rows.iter().map(|r| r.number).collect();
    let subjects = store.load_subjects(&numbers).await.unwrap();
    let known = |ward: &str| subjects.iter().find(|s| s.name == subject(ward)).map(|s| (s.number, s.etag)).unwrap();
    WARDS.iter().map(|(_, ward, _)| (*ward, known(ward))).collect()
}

impl Hand {
    /// Over a SQLite file.
    pub async fn new() -> Arc<Self> {
        Self::on(None).await
    }
    /// One over each kind of store.
    pub async fn each() -> Vec<Arc<Self>> {
        let mut each = vec![Self::new().await];
        if let Some(database) = TestDatabase::create().await {
            each.push(Self::on(Some(database)).await);
        }
        each
    }
    async fn on(database: Option<TestDatabase>) -> Arc<Self> {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Switch::new(opened(location(&dir, database.as_ref())).await));
        let wards = Mutex::new(register(&*store).await);
        let committed = watch::Sender::new(0);
        Arc::new(Self { store, clock: Arc::new(SystemClock::default()), committed, wards, dir, database })
    }
    /// A store of another process over the same database; of this one if it is a SQLite file, which has but one.
    pub async fn other_store(&self) -> Arc<dyn Store> {
        match &self.database {
            Some(_) => opened(location(&self.dir, self.database.as_ref())).await,
            None => self.store.inner(),
        }
    }
    /// Closes the store and opens it again, as a restart does.
    pub async fn reopen(&self) {
        self.store.close().await;
        self.store.swap(opened(location(&self.dir, self.database.as_ref())).await);
    }
    /// Reads the wards' etags again, from another store.
    pub async fn reload(&self) {
        *self.wards.lock().await = register(&*self.store).await;
    }
    /// Commits inputs in one batch; all events of one input are of one ward.
    pub async fn append(&self, inputs: &[Vec<Ev>]) -> Committed {
        let mut wards = self.wards.lock().await;
        let mut writes = HashMap::<&str, SubjectWrite>::new();
        for input in inputs {
            let (ward, (number, etag)) = wards.get_key_value(input[0].ward).unwrap();
            let write = writes.entry(*ward).or_default();
            (write.subject, write.base) = (*number, *etag);
            write.inputs.push(InputRows { events: input.iter().map(Ev::row).collect(), audit: Some("who".into()) });
            for ev in input {
                write.alerts.retain(|a| a.id != ev.id());
                write.alerts.push(ev.alert_row());
            }
        }
        let (touched, writes): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        let batch = Batch { tag: tag(), now: self.clock.now(), writes };
        let committed = self.store.commit(&batch).await.unwrap();
        assert!(committed.won.iter().all(|won| *won), "nobody else writes these wards");
        for ward in touched {
            wards.get_mut(ward).unwrap().1 = batch.tag;
        }
        self.committed.send_replace(committed.point.position);
        committed
    }
    /// Commits `count` inputs of one event each, one after the other.
    pub async fn append_each(&self, events: impl IntoIterator<Item = Ev>) {
        for event in events {
            self.append(&[vec![event]]).await;
        }
    }
    /// A replica that hears of this hand's commits at once.
    pub async fn replica(&self, settings: Settings) -> Replica {
        self.replica_over(self.store.clone(), settings).await
    }
    /// A replica that finds out by looking at the log's head.
    pub async fn other_replica(&self) -> Replica {
        self.replica_over(self.other_store().await, Settings { polls: true, ..Settings::default() }).await
    }
    async fn replica_over(&self, store: Arc<dyn Store>, mut settings: Settings) -> Replica {
        let mut committed = self.committed.subscribe();
        if settings.deaf {
            settings.feed.poll = Duration::from_hours(1);
        }
        if settings.deaf || settings.polls {
            committed = watch::channel(0).1;
        }
        let lifecycle = Lifecycle::default();
        let feed = Feed::new(Arc::clone(&store), self.clock.clone(), settings.feed, lifecycle.soft.clone());
        lifecycle.spawn("feed", Arc::clone(&feed).follow(committed, |_| ()));
        let register = Arc::new(Register::new(Arc::clone(&store), self.clock.clone()));
        let parts = intake::Parts {
            store: Arc::clone(&store),
            register: Arc::clone(&register),
            clock: self.clock.clone(),
            committed: self.committed.clone(),
            waiting: watch::Sender::default(),
            hard: lifecycle.hard.clone(),
            settings: intake::Settings::default(),
            meter: IntakeMeter::default(),
        };
        // Nobody runs it: the hand alone writes here.
        let (intake, _) = Intake::new(parts);
        let (feed_too, clock) = (Arc::clone(&feed), self.clock.clone());
        let alerts = Alerts { feed: feed_too, register, store, intake, clock, rules: RULES };
        let (_, health) = tonic_health::server::health_reporter();
        let routes = Routes::new(AlertApi::new(alerts)).add_service(health);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let api = Api { routes, gate: Gate::open(self.clock.clone()), quotas: Quotas::new(Usual::default()) };
        let (settings, stops) = (settings.listener, lifecycle.clone());
        let served = tokio::spawn(async move { listener::serve(socket, api, settings, &stops).await });
        Replica { feed, lifecycle, address, served }
    }
}

impl Replica {
    pub async fn client(&self) -> AlertServiceClient<Channel> {
        client(self.address).await
    }
    /// Ends it, and says whether it ended in order.
    pub async fn stop(self) {
        self.lifecycle.begin_drain();
        within(self.served).await.unwrap();
        within(self.lifecycle.finish()).await;
    }
}

pub fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_timeout(LONG)
}

pub async fn client(address: SocketAddr) -> AlertServiceClient<Channel> {
    let channel = endpoint(address).connect().await.unwrap();
    AlertServiceClient::new(channel).max_decoding_message_size(usize::MAX)
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

/// Settings under which heartbeats may come ten times a second.
pub fn quick() -> Settings {
    let mut settings = Settings::default();
    settings.feed.heartbeats = Duration::from_millis(1)..=Duration::from_mins(1);
    settings
}

/// A heartbeat interval.
#[expect(clippy::unnecessary_wraps, reason = "as the request has it")]
pub fn every(millis: i32) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds: 0, nanos: millis * 1_000_000 })
}

/// A window so small that streams go from the store to it and back.
pub fn narrow() -> Settings {
    let mut settings = quick();
    settings.feed.window_inputs = 3;
    settings
}
