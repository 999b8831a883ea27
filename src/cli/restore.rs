use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::backup::{reaches, shown};
use super::output::Output;
use super::{Failure, config};
use crate::clock::SystemClock;
use crate::domain::Clock as _;
use crate::store::{self, Location, Reach, Restored};

/// Put a copy in the SQLite database's place. Every cursor of before is refused from then on (CURSOR_EPOCH_CHANGED).
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// A copy that 'wardwatch backup' or the service made.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Keep the database that is there beside it, as PATH.before-restore-TIME, and take its place.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    sources: config::Sources,
}

impl Restore {
    pub(super) async fn run(self, mut output: Output) -> Result<(), Failure> {
        let settings = self.sources.load(Vec::new())?.settings;
        let location = settings.database.url.parse::<Location>().map_err(|e| Failure::configuration(e.to_string()))?;
        let now = SystemClock::default().now().to_timestamp().strftime("%Y%m%dT%H%M%SZ");
        let keep_as = self.replace.then(|| format!(".before-restore-{now}"));
        let done = store::restore(&self.file, &location, keep_as.as_deref()).await?;
        let text = if output.is_json() { as_json(&done, &location) } else { as_text(&done, &self.file, &location) };
        output.line(&text)?;
        output.flush()
    }
}

fn as_text(done: &Restored, file: &Path, location: &Location) -> String {
    let mut lines = vec![
        format!("restored {} to {location}: {}", file.display(), reaches(&done.reach)),
        "what came later is not in it; sources that send their figures again fill in what counts now".to_owned(),
        format!(
            "the log is {:016x} now: every cursor of before is refused, subscribers begin with a snapshot",
            done.reach.log_id
        ),
    ];
    lines.extend(done.before.as_ref().map(|kept| format!("the database of before is {}", kept.display())));
    lines.join("\n")
}

fn as_json(done: &Restored, location: &Location) -> String {
    let Reach { log_id, position, last_event, last_report } = &done.reach;
    json!({
        "database": location.to_string(),
        "logId": format!("{log_id:016x}"),
        "position": position,
        "lastEventTime": last_event.map(shown),
        "lastReportTime": last_report.map(shown),
        "before": done.before.as_ref().map(|kept| kept.display().to_string()),
    })
    .to_string()
}
