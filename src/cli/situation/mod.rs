//! The control room's view on a terminal.

mod lines;
#[cfg(test)]
mod tests;
pub(in crate::cli) mod text;

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::stop::Stop;
use super::{Failure, Session, filter};
use crate::client::{Error, Sight, SituationWatcher, pb, timestamp_to};
use crate::domain::Time;

/// Moves a terminal's cursor home and clears it.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Show where cover and staffing stand, on one screen.
#[derive(Debug, Args)]
pub(super) struct Situation {
    /// Organisation by ODS code, such as RJ1; repeatable.
    #[arg(long, value_name = "CODE", value_parser = filter::organisation)]
    organisation: Vec<String>,
    /// Site by ODS code, such as RJ121; repeatable.
    #[arg(long, value_name = "CODE")]
    site: Vec<String>,
    /// Region by ODS code, such as Y56; repeatable.
    #[arg(long, value_name = "CODE")]
    region: Vec<String>,
    /// Show it again whenever it changes; say NOT LIVE when nothing is heard for three heartbeats.
    #[arg(long, conflicts_with = "as_of")]
    watch: bool,
    /// As of this time, from the alert log, such as 2016-04-26T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// First day of the planned work to add up, such as 2016-04-18; 14 days ago otherwise.
    #[arg(long, value_name = "DAY", default_value = "")]
    activity_from: String,
    /// Last day of it; in 14 days otherwise.
    #[arg(long, value_name = "DAY", default_value = "")]
    activity_to: String,
    /// Longest silence between messages with --watch, 5 to 60 s.
    #[arg(long, value_name = "SECONDS", requires = "watch")]
    heartbeat: Option<u64>,
}

/// What was shown last, and since when nothing was heard.
struct View {
    shown: Option<pb::Situation>,
    heard: Instant,
    /// When it is not live any more, or its age is to be said again.
    stale_at: Instant,
    heartbeat: Duration,
}

impl Situation {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        let client = session.connect().await?;
        if self.watch {
            return watch(client.watch_situation(self.watching(session.output.is_json())), session).await;
        }
        let total_only = !session.output.is_json();
        let request = pb::GetSituationRequest {
            filter: Some(self.filter()),
            as_of_time: self.as_of.map(|t| timestamp_to(Time::from_micros(t.as_microsecond()))),
            activity_start_day: self.activity_from,
            activity_end_day: self.activity_to,
            total_only,
        };
        let situation = client.get_situation(request).await?;
        session.output.message(&situation, |s| text::situation(s, None))?;
        session.output.flush()
    }

    fn filter(&self) -> pb::SituationFilter {
        let (organisations, sites, regions) = (self.organisation.clone(), self.site.clone(), self.region.clone());
        pb::SituationFilter { organisations, sites, regions }
    }

    fn watching(&self, json: bool) -> pb::WatchSituationRequest {
        pb::WatchSituationRequest {
            filter: Some(self.filter()),
            activity_start_day: self.activity_from.clone(),
            activity_end_day: self.activity_to.clone(),
            total_only: !json,
            heartbeat_interval: self.heartbeat.and_then(|s| Duration::from_secs(s).try_into().ok()),
        }
    }
}

/// Shows what is heard until asked to stop.
async fn watch(mut watcher: SituationWatcher, mut session: Session) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    let heartbeat = watcher.silence() / 3;
    let now = Instant::now();
    let mut view = View { shown: None, heard: now, stale_at: now + heartbeat * 3, heartbeat };
    // In a task of its own, so that looking at the clock cuts off nothing that was half heard.
    let (sights, mut heard) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let sight = watcher.next().await;
            let ends = sight.is_err();
            if sights.send(sight).await.is_err() || ends {
                return;
            }
        }
    });
    loop {
        let sight: Option<Result<Sight, Error>> = tokio::select! {
            sight = heard.recv() => sight,
            () = sleep_until(view.stale_at) => {
                view.not_live(&mut session)?;
                continue;
            }
            () = stop.asked() => return session.output.flush(),
        };
        match sight {
            Some(sight) => view.hear(sight?, &mut session)?,
            None => return session.output.flush(),
        }
    }
}

impl View {
    fn hear(&mut self, sight: Sight, session: &mut Session) -> Result<(), Failure> {
        let was_live = Instant::now() < self.heard + self.heartbeat * 3;
        let changed = match sight {
            // That somebody answers says nothing about the situation yet.
            Sight::Opened(heartbeat) => {
                self.heartbeat = heartbeat;
                return Ok(());
            }
            Sight::Situation(situation) => {
                self.shown = Some(*situation);
                true
            }
            Sight::Live(server_time) => {
                if let Some(shown) = &mut self.shown {
                    shown.server_time = server_time;
                }
                false
            }
        };
        self.heard = Instant::now();
        self.stale_at = self.heard + self.heartbeat * 3;
        // A terminal shows how the time goes on; a file has each change once, and that it is live again.
        if changed || !was_live || on_terminal(session) { self.show(session, None) } else { Ok(()) }
    }

    /// Says that what is shown is not live, and how old it is; again each heartbeat.
    fn not_live(&mut self, session: &mut Session) -> Result<(), Failure> {
        let age = self.heard.elapsed();
        self.stale_at = Instant::now() + self.heartbeat;
        if session.output.is_json() {
            warn!("NOT LIVE: nothing heard for {} s", age.as_secs());
            return Ok(());
        }
        self.show(session, Some(age))
    }

    fn show(&self, session: &mut Session, silent: Option<Duration>) -> Result<(), Failure> {
        let terminal = on_terminal(session);
        match &self.shown {
            Some(situation) => session.output.message(situation, |s| {
                let text = text::situation(s, silent);
                if terminal { format!("{CLEAR}{text}") } else { format!("{text}\n") }
            })?,
            None => session.output.line(&text::not_live(silent.unwrap_or_default(), None))?,
        }
        session.output.flush()
    }
}

fn on_terminal(session: &Session) -> bool {
    std::io::stdout().is_terminal() && !session.output.is_json()
}
