//! A service, an Alertmanager with a pager, and the bridge as a process of its own.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use wardwatch::clock::{ManualClock, SharedClock};
use wardwatch::domain::Clock as _;
use wardwatch::wire::pb::{self, CloseReason};

use super::alertmanager::Alertmanager;
use super::pager::Pager;
use crate::support::hospital::{clock, figures, ward};
use crate::support::process::{free_port, wardwatch};
use crate::support::service::{Place, Service, within};

/// Both in one: what the tests look at.
pub struct Rig {
    pub place: Place,
    pub clock: Arc<ManualClock>,
    pub service: Service,
    pub pager: Pager,
    pub alertmanager: Alertmanager,
}

/// A `wardwatch bridge` that is killed when dropped.
pub struct BridgeProcess(Child);

/// Sent again every second, so that what is not ends within four.
pub const QUICK: [&str; 2] = ["--resend-every", "1"];
/// Nothing ends by itself for as long as a test takes.
pub const SLOW: [&str; 2] = ["--resend-every", "600"];

impl Rig {
    /// Five wards that have reported nothing, in the environment "training".
    pub async fn start() -> Self {
        let (place, clock) = (Place::sqlite(), clock());
        // A port that it finds again when it is restarted.
        let service = serve(&place, &clock, ([127, 0, 0, 1], free_port()).into(), "training").await;
        service.register_many(5).await;
        let pager = Pager::start().await;
        let alertmanager = Alertmanager::start(&pager).await;
        Self { place, clock, service, pager, alertmanager }
    }

    /// A bridge between them.
    pub fn bridge(&self, arguments: &[&str]) -> BridgeProcess {
        self.bridge_to(&[&self.alertmanager], arguments)
    }

    pub fn bridge_to(&self, alertmanagers: &[&Alertmanager], arguments: &[&str]) -> BridgeProcess {
        let mut command = bridge_command(&format!("http://{}", self.service.running.address));
        for alertmanager in alertmanagers {
            command.args(["--url", &alertmanager.url()]);
        }
        BridgeProcess::spawn(command.args(arguments))
    }

    /// A ward has so many patients for each of three nurses: over 8 is a warning, from 12 critical.
    pub async fn ratio(&self, n: usize, patients_per_nurse: i32) {
        let receipt = self.service.report(figures(&ward(n), self.clock.now(), patients_per_nurse * 3, 3)).await;
        assert_eq!(receipt.outcome(), pb::ReceiptOutcome::Accepted, "{receipt:?}");
    }

    /// As much time passes as an alert needs to end once the figures are good.
    pub async fn ends(&self, n: usize) {
        crate::support::hospital::pass(&self.clock, 1);
        self.ratio(n, 5).await;
        let filter = pb::AlertFilter { wards: vec![ward(n)], ..Default::default() };
        let open = self.service.list(pb::ListAlertsRequest { filter: Some(filter), ..Default::default() }).await;
        assert!(!open.is_empty(), "there is something to end");
        for alert in open {
            self.service.close(&alert.name, CloseReason::PutRight).await.unwrap();
        }
    }

    /// Ends the service, and starts it for something at the same address over the same data.
    pub async fn restart_service(self, environment: &str, meanwhile: impl AsyncFn(&Alertmanager)) -> Self {
        let Self { place, clock, service, pager, alertmanager } = self;
        let address = service.running.address;
        service.stop().await;
        meanwhile(&alertmanager).await;
        let service = serve(&place, &clock, address, environment).await;
        Self { place, clock, service, pager, alertmanager }
    }
}

async fn serve(place: &Place, clock: &Arc<ManualClock>, address: SocketAddr, environment: &str) -> Service {
    let change = |settings: &mut wardwatch::config::Settings| {
        settings.server.listen = address;
        environment.clone_into(&mut settings.server.environment);
    };
    place.serve_with(Arc::clone(clock) as SharedClock, change).await
}

/// The command, without whatever proxies there are.
pub fn bridge_command(server: &str) -> Command {
    let mut command = wardwatch(&["bridge", "alertmanager", "--server", server]);
    command.env("NO_PROXY", "127.0.0.1,localhost");
    command
}

impl BridgeProcess {
    pub fn spawn(command: &mut Command) -> Self {
        let log = if std::env::var_os("WARDWATCH_TEST_LOG").is_some() { Stdio::inherit() } else { Stdio::null() };
        Self(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// Ends it as a power cut would.
    pub async fn kill(self) {
        assert_eq!(self.end("KILL").await, None, "it was killed");
    }

    /// Tells it to end; its exit code.
    pub async fn stop(self) -> Option<i32> {
        self.end("TERM").await
    }

    /// Waits for an end of its own; its exit code.
    pub async fn wait(mut self) -> Option<i32> {
        within(async {
            loop {
                if let Some(status) = self.0.try_wait().unwrap() {
                    return status.code();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }

    async fn end(self, signal: &str) -> Option<i32> {
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &self.0.id().to_string()]).status().unwrap().success()
        );
        self.wait().await
    }
}

impl Drop for BridgeProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
