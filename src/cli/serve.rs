use clap::Args;
use tracing::{info, warn};

use super::stop::{Hangup, Stop};
use super::{Failure, config};
use crate::clock::{SharedClock, SystemClock};
use crate::config::{Flag, Settings};
use crate::faults;
use crate::server::{self, Running, StartError};

/// Run the service.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    sources: config::Sources,
    /// Where the gRPC API listens. Default 127.0.0.1:50051.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Where /livez, /readyz and /metrics are served. Default 127.0.0.1:9464.
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin_listen: Option<String>,
    /// Let the API bind an address others can reach, with neither TLS nor authentication.
    #[arg(long)]
    insecure: bool,
    /// Leave the database's schema alone; fail if it is not this version's.
    #[arg(long)]
    no_migrate: bool,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut flags = Vec::new();
        flags.extend(self.listen.map(|v| Flag::new("--listen", "server.listen", v)));
        flags.extend(self.admin_listen.map(|v| Flag::new("--admin-listen", "server.admin_listen", v)));
        flags.extend(self.insecure.then(|| Flag::new("--insecure", "server.insecure", "true")));
        flags.extend(self.no_migrate.then(|| Flag::new("--no-migrate", "database.migrate", "false")));
        let settings = self.sources.load(flags)?.settings;
        let exporter = crate::telemetry::init(&settings.log).map_err(|e| Failure::failed(e.to_string()))?;
        faults::arm().map_err(|e| Failure::configuration(e.to_string()))?;
        // Before anything is started: a signal from here on means drain.
        let mut stop = Stop::new()?;
        let mut hangup = Hangup::new()?;
        let clock: SharedClock = std::sync::Arc::new(SystemClock::default());
        let running = server::start(&settings, clock).await?;
        listening(&running, &settings);
        let ended = until_its_end(running, &mut stop, &mut hangup).await;
        if let Some(exporter) = exporter {
            exporter.finish().await;
        }
        ended
    }
}

async fn until_its_end(running: Running, stop: &mut Stop, hangup: &mut Hangup) -> Result<(), Failure> {
    let lifecycle = running.lifecycle.clone();
    let ended = running.wait();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            // Without being asked to: a part of it failed.
            ended = &mut ended => return Ok(ended?),
            () = hangup.asked() => {
                info!("SIGHUP: looking at the files of the configuration");
                lifecycle.reload.ask();
            }
            () = stop.asked() => break lifecycle.begin_drain(),
        }
    }
    info!("draining; a second signal ends at once");
    tokio::select! {
        ended = ended => Ok(ended?),
        () = stop.asked() => Err(Failure::failed("ended by a second signal before everything was drained")),
    }
}

fn listening(running: &Running, settings: &Settings) {
    info!(
        address = %running.address,
        admin = %running.admin_address,
        database = %settings.database.shown_url(),
        environment = %settings.server.environment,
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    let (encrypted, asks) = (!settings.tls.certificate_file.is_empty(), !settings.access.permissions_file.is_empty());
    let reached = settings.server.insecure && !settings.server.listen.ip().is_loopback();
    match (encrypted, asks) {
        (true, false) if settings.server.insecure => warn!("the API asks nobody who they are: no authentication"),
        (false, false) if reached => {
            warn!("the API is open to everyone who can reach {}: no TLS, no authentication", running.address);
        }
        (false, true) if reached => warn!("tokens and figures can be read on their way: no TLS"),
        _ => {}
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        if error.is_configuration() { Self::configuration(error.to_string()) } else { Self::failed(error.to_string()) }
    }
}
