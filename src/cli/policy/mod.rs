//! `policy show` and `policy set`.

mod changes;
mod form;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Failure, Session, shown};
use crate::client::{Client, instant, json, pb, timestamp_to};
use crate::domain::Time;

/// Policies.
#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    /// Show a policy: what its newest version sets, or with --effective every value in force now.
    Show(Show),
    /// Replace a policy by a new version: the one before with some values changed, or a file.
    Set(Set),
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Organisation by ODS code, such as RJ1, or default.
    #[arg(value_name = "CODE", default_value = "default", value_parser = name)]
    name: String,
    /// Every value in force now, resolved through the layers, with what it means and where it comes from.
    #[arg(long, conflicts_with = "versions")]
    effective: bool,
    /// Its versions, newest first.
    #[arg(long)]
    versions: bool,
}

#[derive(Debug, Args)]
pub(super) struct Set {
    /// Organisation by ODS code, such as RJ1, or default.
    #[arg(value_name = "CODE", value_parser = name)]
    name: String,
    /// Values to set, such as clear_after_minutes=20 census_times=07:30,19:30 limits.ADULT_INPATIENT=7
    /// limits.ADULT_INPATIENT.night=9 rules.capacity.over=on shifts=07:00-19:30,19:30-07:00.
    #[arg(value_name = "KEY=VALUE")]
    changes: Vec<String>,
    /// A value to inherit again, such as clear_after_minutes or limits.ADULT_INPATIENT; repeatable.
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Start from this file instead of the version before: TOML as `policy show` prints it, or JSON.
    #[arg(long)]
    file: Option<PathBuf>,
    /// In force from here, such as 2016-04-26T08:00:00Z; now if not given.
    #[arg(long, value_name = "TIME")]
    effective_time: Option<Time>,
    /// The version this was made from, as JSON shows it; refused if there is a newer one. The one read now if not given.
    #[arg(long)]
    etag: Option<String>,
    /// Write nothing: say how many alerts would rise, change and resolve.
    #[arg(long)]
    validate_only: bool,
}

/// `RJ1`, `default`, or a resource name.
#[expect(clippy::unnecessary_wraps, reason = "the form of a clap value parser")]
fn name(text: &str) -> Result<String, String> {
    Ok(match text {
        "default" => "policies/default".to_owned(),
        full if full.contains('/') => full.to_owned(),
        code => format!("organisations/{code}/policy"),
    })
}

impl Policy {
    pub(super) async fn run(self, session: Session) -> Result<(), Failure> {
        match self {
            Self::Show(show) if show.versions => show.versions(session).await,
            Self::Show(show) => show.one(session).await,
            Self::Set(set) => set.run(session).await,
        }
    }
}

impl Show {
    async fn one(self, mut session: Session) -> Result<(), Failure> {
        let client = session.connect().await?;
        let policy = client.get_policy(&self.name, self.effective).await?;
        let fields = form::fields(&policy)?;
        session.output.message(&policy, |p| {
            let text = title(p) + &form::text(&fields, self.effective);
            text.trim_end().to_owned()
        })?;
        session.output.flush()
    }

    async fn versions(self, mut session: Session) -> Result<(), Failure> {
        let client = session.connect().await?;
        let mut request = pb::ListPolicyVersionsRequest { name: self.name, page_size: 1_000, ..Default::default() };
        loop {
            let page = client.list_policy_versions(request.clone()).await?;
            for policy in &page.versions {
                let keys: Vec<String> = form::fields(policy)?.keys().cloned().collect();
                session.output.message(policy, |p| version_line(p, &keys))?;
            }
            session.output.flush()?;
            if page.next_page_token.is_empty() {
                return Ok(());
            }
            request.page_token = page.next_page_token;
        }
    }
}

/// Which version it is and since when, as a comment.
fn title(policy: &pb::Policy) -> String {
    match policy.version.as_str() {
        "" => {
            format!("# {}: nothing is set; everything is inherited from policies/default\n", shown::clean(&policy.name))
        }
        version => format!("# {}, in force from {}\n", shown::clean(version), since(policy)),
    }
}

fn since(policy: &pb::Policy) -> String {
    instant(policy.effective_time).map_or_else(|| "the beginning".to_owned(), |t| t.to_string())
}

fn version_line(policy: &pb::Policy, keys: &[String]) -> String {
    let recorded = instant(policy.record_time).map_or_else(|| "built in".to_owned(), |t| format!("recorded {t}"));
    let sets = if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
    shown::clean(&format!("{}  in force from {}, {recorded}, sets {sets}", policy.version, since(policy)))
}

impl Set {
    async fn run(self, mut session: Session) -> Result<(), Failure> {
        if self.changes.is_empty() && self.unset.is_empty() && self.file.is_none() {
            return Err(Failure::usage("nothing to set: give KEY=VALUE, --unset KEY or --file FILE"));
        }
        let client = session.connect().await?;
        let request = self.request(&client).await?;
        let answer = client.update_policy(request).await?;
        session.output.message(&answer, said)?;
        session.output.flush()
    }

    async fn request(self, client: &Client) -> Result<pb::UpdatePolicyRequest, Failure> {
        let before = client.get_policy(&self.name, false).await?;
        let etag = self.etag.unwrap_or_else(|| before.etag.clone());
        let mut policy = self.file.as_deref().map_or(Ok(before), |path| read(path, &self.name))?;
        for change in &self.changes {
            changes::set(&mut policy, change).map_err(Failure::usage)?;
        }
        for key in &self.unset {
            changes::unset(&mut policy, key).map_err(Failure::usage)?;
        }
        let policy = pb::Policy { name: self.name, etag, ..policy };
        let effective_time = self.effective_time.map(timestamp_to);
        Ok(pb::UpdatePolicyRequest { policy: Some(policy), effective_time, validate_only: self.validate_only })
    }
}

/// What a file sets. One that names another policy is a slip.
fn read(path: &Path, name: &str) -> Result<pb::Policy, Failure> {
    let file = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| Failure::failed(format!("cannot read {file}: {e}")))?;
    let wrong = |what: String| Failure::rejected(format!("{file}: {what}"));
    let policy = if path.extension().is_some_and(|e| e == "toml") {
        form::from_toml(&text).and_then(|fields| json::from_value(Value::Object(fields)).map_err(|e| e.to_string()))
    } else {
        json::from_str(&text).map_err(|e| e.to_string())
    };
    let policy: pb::Policy = policy.map_err(wrong)?;
    if !policy.name.is_empty() && policy.name != name {
        return Err(wrong(format!("name: is {}, not {name}", shown::clean(&policy.name))));
    }
    Ok(policy)
}

fn said(answer: &pb::UpdatePolicyResponse) -> String {
    let policy = answer.policy.clone().unwrap_or_default();
    let version = format!("{}, in force from {}", shown::clean(&policy.version), since(&policy));
    match &answer.preview {
        None => version,
        Some(preview) => format!(
            "{version}: would raise {}, change {} and resolve {} alerts, judging {} subjects; nothing was written",
            preview.raised_count, preview.changed_count, preview.resolved_count, preview.subject_count
        ),
    }
}

#[cfg(test)]
mod tests;
