use clap::Args;

use super::PAGE;
use crate::cli::shown::{bare, clean, spoken};
use crate::cli::{Failure, Session, filter};
use crate::client::{instant, pb, timestamp_to};
use crate::domain::Time;

/// Which entries of the audit.
#[derive(Debug, Args)]
pub(in crate::cli) struct Audit {
    /// Only what is about a ward, a cover group or an organisation with all it has, by name: organisations/RJ1/wards/A1 or
    /// RJ1.
    #[arg(value_name = "SUBJECT", value_parser = subject)]
    subject: Option<String>,
    /// Recorded at or after this time, such as 2016-04-26T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<Time>,
    /// Recorded before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Time>,
}

impl Audit {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        let client = session.connect().await?;
        let mut request = pb::ListAuditEntriesRequest {
            parent: self.subject.unwrap_or_default(),
            start_time: self.since.map(timestamp_to),
            end_time: self.until.map(timestamp_to),
            page_size: PAGE,
            page_token: String::new(),
        };
        loop {
            let page = client.list_audit_entries(request.clone()).await?;
            for entry in &page.entries {
                session.output.message(entry, line)?;
            }
            session.output.flush()?;
            if page.next_page_token.is_empty() {
                return Ok(());
            }
            request.page_token = page.next_page_token;
        }
    }
}

/// `RJ1`, or a whole name.
fn subject(text: &str) -> Result<String, String> {
    if text.contains('/') { Ok(text.to_owned()) } else { filter::organisation(text) }
}

/// When, about whom, who or what caused it, what changed.
fn line(entry: &pb::AuditEntry) -> String {
    let time = instant(entry.record_time).map_or_else(|| "-".to_owned(), |t| format!("{t:.0}"));
    let subject = entry.subject.replacen("organisations/", "", 1).replacen("/wards/", "/", 1);
    let cause = entry.cause.clone().unwrap_or_default();
    let mut by = vec![bare(cause.kind().as_str_name(), "CAUSE_KIND_").to_owned()];
    by.extend([cause.report.clone(), entry.method.clone()].into_iter().filter(|s| !s.is_empty()));
    if cause.kind() == pb::CauseKind::Responder {
        by.push(spoken(cause.role().as_str_name(), "RESPONDER_ROLE_"));
        by.push(format!("through {}", cause.client_system));
    }
    let said = [
        (entry.action != 0).then(|| spoken(entry.action().as_str_name(), "ACTION_CODE_")),
        (entry.close_reason != 0).then(|| spoken(entry.close_reason().as_str_name(), "CLOSE_REASON_")),
    ];
    by.extend(said.into_iter().flatten());
    by.extend(Some(&entry.actor).filter(|actor| !actor.is_empty()).map(|actor| format!("as {actor}")));
    let changed =
        entry.changed.iter().map(|name| name.strip_prefix("alerts/").and_then(|id| id.get(..8)).unwrap_or(name));
    let changed: Vec<_> = changed.collect();
    clean(&format!("{time}  {:<14} {}  ({})", subject, by.join(" "), changed.join(", ")))
}
