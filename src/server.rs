//! The composition root: named steps, no logic.

mod certificates;
mod gate;
mod told;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::access::Gate;
use crate::admin;
use crate::backup;
use crate::clock::SharedClock;
use crate::config::Settings;
use crate::domain::{Clock, Span};
use crate::feed::{self, Feed};
use crate::gauges::{self, ClockWatch, Gauges};
use crate::grpc::edge::Api;
use crate::grpc::quota::{Quotas, Usual};
use crate::grpc::tls::{Keeper, Tls, TlsStatus};
use crate::grpc::{health, listener, measured, services};
use crate::intake::{self, Intake};
use crate::lifecycle::{Lifecycle, Readiness};
use crate::metrics::{Build, Metrics};
use crate::register::Register;
use crate::retention;
use crate::store::{self, Head, Location, OpenError, Store, StoreError};

/// Why the service did not start, or ended other than by a signal. One line each.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings cannot be followed.
    #[error("{0}")]
    Configuration(String),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be read.
    #[error("the database cannot be read: {0}")]
    Store(#[from] StoreError),
    /// A port cannot be bound.
    #[error("{0}")]
    Bind(String),
    /// A part of the service failed while it ran.
    #[error("a part of the service failed; see the log")]
    Failed,
}

impl StartError {
    /// Whether the settings are at fault rather than the world.
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Configuration(_))
    }
}

/// How long storage may take to say farewell, and everyone else when it is lost.
const CLOSING: Duration = Duration::from_secs(2);

/// A service that runs.
#[derive(Debug)]
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where the admin port listens.
    pub admin_address: SocketAddr,
    /// Stops it, in order.
    pub lifecycle: Lifecycle,
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// How copies of the database go, if any are made.
    pub backups: Option<Arc<backup::Status>>,
    /// What can be counted of TLS, if it is spoken.
    pub tls: Option<Arc<TlsStatus>>,
    store: Arc<dyn Store>,
    intake: Intake,
    served: tokio::task::JoinHandle<()>,
}

/// The parts that services are made of.
struct House {
    store: Arc<dyn Store>,
    register: Arc<Register>,
    intake: Intake,
    feed: Arc<Feed>,
    clock: SharedClock,
    lifecycle: Lifecycle,
    metrics: Arc<Metrics>,
}

/// Starts the service; it is ready when this returns.
///
/// # Errors
/// One line that says what to do.
pub async fn start(settings: &Settings, clock: SharedClock) -> Result<Running, StartError> {
    let keeper = certificates::open(settings, &clock).await?;
    let api = admin::bind(settings.server.listen, "--listen").await.map_err(StartError::Bind)?;
    let operations = admin::bind(settings.server.admin_listen, "--admin-listen").await.map_err(StartError::Bind)?;
    let lifecycle = Lifecycle::default();
    let metrics = Arc::new(Metrics::new(&measured::methods(), &build(settings, &clock)?));
    let gate = gate::open(settings, &clock, &lifecycle, &metrics).await?;
    let copies = copies(settings, &clock)?;
    let store = open(settings, &clock).await?;
    let register = Arc::new(Register::new(Arc::clone(&store), Arc::clone(&clock)));
    register.refresh().await?;
    let (waiting, stuck) = watch::channel(None);
    let (intake, committed) = begin_intake(settings, &store, &register, &clock, &lifecycle, &metrics, waiting);
    let readiness = Readiness::new(stuck.clone());
    let follow =
        Follow { register: &register, clock: &clock, lifecycle: &lifecycle, readiness: &readiness, metrics: &metrics };
    let feed = follow_log(settings, &store, &follow, committed);
    let house = House { store, register, intake, feed, clock, lifecycle, metrics };
    let (routes, health) = routes(settings, &house)?;
    let api_served = Api { routes, gate: Arc::clone(&gate), quotas: quotas(settings) };
    readiness.seen();
    health::tell(&health, readiness.look(false)).await;
    house.lifecycle.spawn("health", health::watch(health, readiness.clone(), house.lifecycle.soft.clone()));
    house
        .lifecycle
        .spawn("retention", retention::run(Arc::clone(&house.store), Arc::clone(&house.clock), days(settings)));
    house.lifecycle.spawn("database file", watch_store(Arc::clone(&house.store), house.lifecycle.clone()));
    let backups = copies.as_ref().map(backup::Schedule::status);
    if let Some(copies) = copies {
        house.lifecycle.spawn("backup", copies.run());
    }
    let (address, admin_address) = addresses(&api, &operations)?;
    let gauges = gauges(&house, gate, &readiness, stuck);
    tokio::spawn(admin::serve(operations, readiness, gauges, house.lifecycle.hard.clone()));
    let (bounds, tls) = (bounds(settings, &house.metrics, keeper.as_ref()), keeper.as_ref().map(Keeper::status));
    if let Some(keeper) = keeper {
        let looks = house.lifecycle.reload.looks();
        house.lifecycle.spawn("certificates", keeper.run(looks, settings.server.reload_every));
    }
    house.lifecycle.spawn("told", told::run(Arc::clone(&house.metrics), tls.clone(), backups.clone()));
    let ends = house.lifecycle.clone();
    let served = tokio::spawn(async move { listener::serve(api, api_served, bounds, &ends).await });
    let House { store, intake, lifecycle, metrics, .. } = house;
    Ok(Running { address, admin_address, lifecycle, metrics, backups, tls, store, intake, served })
}

impl Running {
    /// Asks it to finish: not ready, no new streams, receipts flushed, goodbyes said.
    pub fn drain(&self) {
        self.lifecycle.begin_drain();
    }

    /// Returns when all that was received is committed and nothing is due by the clock.
    pub async fn settled(&self) {
        self.intake.settled().await;
    }

    /// Returns when it has ended: drained, or failed.
    ///
    /// # Errors
    /// When a part of it failed.
    pub async fn wait(self) -> Result<(), StartError> {
        let Self { lifecycle, store, intake, served, .. } = self;
        let crashed = served.await.is_err();
        drop(intake);
        lifecycle.finish().await;
        // Storage that does not answer keeps nobody: what has a receipt is durable, what has none will be sent again.
        let _ = tokio::time::timeout(CLOSING, store.close()).await;
        if crashed || lifecycle.failed() { Err(StartError::Failed) } else { Ok(()) }
    }
}

fn location(settings: &Settings) -> Result<Location, StartError> {
    settings.database.url.parse().map_err(|e| StartError::Configuration(format!("{e}")))
}

/// The schedule of copies, if any are to be made.
fn copies(settings: &Settings, clock: &SharedClock) -> Result<Option<backup::Schedule>, StartError> {
    let wanted = &settings.backup;
    if wanted.directory.is_empty() {
        return Ok(None);
    }
    let plan =
        backup::Settings { directory: (&wanted.directory).into(), every: wanted.every, keep: usize::from(wanted.keep) };
    let schedule = backup::Schedule::new(plan, location(settings)?, Arc::clone(clock));
    schedule.map(Some).map_err(StartError::Configuration)
}

/// Goes down when nothing can be kept any more.
async fn watch_store(store: Arc<dyn Store>, lifecycle: Lifecycle) {
    let why = store.lost().await;
    tracing::error!("{why}: going down");
    lifecycle.fail();
    // Goodbyes are said by then; what waits to be stored would wait in vain.
    tokio::time::sleep(CLOSING).await;
    lifecycle.cut();
}

async fn open(settings: &Settings, clock: &SharedClock) -> Result<Arc<dyn Store>, StartError> {
    let location = location(settings)?;
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    Ok(store::open(&store::Options { location, migrate: settings.database.migrate, clock }).await?)
}

fn begin_intake(
    settings: &Settings,
    store: &Arc<dyn Store>,
    register: &Arc<Register>,
    clock: &SharedClock,
    lifecycle: &Lifecycle,
    metrics: &Metrics,
    waiting: watch::Sender<Option<Instant>>,
) -> (Intake, watch::Receiver<i64>) {
    let (committed, receiver) = watch::channel(0);
    let (intake, run) = Intake::new(intake::Parts {
        store: Arc::clone(store),
        register: Arc::clone(register),
        clock: Arc::clone(clock),
        committed,
        waiting,
        hard: lifecycle.hard.clone(),
        settings: intake::Settings {
            unreceipted: settings.limits.unreceipted_reports as usize,
            report_retention: days(settings).reports,
            ..intake::Settings::default()
        },
        meter: metrics.intake.clone(),
    });
    lifecycle.spawn("intake", run);
    (intake, receiver)
}

/// Who hears of every head of the log that is read.
#[derive(Clone, Copy)]
struct Follow<'a> {
    register: &'a Arc<Register>,
    clock: &'a SharedClock,
    lifecycle: &'a Lifecycle,
    readiness: &'a Readiness,
    metrics: &'a Arc<Metrics>,
}

/// Follows the log; every head read tells the database's time, whether the register changed, and that the store is there.
fn follow_log(
    settings: &Settings,
    store: &Arc<dyn Store>,
    parts: &Follow<'_>,
    committed: watch::Receiver<i64>,
) -> Arc<Feed> {
    let Follow { register, clock, lifecycle, readiness, metrics } = *parts;
    let settings = feed::Settings {
        heartbeat: settings.streams.heartbeat,
        max_age: settings.streams.max_age,
        subscriptions: settings.limits.subscriptions as usize,
        ..feed::Settings::default()
    };
    let feed = Feed::new(Arc::clone(store), Arc::clone(clock), settings, lifecycle.soft.clone());
    let watch = ClockWatch::new(Arc::clone(clock), Arc::clone(metrics));
    lifecycle.spawn("register of another history", reload_register(Arc::clone(register), feed.histories()));
    let (register, clock, readiness) = (Arc::clone(register), Arc::clone(clock), readiness.clone());
    // SQLite has no clock of its own: its time is ours, a moment ago.
    let foreign = store.engine() == "postgres";
    let on_head = move |head: &Head| {
        if foreign {
            clock.follow(head.now);
        }
        watch.look(head);
        readiness.seen();
        if register.rulebook().generation != head.generation {
            tokio::spawn(refreshed(Arc::clone(&register)));
        }
    };
    lifecycle.spawn("log tail", Arc::clone(&feed).follow(committed, on_head));
    feed
}

/// Reads the register anew when the log has another history.
async fn reload_register(register: Arc<Register>, mut histories: watch::Receiver<u64>) {
    while histories.changed().await.is_ok() {
        while let Err(error) = register.reload().await {
            tracing::warn!(%error, "the register cannot be read; what is known of it counts until it can");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

async fn refreshed(register: Arc<Register>) {
    if let Err(error) = register.refresh().await {
        tracing::warn!(%error, "the register cannot be read; what is known of it counts until it can");
    }
}

fn routes(settings: &Settings, house: &House) -> Result<(services::Routes, health::Reporter), StartError> {
    let services = services::Services {
        store: Arc::clone(&house.store),
        register: Arc::clone(&house.register),
        intake: house.intake.clone(),
        feed: Arc::clone(&house.feed),
        clock: Arc::clone(&house.clock),
        lifecycle: house.lifecycle.clone(),
    };
    let limits = services::Limits {
        streams_per_connection: settings.limits.streams_per_connection,
        message_bytes: settings.limits.message_bytes as usize,
        unreceipted_per_stream: settings.limits.unreceipted_reports_per_stream as usize,
        max_stream_age: settings.streams.max_age,
        report_days: settings.retention.report_days,
        event_days: settings.retention.event_days,
        environment: settings.server.environment.clone(),
    };
    services
        .routes(&limits)
        .map_err(|e| StartError::Configuration(format!("this binary's descriptors are damaged: {e}")))
}

fn quotas(settings: &Settings) -> Arc<Quotas> {
    Quotas::new(Usual {
        streams: settings.limits.streams_per_identity,
        reports_per_second: settings.limits.reports_per_second_per_identity,
    })
}

fn build(settings: &Settings, clock: &SharedClock) -> Result<Build, StartError> {
    Ok(Build {
        version: env!("CARGO_PKG_VERSION"),
        store: match location(settings)? {
            Location::Sqlite(_) => "sqlite",
            Location::Postgres(_) => "postgres",
        },
        environment: settings.server.environment.clone(),
        started: clock.now().as_micros() / 1_000_000,
    })
}

fn gauges(
    house: &House,
    gate: Arc<Gate>,
    readiness: &Readiness,
    waiting: watch::Receiver<Option<Instant>>,
) -> Arc<Gauges> {
    Arc::new(Gauges::new(gauges::Parts {
        metrics: Arc::clone(&house.metrics),
        store: Arc::clone(&house.store),
        register: Arc::clone(&house.register),
        feed: Arc::clone(&house.feed),
        clock: Arc::clone(&house.clock),
        readiness: readiness.clone(),
        gate,
        waiting,
    }))
}

fn bounds(settings: &Settings, metrics: &Arc<Metrics>, keeper: Option<&Keeper>) -> listener::Settings {
    let handshakes = settings.limits.handshakes as usize;
    listener::Settings {
        tls: keeper.map(|keeper| Arc::new(Tls::new(keeper, handshakes, settings.tls.handshake_timeout))),
        send_buffer: settings.limits.send_buffer_bytes as usize,
        streams: settings.limits.streams_per_connection,
        connections: settings.limits.connections as usize,
        connections_per_address: settings.limits.connections_per_address as usize,
        stall_limit: settings.streams.stall_limit,
        drain_limit: settings.streams.drain_limit,
        longest_stream: settings.streams.max_age * 2,
        metrics: Arc::clone(metrics),
        ..listener::Settings::default()
    }
}

fn days(settings: &Settings) -> retention::Retention {
    let days = |n: u16| Span::days(i64::from(n));
    retention::Retention { reports: days(settings.retention.report_days), events: days(settings.retention.event_days) }
}

fn addresses(api: &TcpListener, operations: &TcpListener) -> Result<(SocketAddr, SocketAddr), StartError> {
    let failed = |e: std::io::Error| StartError::Bind(format!("cannot read the bound address: {e}"));
    Ok((api.local_addr().map_err(failed)?, operations.local_addr().map_err(failed)?))
}
