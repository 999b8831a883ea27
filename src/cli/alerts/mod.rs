//! Alerts: listed, shown, acted on; and the audit of what was done.

mod act;
mod audit;

use clap::{Args, Subcommand};

use super::filter::Filter;
use super::{Failure, Session, shown};
use crate::client::{Client, pb, timestamp_to};
use crate::domain::Time;

/// Alerts in one page: the most the service gives.
const PAGE: i32 = 1_000;

/// Alerts.
#[derive(Debug, Subcommand)]
pub(super) enum Alerts {
    /// List alerts in raise time; open and acknowledged ones unless asked otherwise.
    List(List),
    /// Show one alert and its events.
    Show {
        /// A unique prefix of its UUID of at least 8 hexadecimal digits, or its full name.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Take an alert on, until a time.
    Ack(act::Ack),
    /// Give an alert back.
    Unack(act::Unack),
    /// End an alert that clears, a red flag, or one whose figures are stale.
    Close(act::Close),
    /// List the audit: who or what caused each change of state.
    Audit(audit::Audit),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Also resolved ones.
    #[arg(long)]
    all: bool,
    /// Only those whose newest figures breach; not those that are clearing.
    #[arg(long)]
    breaching: bool,
    /// As they stood at this time, such as 2016-04-26T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    as_of: Option<Time>,
    #[command(flatten)]
    filter: Filter,
}

impl Alerts {
    pub(super) async fn run(self, session: Session) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(session).await,
            Self::Show { id } => show(&id, session).await,
            Self::Ack(ack) => ack.run(session).await,
            Self::Unack(unack) => unack.run(session).await,
            Self::Close(close) => close.run(session).await,
            Self::Audit(audit) => audit.run(session).await,
        }
    }
}

impl List {
    async fn run(self, mut session: Session) -> Result<(), Failure> {
        let client = session.connect().await?;
        let condition = if self.breaching { pb::AlertCondition::Breaching } else { pb::AlertCondition::Unspecified };
        let mut request = pb::ListAlertsRequest {
            filter: Some(self.filter.to_wire(&[])),
            states: if self.all { every_state() } else { Vec::new() },
            condition: condition.into(),
            as_of_time: self.as_of.map(timestamp_to),
            page_size: PAGE,
            ..Default::default()
        };
        loop {
            let page = client.list_alerts(request.clone()).await?;
            for alert in &page.alerts {
                session.output.message(alert, shown::alert)?;
            }
            session.output.flush()?;
            if page.next_page_token.is_empty() {
                return Ok(());
            }
            request.page_token = page.next_page_token;
        }
    }
}

fn every_state() -> Vec<i32> {
    [pb::AlertState::Open, pb::AlertState::Acknowledged, pb::AlertState::Resolved].map(i32::from).to_vec()
}

/// The alert, then its events, one a line.
async fn show(id: &str, mut session: Session) -> Result<(), Failure> {
    let id = Id::parse(id)?;
    let client = session.connect().await?;
    let alert = find(&client, &id).await?;
    session.output.message(&alert, shown::alert_in_full)?;
    let mut request = pb::ListAlertEventsRequest { parent: alert.name, page_size: PAGE, page_token: String::new() };
    loop {
        let page = client.list_alert_events(request.clone()).await?;
        for event in &page.events {
            session.output.message(event, shown::event)?;
        }
        session.output.flush()?;
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Id {
    Name(String),
    Prefix(String),
}

impl Id {
    fn parse(text: &str) -> Result<Self, Failure> {
        let id = text.strip_prefix("alerts/").unwrap_or(text);
        if uuid::Uuid::try_parse(id).is_ok() {
            return Ok(Self::Name(format!("alerts/{id}")));
        }
        let digits = id.chars().filter(char::is_ascii_hexdigit).count();
        if digits < 8 || !id.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            let form = "write at least the first 8 hexadecimal digits of an alert's UUID, or alerts/{uuid}";
            return Err(Failure::usage(format!("'{text}' does not name an alert: {form}")));
        }
        Ok(Self::Prefix(id.to_ascii_lowercase()))
    }
}

async fn find(client: &Client, id: &Id) -> Result<pb::Alert, Failure> {
    let prefix = match id {
        Id::Name(name) => return Ok(client.get_alert(name).await?),
        Id::Prefix(prefix) => prefix,
    };
    let request = pb::ListAlertsRequest {
        filter: Some(pb::AlertFilter { include_forecasts: true, ..Default::default() }),
        states: every_state(),
        name_prefix: prefix.clone(),
        page_size: 10,
        ..Default::default()
    };
    let mut found = client.list_alerts(request).await?.alerts;
    match (found.pop(), found.len()) {
        (Some(alert), 0) => Ok(alert),
        (None, _) => Err(Failure::failed(format!("no alert begins with {prefix}"))),
        (Some(last), _) => {
            let names: Vec<_> = found.iter().chain([&last]).map(|a| a.name.as_str()).collect();
            Err(Failure::failed(format!("{prefix} is not unique: {}", names.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_named_by_eight_digits_or_more() {
        let full = "1a2b3c4d-0000-8000-8000-000000000000";
        assert_eq!(Id::parse(full), Ok(Id::Name(format!("alerts/{full}"))));
        assert_eq!(Id::parse(&format!("alerts/{full}")), Id::parse(full));
        assert_eq!(Id::parse("1A2B3C4D"), Ok(Id::Prefix("1a2b3c4d".into())));
        assert_eq!(Id::parse("alerts/1a2b3c4d-00"), Ok(Id::Prefix("1a2b3c4d-00".into())));
        assert!(Id::parse("1a2b3c4").is_err());
        assert!(Id::parse("1a2b3c4g").is_err());
    }
}
