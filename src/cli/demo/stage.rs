//! The service, its clock, and those who talk to it.

use std::io::Write;
use std::sync::Arc;

use crate::cli::Failure;
use crate::cli::demo::day::{self, london};
use crate::cli::demo::hospital::Hospital;
use crate::cli::demo::listener::{Listener, Seen};
use crate::client::{Client, Start, pb};
use crate::clock::ManualClock;
use crate::config::{self, Flag};
use crate::domain::{Span, Time};
use crate::server::{self, Running};

/// One step of the simulated clock.
const STEP: Span = Span::minutes(5);

/// Everything the story plays with.
#[derive(Debug)]
pub(super) struct Stage {
    /// What its wards are like now.
    pub(super) hospital: Hospital,
    /// What the control room calls the service with.
    pub(super) client: Client,
    /// Its subscriber, unless it is cut off.
    pub(super) listener: Option<Listener>,
    clock: Arc<ManualClock>,
    running: Running,
    now: Time,
}

impl Stage {
    /// The day before the strike, noon: nothing is registered yet, and a subscriber listens.
    pub(super) async fn set(folder: &std::path::Path) -> Result<Self, Failure> {
        let flag = |key: &'static str, value: &str| Flag::new("demo", key, value);
        let database = format!("sqlite:{}", folder.join("demo.sqlite").display());
        let flags = vec![
            flag("server.listen", "127.0.0.1:0"),
            flag("server.admin_listen", "127.0.0.1:0"),
            flag("server.environment", "demo"),
            flag("database.url", &database),
        ];
        let settings = config::load(None, [], flags)?.settings;
        let now = london(25, 12, 0);
        let clock = Arc::new(ManualClock::new(now));
        let running = server::start(&settings, Arc::clone(&clock) as crate::clock::SharedClock).await?;
        let client = Client::connect(&format!("http://{}", running.address)).await?;
        let listener = Some(Listener::begin(&client, Start::Now, Seen::default()));
        let hospital = Hospital::calm();
        let mut stage = Self { hospital, client, listener, clock, running, now };
        stage.heard().await?;
        Ok(stage)
    }

    /// What the service's clock shows.
    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// Where the service listens.
    pub(super) fn url(&self) -> &str {
        self.client.url()
    }

    /// Lets time pass, while the wards go on reporting.
    pub(super) async fn until(&mut self, to: Time) -> Result<(), Failure> {
        while self.now < to {
            self.now = to.min(self.now + STEP);
            self.clock.advance_to(self.now);
            self.running.settled().await;
            self.send(self.hospital.routine(self.now)).await?;
        }
        self.heard().await
    }

    /// Sends reports, one call a source, and waits until all that follows from them is judged and received.
    pub(super) async fn report(&mut self, reports: Vec<pb::StaffingReport>) -> Result<(), Failure> {
        self.send(reports).await?;
        self.heard().await
    }

    async fn send(&self, reports: Vec<pb::StaffingReport>) -> Result<(), Failure> {
        if reports.is_empty() {
            return Ok(());
        }
        let request = pb::SubmitReportsRequest { reports, ..pb::SubmitReportsRequest::default() };
        let receipts = self.client.submit_reports(request).await?.receipts;
        if let Some(error) = receipts.into_iter().find_map(|r| r.error) {
            return Err(Failure::failed(format!("a report of the demo was rejected: {}", error.message)));
        }
        self.running.settled().await;
        Ok(())
    }

    /// Waits until the service is at rest and the subscriber has received all that it published.
    pub(super) async fn heard(&mut self) -> Result<(), Failure> {
        self.running.settled().await;
        match &mut self.listener {
            Some(listener) => listener.caught_up(&self.client).await,
            None => Ok(()),
        }
    }

    /// What the subscriber saw of an alert: the newest event of this type.
    pub(super) fn saw(
        &self,
        subject: &str,
        rule: &str,
        kind: pb::AlertEventType,
    ) -> Result<(pb::AlertEvent, pb::Alert), Failure> {
        let event = self.listener.as_ref().and_then(|l| l.newest(subject, rule, kind));
        event
            .and_then(|e| e.alert.clone().map(|alert| (e, alert)))
            .ok_or_else(|| unseen(&format!("{} of {rule} on {subject}", kind.as_str_name())))
    }

    /// A sentence about what was just seen.
    pub(super) fn tell(&self, sentence: &str) {
        say(&format!("{}  {sentence}", day::said(self.now)));
    }

    /// Those who talk go first, so that nobody is told goodbye.
    pub(super) async fn end(self) -> Result<(), Failure> {
        let Self { running, client, listener, .. } = self;
        drop((listener, client));
        running.drain();
        Ok(running.wait().await?)
    }
}

/// The story did not happen as it should have.
pub(super) fn unseen(what: &str) -> Failure {
    Failure::failed(format!("the demo did not see what it should have: {what}"))
}

/// One line on stdout. A reader who has gone is no reason to fail.
pub(super) fn say(line: &str) {
    let _ = writeln!(anstream::stdout(), "{line}");
}
