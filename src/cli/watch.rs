use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tracing::warn;

use super::cursor_file::CursorFile;
use super::filter::{EventType, Filter};
use super::output::Output;
use super::stop::Stop;
use super::{Failure, Session, shown};
use crate::client::{Item, ItemKind, Start, Subscription, pb};

/// Follow the alert log.
#[derive(Debug, Args)]
pub(super) struct Watch {
    #[command(flatten)]
    filter: Filter,
    /// Type of event; repeatable.
    #[arg(long, value_enum, ignore_case = true)]
    event_type: Vec<EventType>,
    /// Keep how far the output has come in this file, and go on from there if it exists. It is written after the output:
    /// what was printed last may be printed again after a crash, nothing is left out.
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    #[command(flatten)]
    start: Begin,
    /// Longest silence between messages, 5 to 60 s.
    #[arg(long, value_name = "SECONDS")]
    heartbeat: Option<u64>,
    /// When the log no longer reaches back to the cursor (or is another one), print the open alerts and go on, instead of
    /// ending.
    #[arg(long)]
    snapshot_if_lost: bool,
    /// A code for who is listening, shown to operators.
    #[arg(long, value_name = "CODE", default_value = "")]
    subscriber: String,
}

/// Where to start when there is no cursor yet.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Begin {
    /// Start at the first event at or after this time, such as 2016-04-26T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Start with the open alerts (as JSON: AlertEvents that have only an alert).
    #[arg(long)]
    snapshot: bool,
    /// Start with what happens from now on (the default).
    #[arg(long)]
    from_now: bool,
}

impl Begin {
    fn start(&self) -> Start {
        match self.since {
            Some(time) => Start::Since(time),
            None if self.snapshot => Start::Snapshot,
            None => Start::Now,
        }
    }
}

impl Watch {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        let file = self.cursor_file.as_deref().map(CursorFile::new);
        let kept = file.as_ref().map(CursorFile::read).transpose()?.flatten();
        let mut stop = Stop::new()?;
        let mut subscriber = session.connect().await?.subscribe(Subscription {
            filter: self.filter.to_wire(&self.event_type),
            start: kept.map_or_else(|| self.start.start(), |cursor| Start::After(cursor.into())),
            heartbeat: self.heartbeat.map(Duration::from_secs),
            snapshot_if_lost: self.snapshot_if_lost,
            subscriber: self.subscriber,
            give_up_after: None,
        });
        loop {
            let item = tokio::select! {
                item = subscriber.next() => item?,
                () = stop.asked() => return session.output.flush(),
            };
            print(&mut session.output, &item)?;
            session.output.flush()?;
            if let Some(file) = file.as_ref().filter(|_| !item.cursor.is_empty()) {
                file.write(&item.cursor)?;
            }
        }
    }
}

/// JSON: events alone, one a line. Text: also what a person should know about the stream, on stderr.
fn print(output: &mut Output, item: &Item) -> Result<(), Failure> {
    match &item.kind {
        ItemKind::Events(events) => events.iter().try_for_each(|event| output.message(event, shown::event)),
        ItemKind::SnapshotAlerts(alerts) => alerts.iter().try_for_each(|alert| {
            let standing = pb::AlertEvent { alert: Some(alert.clone()), ..Default::default() };
            output.message(&standing, shown::event)
        }),
        ItemKind::SnapshotComplete(count) if !output.is_json() => {
            output.line(&format!("-- {count} open alerts; from here on what happens"))
        }
        ItemKind::Restarted(why) => {
            warn!("{why}: what was printed of the snapshot is void, another follows");
            Ok(())
        }
        _ => Ok(()),
    }
}
