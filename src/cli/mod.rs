//! The command line: one file per subcommand. Results go to stdout, everything else to stderr.

mod activity;
mod alerts;
mod backup;
mod bridge;
mod config;
mod cover_groups;
mod cursor_file;
mod demo;
mod doctor;
mod failure;
mod figure_flags;
mod figures;
mod filter;
mod grades;
mod healthcheck;
mod import;
mod migrate;
mod organisations;
mod output;
mod permissions;
mod policy;
pub(crate) mod replay;
mod report;
mod restore;
mod serve;
mod shown;
mod situation;
mod stop;
mod strikes;
mod table;
mod tally;
mod token;
mod wards;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::client::{self, Client};
pub use failure::{Exit, Failure};
use output::Output;

/// Watches NHS ward staffing against the safe limit: reports in, alerts out.
#[derive(Debug, Parser)]
#[command(name = "wardwatch", version, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 rejected input, 64 bad usage, 78 bad configuration.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    target: Target,
}

/// What every client command takes.
#[derive(Debug, Args)]
struct Target {
    /// The service to talk to; https:// speaks TLS.
    #[arg(long, global = true, value_name = "URL", default_value = "http://127.0.0.1:50051")]
    server: String,
    /// Who may have issued the service's certificate (PEM); without it those whom the system trusts.
    #[arg(long, global = true, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Our own certificate (PEM), for services that ask for one.
    #[arg(long, global = true, value_name = "FILE")]
    cert_file: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A file that holds our token; read again for each call.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The form of results: text for people, JSON (the protobuf JSON mapping), one object a line, or, of `strikes cover`,
    /// CSV.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// The form of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
    /// Comma-separated values with a header, for spreadsheets.
    Csv,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve(serve::Serve),
    /// Play a day of a made-up hospital on an embedded database: reports in, alerts out.
    Demo(demo::Demo),
    /// Stream reports from a file (or - for stdin): NDJSON in the protobuf JSON mapping, or CSV.
    Replay(replay::Replay),
    /// Send one report made from flags.
    Report(Box<report::Report>),
    /// Follow the alert log: a subscriber that reconnects and resumes.
    Watch(watch::Watch),
    /// List and show alerts.
    #[command(subcommand)]
    Alerts(alerts::Alerts),
    /// Import, list and show organisations.
    #[command(subcommand)]
    Organisations(organisations::Organisations),
    /// Import, list and show wards.
    #[command(subcommand)]
    Wards(wards::Wards),
    /// Show where cover and staffing stand, on one screen.
    #[command(alias = "sitrep")]
    Situation(situation::Situation),
    /// Send planned work: operations and appointments planned, delivered, postponed.
    #[command(subcommand)]
    Activity(activity::Activity),
    /// Show and change what the rules judge by.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Announce, change, list and call off strikes; show whether the cover stands.
    #[command(subcommand)]
    Strikes(strikes::Strikes),
    /// Import, list and show cover groups of doctors.
    #[command(subcommand)]
    CoverGroups(cover_groups::CoverGroups),
    /// Hand alerts on to other systems, as a client that runs beside the service.
    #[command(subcommand)]
    Bridge(bridge::Bridge),
    /// Print the configuration in force as TOML, each key with where it came from.
    Config(config::ShowConfig),
    /// Bring the database up to this version's schema, and say what was done.
    Migrate(migrate::Migrate),
    /// Make tokens for clients.
    #[command(subcommand)]
    Token(token::Token),
    /// Check a permissions file.
    #[command(subcommand)]
    Permissions(permissions::Permissions),
    /// Copy the SQLite database to a file, whether a service runs on it or not.
    Backup(backup::Backup),
    /// Put a copy in the SQLite database's place; cursors of before are refused from then on.
    Restore(restore::Restore),
    /// Check a service from outside: one line a check, and what to do.
    Doctor(doctor::Doctor),
    /// Ask the service whether it serves: exit code 0 or 1.
    Healthcheck(healthcheck::Healthcheck),
}

/// What a client command works with.
struct Session {
    target: client::Target,
    output: Output,
}

impl From<Target> for client::Target {
    fn from(target: Target) -> Self {
        let Target { server, ca_file, cert_file, key_file, token_file, output: _ } = target;
        Self { url: server, ca_file, cert_file, key_file, token_file }
    }
}

impl Session {
    async fn connect(&self) -> Result<Client, Failure> {
        Ok(self.open().await?)
    }

    /// With what went wrong as the client tells it.
    async fn open(&self) -> Result<Client, client::Error> {
        Client::connect(&self.target).await
    }
}

/// Parses the command line, runs the command, says what went wrong.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for; everything else is bad usage. A closed pipe changes neither.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return exit.into();
        }
    };
    let exit = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(run(cli)).err().map_or(Exit::Done, |failure| failure.tell()),
        Err(error) => Failure::failed(format!("cannot start the runtime: {error}")).tell(),
    };
    exit.into()
}

async fn run(cli: Cli) -> Result<(), Failure> {
    if cli.target.output == Format::Csv && !matches!(cli.command, Command::Strikes(strikes::Strikes::Cover(_))) {
        return Err(Failure::usage("--output csv is for 'strikes cover': use text or json"));
    }
    let session = Session { output: Output::stdout(cli.target.output), target: cli.target.into() };
    match cli.command {
        Command::Serve(serve) => return serve.run().await,
        Command::Config(config) => return config.run(session.output),
        Command::Migrate(migrate) => return migrate.run(session.output).await,
        Command::Token(token) => return token.run(session.output),
        Command::Permissions(permissions) => return permissions.run(session.output),
        Command::Backup(backup) => return backup.run(session.output).await,
        Command::Restore(restore) => return restore.run(session.output).await,
        // It runs for months, and its log is read as the service's is.
        Command::Bridge(_) => {
            crate::telemetry::init(&config::default_log()?).map_err(|e| Failure::failed(e.to_string()))?;
        }
        _ => crate::telemetry::init_client().map_err(|e| Failure::failed(e.to_string()))?,
    }
    match cli.command {
        Command::Demo(demo) => demo.run().await,
        Command::Replay(replay) => replay.run(session).await,
        Command::Report(report) => report.run(session).await,
        Command::Watch(watch) => watch.run(session).await,
        Command::Alerts(alerts) => alerts.run(session).await,
        Command::Organisations(organisations) => organisations.run(session).await,
        Command::Wards(wards) => wards.run(session).await,
        Command::Situation(situation) => situation.run(session).await,
        Command::Activity(activity) => activity.run(session).await,
        Command::Policy(policy) => policy.run(session).await,
        Command::Strikes(strikes) => strikes.run(session).await,
        Command::CoverGroups(groups) => groups.run(session).await,
        Command::Doctor(doctor) => doctor.run(session).await,
        Command::Bridge(bridge) => bridge.run(session).await,
        Command::Healthcheck(healthcheck) => healthcheck.run(session).await,
        Command::Serve(_)
        | Command::Config(_)
        | Command::Migrate(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Token(_)
        | Command::Permissions(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// One of a command's own would be taken for it: a token meant for another service would be sent to this one.
    #[test]
    fn no_command_has_a_flag_by_the_name_of_a_common_one() {
        fn look(command: &clap::Command, common: &[clap::Id]) {
            for own in command.get_arguments().filter(|a| !a.is_global_set()) {
                assert!(!common.contains(own.get_id()), "{} {}", command.get_name(), own.get_id());
            }
            command.get_subcommands().for_each(|sub| look(sub, common));
        }
        let cli = Cli::command();
        let common: Vec<_> = cli.get_arguments().filter(|a| a.is_global_set()).map(|a| a.get_id().clone()).collect();
        assert!(common.len() > 4);
        cli.get_subcommands().for_each(|sub| look(sub, &common));
    }

    #[test]
    fn a_client_command_takes_its_server_anywhere() {
        for line in ["wardwatch --server http://h:1 alerts list", "wardwatch alerts list --server http://h:1"] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.target.server, "http://h:1");
        }
    }

    #[test]
    fn bad_usage_is_told_from_a_wish_for_help() {
        let error = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap_err().use_stderr();
        assert!(error("wardwatch"));
        assert!(error("wardwatch replay"));
        assert!(error("wardwatch watch --min-severity awful"));
        assert!(error("wardwatch report --ward RJ1/A1 --source B --bedded many"));
        assert!(!error("wardwatch --help"));
        assert!(!error("wardwatch --version"));
    }
}
