//! Copies of the SQLite database on a schedule, while the service serves and writes. The age of the newest copy decides
//! when the next one is due, so that the schedule outlasts restarts.

mod names;
mod status;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::SharedClock;
use crate::domain::{Span, Time};
use crate::store::{self, Location};

pub use names::name;
pub use status::Status;

/// A copy that is not finished. Always the same name: what a crash left is taken by the next attempt.
const PART: &str = ".wardwatch.sqlite.part";
/// After a failure it is tried again so soon, or when the next copy is due if that is sooner.
const RETRY: Duration = Duration::from_mins(5);

/// What the schedule is set to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where copies go.
    pub directory: PathBuf,
    /// Between two copies.
    pub every: Duration,
    /// Copies kept.
    pub keep: usize,
}

/// The schedule of one service.
#[derive(Debug)]
pub struct Schedule {
    settings: Settings,
    location: Location,
    clock: SharedClock,
    status: Arc<Status>,
    /// Locked as long as the schedule lives: with another service's copies between them neither would be due, and each
    /// would delete the other's.
    _directory: File,
}

impl Schedule {
    /// A schedule for the database at `location`.
    ///
    /// # Errors
    /// One line, when copies cannot be made in the directory.
    pub fn new(settings: Settings, location: Location, clock: SharedClock) -> Result<Self, String> {
        let wrong = |why: String| {
            let place = settings.directory.display();
            format!("backup.directory: {place}: {why}; name a folder on another disk that this service may write to")
        };
        let directory = File::open(&settings.directory).map_err(|e| wrong(e.to_string()))?;
        tempfile::tempfile_in(&settings.directory).map_err(|e| wrong(e.to_string()))?;
        // File systems that cannot lock a folder (some on a network) are taken at their word.
        if let Err(TryLockError::WouldBlock) = directory.try_lock() {
            return Err(wrong("another service makes its copies there".into()));
        }
        let newest = names::copies(&settings.directory).map_err(|e| wrong(e.to_string()))?.pop();
        let status = Arc::new(Status::since(newest.map(|(time, _)| time)));
        Ok(Self { settings, location, clock, status, _directory: directory })
    }

    /// How it goes, for the metrics.
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }

    /// Makes copies until it is stopped.
    pub async fn run(self) {
        loop {
            let now = self.clock.now();
            let until = match self.due(now) {
                Ok(due) if due > now => due,
                Ok(_) => self.make(now).await,
                Err(error) => self.failed(now, &error.to_string()),
            };
            self.clock.sleep_until(until).await;
        }
    }

    /// When the next one is due. Copies from the future, which a clock set back leaves, do not count.
    fn due(&self, now: Time) -> io::Result<Time> {
        let newest = names::copies(&self.settings.directory)?.into_iter().rfind(|(time, _)| *time <= now);
        Ok(newest.map_or(now, |(time, _)| time + span(self.settings.every)))
    }

    /// Makes one, and deletes what is beyond the number kept; until when to sleep.
    async fn make(&self, now: Time) -> Time {
        let directory = &self.settings.directory;
        let began = tokio::time::Instant::now();
        let made = store::backup(&self.location, &directory.join(PART), &directory.join(name(now))).await;
        match made {
            Ok(made) => {
                self.status.made(now, made.bytes);
                let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                let (file, position) = (made.file.display(), made.reach.position);
                tracing::info!(%file, bytes = made.bytes, position, took_ms, "the database was copied");
                self.prune();
                now + span(self.settings.every)
            }
            Err(error) => self.failed(now, &error.to_string()),
        }
    }

    /// Says and counts it; when to try again.
    fn failed(&self, now: Time, why: &str) -> Time {
        self.status.failed();
        tracing::error!("backup.directory: the database could not be copied: {why}");
        now + span(RETRY.min(self.settings.every))
    }

    fn prune(&self) {
        let copies = names::copies(&self.settings.directory).unwrap_or_default();
        let beyond = copies.len().saturating_sub(self.settings.keep);
        for (_, file) in copies.into_iter().take(beyond) {
            if let Err(error) = fs::remove_file(&file) {
                tracing::error!("backup.keep: {} cannot be deleted: {error}", file.display());
            }
        }
    }
}

fn span(duration: Duration) -> Span {
    Span::micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}
