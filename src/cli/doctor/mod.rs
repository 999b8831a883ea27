//! `wardwatch doctor`: looks at a service from where its clients are.

mod path;
mod reach;
mod service;

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde_json::json;

use super::{Failure, Session};

/// Whatever should answer at once may take so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Check a service from outside: reachability, TLS, health, clock, identity, heartbeats through the path, the log.
#[derive(Debug, Args)]
#[command(after_help = "One line a check: ok, warn or FAIL, what was found, and what to do. Exit code 1 if any FAILs.")]
pub(super) struct Doctor {
    /// Leave out the heartbeats, which take ten seconds.
    #[arg(long)]
    quick: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Fail,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    check: &'static str,
    level: Level,
    what: String,
    /// Empty when there is nothing to do.
    remedy: String,
}

impl Finding {
    fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, what: what.into(), remedy: String::new() }
    }
    fn warn(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Warn, what: what.into(), remedy: remedy.into() }
    }
    fn fail(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Fail, what: what.into(), remedy: remedy.into() }
    }
    fn word(&self) -> (&'static str, Style) {
        match self.level {
            Level::Ok => ("ok", AnsiColor::Green.on_default()),
            Level::Warn => ("warn", AnsiColor::Yellow.on_default()),
            Level::Fail => ("FAIL", AnsiColor::Red.on_default().bold()),
        }
    }
    fn text(&self) -> String {
        let (word, style) = self.word();
        let remedy = if self.remedy.is_empty() { String::new() } else { format!(": {}", self.remedy) };
        format!("{style}{word:<4}{style:#}  {:<10}  {}{remedy}", self.check, self.what)
    }
    fn json(&self) -> String {
        json!({"check": self.check, "result": self.word().0, "what": self.what, "remedy": self.remedy}).to_string()
    }
}

/// What was found so far, shown as it comes.
struct Findings {
    session: Session,
    failed: bool,
}

impl Findings {
    fn add(&mut self, finding: &Finding) -> Result<(), Failure> {
        self.failed |= finding.level == Level::Fail;
        let output = &mut self.session.output;
        output.line(&if output.is_json() { finding.json() } else { finding.text() })?;
        output.flush()
    }
}

impl Doctor {
    pub(super) async fn run(self, session: Session) -> Result<(), Failure> {
        let place = reach::Place::of(&session.target.url)?;
        let mut findings = Findings { session, failed: false };
        self.examine(&place, &mut findings).await?;
        // Everything has been said.
        if findings.failed { Err(Failure::failed("")) } else { Ok(()) }
    }

    /// From the outside in; what cannot be asked any more is left out.
    async fn examine(&self, place: &reach::Place, out: &mut Findings) -> Result<(), Failure> {
        for finding in reach::check(place).await {
            out.add(&finding)?;
        }
        if out.failed {
            return Ok(());
        }
        let client = match service::serving(&out.session).await {
            Ok((client, finding)) => {
                out.add(&reach::encryption(place, client.handshake().as_ref()))?;
                out.add(&finding)?;
                client
            }
            Err(finding) => return out.add(&finding),
        };
        let info = match service::info(&client).await {
            Ok(info) => info,
            Err(finding) => return out.add(&finding),
        };
        for finding in service::describe(&info) {
            out.add(&finding)?;
        }
        out.add(&path::log(&client, &info).await)?;
        if !self.quick {
            out.add(&path::heartbeats(&client).await)?;
        }
        Ok(())
    }
}
