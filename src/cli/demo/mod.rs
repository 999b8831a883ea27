//! `demo`: 26 April 2016 in one command, on an embedded database and a simulated clock, through real gRPC. Every sentence
//! is about what a subscriber received or a call answered, never about what was sent.

mod activity;
mod checks;
mod day;
mod doctors;
mod hospital;
mod listener;
mod stage;
mod story;

use std::path::PathBuf;

use clap::Args;

use crate::cli::Failure;
use crate::cli::demo::listener::Listener;
use crate::cli::demo::stage::{Stage, say, unseen};
use crate::cli::stop::Stop;

/// Play 26 April 2016, the first walkout with no emergency cover, in a made-up hospital.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Leave the service running afterwards, and say what to try.
    #[arg(long)]
    keep: bool,
    /// Also write the day's alert log to a file, one line an event; it is the same with every demo.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let folder =
            tempfile::tempdir().map_err(|e| Failure::failed(format!("cannot make a temporary directory: {e}")))?;
        let mut stage = Stage::set(folder.path()).await?;
        story::play(&mut stage).await?;
        self.close(&stage).await?;
        if self.keep {
            keep(&stage).await?;
        }
        stage.end().await
    }

    /// Holds all that the subscriber received against the log.
    async fn close(&self, stage: &Stage) -> Result<(), Failure> {
        let log = checks::whole_log(&stage.client).await?;
        let received = stage.listener.as_ref().map(Listener::seen).unwrap_or_default().events;
        let (missed, twice) = checks::missed_and_twice(&log, &received);
        if let Some(path) = &self.log {
            let failed = |e| Failure::failed(format!("cannot write {}: {e}", path.display()));
            std::fs::write(path, checks::as_text(&log)).map_err(failed)?;
        }
        if missed + twice > 0 {
            return Err(unseen(&format!("{missed} events missed, {twice} twice")));
        }
        say(&format!("The two days: {} events in the alert log, all received, none twice.", log.len()));
        Ok(())
    }
}

async fn keep(stage: &Stage) -> Result<(), Failure> {
    let server = format!("--server {}", stage.url());
    say("The service is still running; its clock stands. Try, in another terminal:");
    let (from, to) = activity::DAYS;
    say(&format!("   wardwatch situation --activity-from {from} --activity-to {to} {server}"));
    say(&format!("   wardwatch strikes cover {} {server}", story::STRIKE));
    say(&format!("   wardwatch alerts list --breaching {server}"));
    say("Ctrl-C ends it.");
    Stop::new()?.asked().await;
    Ok(())
}
