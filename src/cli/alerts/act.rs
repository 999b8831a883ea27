use clap::Args;
use jiff::SignedDuration;

use super::{Id, find};
use crate::cli::strikes::one_of;
use crate::cli::{Failure, Session, shown};
use crate::client::{Client, instant, pb, timestamp_to};
use crate::domain::{Span, Time};

/// Which alert, and who acts on it.
#[derive(Debug, Args)]
struct Who {
    /// A unique prefix of its UUID of at least 8 hexadecimal digits, or its full name.
    #[arg(value_name = "ID")]
    id: String,
    /// In which role: NURSE_IN_CHARGE, MATRON, SITE_MANAGER, CHIEF_NURSE or MEDICAL_DIRECTOR.
    #[arg(long, value_name = "ROLE", value_parser = one_of("ResponderRole"))]
    role: i32,
    /// Code of the system through which you act.
    #[arg(long, value_name = "CODE", default_value = "CLI")]
    client_system: String,
    /// The etag that was read: an alert that changed since then is not touched.
    #[arg(long, value_name = "ETAG", default_value = "")]
    etag: String,
}

/// Someone takes an alert on.
#[derive(Debug, Args)]
pub(in crate::cli) struct Ack {
    #[command(flatten)]
    who: Who,
    /// What is done about it: REDEPLOYING, BANK_REQUESTED, AGENCY_REQUESTED, ACTING_DOWN, BEDS_CLOSED, DIVERTING,
    /// ELECTIVES_STOPPED, RISK_ACCEPTED or NONE_AVAILABLE.
    #[arg(long, value_name = "ACTION", value_parser = one_of("ActionCode"))]
    action: i32,
    /// For how long, such as 2h or 90m. Default: as the policy says.
    #[arg(long = "for", value_name = "TIME", conflicts_with = "until")]
    lasting: Option<SignedDuration>,
    /// Until when, such as 2016-04-26T10:00:00Z.
    #[arg(long, value_name = "TIME")]
    until: Option<Time>,
}

/// Someone gives an alert back.
#[derive(Debug, Args)]
pub(in crate::cli) struct Unack {
    #[command(flatten)]
    who: Who,
}

/// Someone ends an alert.
#[derive(Debug, Args)]
pub(in crate::cli) struct Close {
    #[command(flatten)]
    who: Who,
    /// Why: RAISED_IN_ERROR, PUT_RIGHT, FIGURES_STALE, WARD_CLOSED or DUPLICATE.
    #[arg(long, value_name = "REASON", value_parser = one_of("CloseReason"))]
    reason: i32,
}

impl Ack {
    pub(super) async fn run(self, session: Session) -> Result<(), Failure> {
        let Self { who, action, lasting, until } = self;
        let client = session.connect().await?;
        let name = who.name(&client).await?;
        let expires = match lasting {
            Some(lasting) => Some(from_now(&client, lasting).await?),
            None => until,
        };
        let request = pb::AcknowledgeAlertRequest {
            name,
            role: who.role,
            action,
            expire_time: expires.map(timestamp_to),
            client_system: who.client_system,
            etag: who.etag,
        };
        tell(session, &client.acknowledge_alert(request).await?)
    }
}

impl Unack {
    pub(super) async fn run(self, session: Session) -> Result<(), Failure> {
        let client = session.connect().await?;
        let name = self.who.name(&client).await?;
        let Who { role, client_system, etag, .. } = self.who;
        let request = pb::UnacknowledgeAlertRequest { name, role, client_system, etag };
        tell(session, &client.unacknowledge_alert(request).await?)
    }
}

impl Close {
    pub(super) async fn run(self, session: Session) -> Result<(), Failure> {
        let client = session.connect().await?;
        let name = self.who.name(&client).await?;
        let Who { role, client_system, etag, .. } = self.who;
        let request = pb::CloseAlertRequest { name, reason: self.reason, role, client_system, etag };
        tell(session, &client.close_alert(request).await?)
    }
}

impl Who {
    async fn name(&self, client: &Client) -> Result<String, Failure> {
        match Id::parse(&self.id)? {
            Id::Name(name) => Ok(name),
            prefix @ Id::Prefix(_) => Ok(find(client, &prefix).await?.name),
        }
    }
}

/// So long from now, by the service's clock: this one may go wrong.
async fn from_now(client: &Client, lasting: SignedDuration) -> Result<Time, Failure> {
    let now = instant(client.server_info().await?.server_time);
    let now = now.ok_or_else(|| Failure::failed("the service does not tell its time: use --until"))?;
    let micros = i64::try_from(lasting.as_micros()).map_err(|_| Failure::usage("--for: is too long"))?;
    Ok(Time::from_micros(now.as_microsecond()) + Span::micros(micros))
}

fn tell(mut session: Session, alert: &pb::Alert) -> Result<(), Failure> {
    session.output.message(alert, shown::alert_in_full)?;
    session.output.flush()
}
