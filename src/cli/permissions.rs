use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use super::output::Output;
use crate::access::PermissionsFile;

/// Look at a permissions file before the service does.
#[derive(Debug, Subcommand)]
pub(super) enum Permissions {
    /// Say whether a file is right, and how many identities it has: exit code 0 or 78.
    Check(Check),
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The file.
    file: PathBuf,
}

impl Permissions {
    pub(super) fn run(self, mut output: Output) -> Result<(), Failure> {
        let Self::Check(Check { file }) = self;
        let (_, permissions) = PermissionsFile::open(file).map_err(Failure::configuration)?;
        let count = permissions.count();
        let text = if output.is_json() {
            serde_json::json!({"identities": count}).to_string()
        } else {
            format!("{count} identities")
        };
        output.line(&text)?;
        output.flush()
    }
}
