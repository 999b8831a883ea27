use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{Failure, config};
use crate::backup::name;
use crate::clock::SystemClock;
use crate::domain::{Clock as _, Time};
use crate::store::{self, Backup as Copied, BackupError, Location, Reach};

/// Copy the SQLite database to a file, whether a service runs on it or not.
#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    sources: config::Sources,
    /// A file that does not exist yet, or a folder, where the copy is named after the time. Default: backup.directory.
    #[arg(long, value_name = "PATH")]
    to: Option<PathBuf>,
}

impl Backup {
    pub(super) async fn run(self, mut output: Output) -> Result<(), Failure> {
        let settings = self.sources.load(Vec::new())?.settings;
        let location = settings.database.url.parse::<Location>().map_err(|e| Failure::configuration(e.to_string()))?;
        let to = self.to.unwrap_or_else(|| settings.backup.directory.into());
        if matches!(location, Location::Postgres(_)) {
            return Err(BackupError::Postgres.into());
        }
        if to.as_os_str().is_empty() {
            return Err(Failure::usage("where to? name a file or a folder with --to, or set backup.directory"));
        }
        let file = if to.is_dir() { to.join(name(SystemClock::default().now())) } else { to };
        let made = store::backup(&location, &part(&file), &file).await?;
        output.line(&if output.is_json() { as_json(&made) } else { as_text(&made) })?;
        output.flush()
    }
}

/// Beside the file, so that it can be renamed; of this process, so that two do not write one.
fn part(file: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    file.with_file_name(name)
}

fn as_text(made: &Copied) -> String {
    format!("{}: {} bytes, {}", made.file.display(), made.bytes, reaches(&made.reach))
}

fn as_json(made: &Copied) -> String {
    let Reach { log_id, position, last_event, last_report } = &made.reach;
    json!({
        "file": made.file.display().to_string(),
        "bytes": made.bytes,
        "logId": format!("{log_id:016x}"),
        "position": position,
        "lastEventTime": last_event.map(shown),
        "lastReportTime": last_report.map(shown),
    })
    .to_string()
}

/// What a database holds, in words.
pub(super) fn reaches(reach: &Reach) -> String {
    let event = match reach.last_event {
        Some(at) => format!("the log up to position {} of {}", reach.position, shown(at)),
        None => "no event".to_owned(),
    };
    let report = match reach.last_report {
        Some(at) => format!("the last report received at {}", shown(at)),
        None => "no report".to_owned(),
    };
    format!("{event}, {report}")
}

/// A time to the second.
pub(super) fn shown(at: Time) -> String {
    at.to_timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Postgres => Self::usage(error.to_string()),
            other => Self::failed(other.to_string()),
        }
    }
}
