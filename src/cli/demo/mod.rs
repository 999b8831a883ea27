//! `demo`: the whole service in one command, on an embedded database and a simulated clock, through real gRPC.

mod hospital;
mod listener;

use std::sync::Arc;

use clap::Args;

use crate::cli::demo::hospital::{ORGANISATION, SILENT, WARDS};
use crate::cli::demo::listener::{Listener, PATIENCE, say};
use crate::cli::stop::Stop;
use crate::cli::{Failure, shown};
use crate::client::{Client, Receipts, ReportSender, Start, pb};
use crate::clock::ManualClock;
use crate::config::{self, Flag};
use crate::domain::{Span, Time, Zone};
use crate::server::{self, Running};

/// Minutes of the day, and of one step of the simulated clock.
const DAY: i64 = 24 * 60;
const STEP: i64 = 10;
/// When the subscriber is cut, and when it comes back, in minutes after the start.
const CUT: i64 = 5 * 60 + 20;
const BACK: i64 = 7 * 60 + 20;
/// When to look at the ward that fell silent: its figures are overdue 90 minutes after the last.
const LOOK: i64 = SILENT.1 + 100;

/// Play a day of a made-up hospital: reports in, alerts out.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Leave the service running afterwards, and say what to try.
    #[arg(long)]
    keep: bool,
}

/// The service, its clock and those who talk to it.
struct Stage {
    clock: Arc<ManualClock>,
    running: Running,
    client: Client,
    sender: ReportSender<()>,
    receipts: Receipts<()>,
    start: Time,
    reports: usize,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let folder =
            tempfile::tempdir().map_err(|e| Failure::failed(format!("cannot make a temporary directory: {e}")))?;
        let mut stage = Stage::set(folder.path()).await?;
        let wards = WARDS.iter().map(hospital::DemoWard::entry).collect::<Vec<_>>();
        say(&format!(
            "-- A made-up hospital, {} wards, Tuesday 26 April 2016 from 06:00, in fast motion.",
            wards.len()
        ));
        say("-- Beds and nurses are reported by two systems; below is what a subscriber receives.");
        stage.client.upsert_wards(wards).await?;
        stage.play().await?;
        if self.keep {
            stage.keep().await?;
        }
        stage.end().await
    }
}

impl Stage {
    async fn set(folder: &std::path::Path) -> Result<Self, Failure> {
        let flag = |key: &'static str, value: &str| Flag::new("demo", key, value);
        let database = format!("sqlite:{}", folder.join("demo.sqlite").display());
        let flags = vec![
            flag("server.listen", "127.0.0.1:0"),
            flag("server.admin_listen", "127.0.0.1:0"),
            flag("server.environment", "demo"),
            flag("database.url", &database),
        ];
        let settings = config::load(None, [], flags)?.settings;
        let start: Time = "2016-04-26T05:00:00Z".parse().map_err(|e| Failure::failed(format!("{e}")))?;
        let clock = Arc::new(ManualClock::new(start));
        let running = server::start(&settings, Arc::clone(&clock) as crate::clock::SharedClock).await?;
        let client = Client::connect(&format!("http://{}", running.address)).await?;
        let (sender, receipts) = client.report();
        Ok(Self { clock, running, client, sender, receipts, start, reports: 0 })
    }

    /// The day, step by step, with one break of the subscriber.
    async fn play(&mut self) -> Result<(), Failure> {
        let mut listener = Some(Listener::begin(&self.client, Start::Now, listener::Seen::default()));
        let mut away = None;
        self.follow(listener.as_mut()).await?;
        for minute in (0..DAY).step_by(usize::try_from(STEP).unwrap_or(1)) {
            self.step(minute).await?;
            if minute == CUT {
                away = listener.take().map(Listener::cut);
                self.note(minute, "the subscriber is cut off; the day goes on without it.");
            }
            if minute == BACK
                && let Some(seen) = away.take()
            {
                self.note(minute, "it comes back with its last cursor:");
                let before = seen.positions.len();
                let mut back = Listener::begin(&self.client, Start::After(seen.cursor.clone()), seen);
                back.caught_up(&self.client).await?;
                let seen = back.seen();
                let (missed, twice) = seen.missed_and_twice();
                let caught = seen.positions.len() - before;
                self.note(minute, &format!("resumed: {caught} events caught up, {missed} missed, {twice} twice."));
                listener = Some(back);
            }
            self.follow(listener.as_mut()).await?;
            if minute == LOOK {
                self.look(minute).await?;
            }
        }
        self.summary(listener.as_ref()).await?;
        listener.map(Listener::cut);
        Ok(())
    }

    /// Moves the clock, sends what is due, and waits until all of it is judged and nothing more is.
    async fn step(&mut self, minute: i64) -> Result<(), Failure> {
        self.clock.advance_to(self.start + Span::minutes(minute));
        let reports = hospital::reports(self.start, minute);
        let sent = reports.len();
        for report in reports {
            self.sender.send((), report).await.map_err(|e| Failure::failed(e.to_string()))?;
        }
        for _ in 0..sent {
            let receipt = tokio::time::timeout(PATIENCE, self.receipts.next()).await.ok().flatten();
            let ((), receipt) = receipt.ok_or_else(|| Failure::failed("the service stopped answering reports"))??;
            if let Some(error) = receipt.error {
                return Err(Failure::failed(format!("a report of the demo was rejected: {}", error.message)));
            }
        }
        self.reports += sent;
        self.running.settled().await;
        Ok(())
    }

    async fn follow(&self, listener: Option<&mut Listener>) -> Result<(), Failure> {
        match listener {
            Some(listener) => listener.caught_up(&self.client).await,
            None => Ok(()),
        }
    }

    fn note(&self, minute: i64, text: &str) {
        let at = (self.start + Span::minutes(minute)).local_hhmm(&Zone::london());
        say(&format!("{at}  -- {text}"));
    }

    async fn look(&self, minute: i64) -> Result<(), Failure> {
        let ward = self.client.get_ward(&format!("{ORGANISATION}/wards/{}", SILENT.0)).await?;
        let status = shown::bare(ward.status().as_str_name(), "WARD_STATUS_");
        let freshness = shown::bare(ward.freshness().as_str_name(), "FRESHNESS_");
        self.note(minute, &format!("ward {} has fallen silent: {status} and {freshness}, not green.", SILENT.0));
        Ok(())
    }

    async fn summary(&self, listener: Option<&Listener>) -> Result<(), Failure> {
        let seen = listener.map(Listener::seen).unwrap_or_default();
        let (missed, twice) = seen.missed_and_twice();
        let [mut wards_above, mut nurses_above, mut nurses] = [0, 0, 0];
        for ward in &WARDS {
            let stands = self.client.get_ward(&ward.name()).await?;
            let on_ward = stands.current.and_then(|c| c.nursing).and_then(|n| n.registered_nurses).unwrap_or(0);
            nurses += on_ward;
            let breaching =
                |e: &pb::RuleEvaluation| e.rule == "ratio.over_limit" && e.evaluation() == pb::Evaluation::Breaching;
            if stands.evaluations.iter().any(breaching) {
                wards_above += 1;
                nurses_above += on_ward;
            }
        }
        say(&format!(
            "-- The day: {} reports accepted; {} alerts raised, {} resolved; {} events received, {missed} missed, {twice} twice.",
            self.reports,
            seen.raised,
            seen.resolved,
            seen.positions.len()
        ));
        say(&format!(
            "-- At the end of the night {wards_above} of {} wards are above the safe limit, and {nurses_above} of {nurses} registered nurses work on them.",
            WARDS.len()
        ));
        if missed + twice > 0 { Err(Failure::failed("the subscriber missed events or had some twice")) } else { Ok(()) }
    }

    /// Those who talk go first, so that nobody is told goodbye.
    async fn end(self) -> Result<(), Failure> {
        let Self { running, client, sender, receipts, .. } = self;
        drop((client, sender, receipts));
        running.drain();
        Ok(running.wait().await?)
    }

    async fn keep(&self) -> Result<(), Failure> {
        let server = format!("--server http://{}", self.running.address);
        say("-- The service is still running; its clock stands. Try, in another terminal:");
        say(&format!("   wardwatch alerts list --breaching {server}"));
        say(&format!("   wardwatch wards show {ORGANISATION}/wards/A6 {server}"));
        say(&format!("   wardwatch watch --snapshot {server}"));
        say("-- Ctrl-C ends it.");
        Stop::new()?.asked().await;
        Ok(())
    }
}
