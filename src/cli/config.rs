use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::output::Output;
use crate::config::{ConfigError, Flag, Loaded, Log, load};

/// Where configuration comes from beside the defaults and the environment.
#[derive(Debug, Args)]
pub(super) struct Sources {
    /// A configuration file (TOML).
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// sqlite:PATH or postgres://user@host/database.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Set any key; repeatable.
    #[arg(long, value_name = "SECTION.KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

/// Print the configuration.
#[derive(Debug, Args)]
pub(super) struct ShowConfig {
    #[command(flatten)]
    sources: Sources,
    /// Print nothing; the exit code tells whether the configuration is good.
    #[arg(long)]
    check: bool,
}

impl Sources {
    /// The configuration in force, `flags` being the strongest.
    pub(super) fn load(self, flags: Vec<Flag>) -> Result<Loaded, Failure> {
        let mut all: Vec<Flag> = self.set.into_iter().map(|(key, value)| Flag::new("--set", key, value)).collect();
        all.extend(self.database.map(|url| Flag::new("--database", "database.url", url)));
        all.extend(flags);
        // A name or value that is not text cannot be ours.
        let environment = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        load(self.config.as_deref(), environment, all).map_err(Failure::from)
    }
}

impl ShowConfig {
    pub(super) fn run(self, mut output: Output) -> Result<(), Failure> {
        let loaded = self.sources.load(Vec::new())?;
        if !self.check {
            output.line(loaded.to_toml().trim_end())?;
        }
        output.flush()
    }
}

/// How commands log that run beside the service: as it does by default.
pub(super) fn default_log() -> Result<Log, Failure> {
    Ok(load(None, [], Vec::new())?.settings.log)
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as section.key=value, such as log.level=debug")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::configuration(error.to_string())
    }
}
