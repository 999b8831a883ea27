use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::{Failure, Session};

/// How long the admin port may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask the service whether it serves: exit code 0 or 1.
#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    /// Ask the admin port (/readyz, plain HTTP) instead of the API (grpc.health.v1), which may want a certificate.
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,
}

impl Healthcheck {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        let (serving, place) = match self.admin {
            Some(admin) => (is_ready(admin).await?, admin.to_string()),
            None => (session.connect().await?.is_serving().await?, session.target.url.clone()),
        };
        let word = if serving { "SERVING" } else { "NOT_SERVING" };
        let json = session.output.is_json();
        session.output.line(&if json { serde_json::json!({"status": word}).to_string() } else { word.to_owned() })?;
        session.output.flush()?;
        if serving { Ok(()) } else { Err(Failure::failed(format!("{place} does not serve"))) }
    }
}

async fn is_ready(admin: SocketAddr) -> Result<bool, Failure> {
    // Whatever the environment says of proxies: none of them reaches this host's own port.
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
    let answer = async { client?.get(format!("http://{admin}/readyz")).send().await }.await;
    let remedy = "start it with 'wardwatch serve', or name the address of its server.admin_listen";
    let unanswered = |e| Failure::failed(format!("cannot ask http://{admin}/readyz: {}; {remedy}", innermost(&e)));
    Ok(answer.map_err(unanswered)?.status().is_success())
}

/// The reason at the bottom: what is above it only repeats the address.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut reason = error;
    while let Some(cause) = reason.source() {
        reason = cause;
    }
    reason.to_string()
}
