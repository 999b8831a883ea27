use std::str::FromStr;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{Failure, config};
use crate::store::{self, Location, MigrationReport};

/// Bring the database up to this version's schema.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    sources: config::Sources,
}

impl Migrate {
    pub(super) async fn run(self, mut output: Output) -> Result<(), Failure> {
        let settings = self.sources.load(Vec::new())?.settings;
        let location = Location::from_str(&settings.database.url).map_err(|e| Failure::configuration(e.to_string()))?;
        let report = store::migrate(&location).await.map_err(|e| Failure::failed(e.to_string()))?;
        let text = if output.is_json() { as_json(&report) } else { as_text(&report) };
        output.line(&text)?;
        output.flush()
    }
}

/// One line a migration applied, and how many were there.
fn as_text(report: &MigrationReport) -> String {
    let mut lines: Vec<String> = report.applied.iter().map(|(v, name)| format!("applied {v} {name}")).collect();
    lines.push(format!("{} applied, {} there before", report.applied.len(), report.present.len()));
    lines.join("\n")
}

fn as_json(report: &MigrationReport) -> String {
    let entries = |list: &[(i64, String)]| list.iter().map(|(v, name)| format!("{v} {name}")).collect::<Vec<_>>();
    json!({"applied": entries(&report.applied), "present": entries(&report.present)}).to_string()
}
