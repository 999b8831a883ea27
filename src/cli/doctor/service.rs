//! What the service says of itself.

use tokio::time::timeout;

use super::{Finding, PATIENCE, Session};
use crate::client::{self, Client, pb};
use crate::clock::SystemClock;
use crate::domain::{Clock as _, Span, Time};

/// More is worth a word: figures seem older or newer than they are.
const NOTICEABLE: Span = Span::seconds(2);
/// Reports from further ahead are rejected (FUTURE).
const AHEAD: Span = Span::minutes(2);

/// A credential that ends sooner is worth a word; the tokens of an issuer live for minutes, and are renewed all the time.
const SOON: Span = Span::minutes(1);

/// What to do when something else answers.
const ANOTHER: &str = "is it the API's port (the admin port is another one), and does all in between speak HTTP/2?";

/// What the service said, and the time here half way between question and answer.
#[derive(Debug)]
pub(super) struct Info {
    pub answer: pb::GetServerInfoResponse,
    here: Time,
    /// By how much `here` may be wrong.
    unsure: Span,
}

/// The health service: whether it is gRPC that answers, and whether it serves.
pub(super) async fn serving(session: &Session) -> Result<(Client, Finding), Finding> {
    let ask = async {
        let client = session.open().await?;
        let serving = client.is_serving().await?;
        Ok::<_, client::Error>((client, serving))
    };
    let fail = |what: String, remedy: &str| Finding::fail("grpc", what, remedy);
    match timeout(PATIENCE, ask).await {
        Ok(Ok((client, true))) => Ok((client, Finding::ok("grpc", "it answers, and says that it serves"))),
        Ok(Ok((client, false))) => {
            let remedy = "it is starting, going down or has lost its storage: see its log and /readyz";
            Ok((client, fail("it answers, and says that it does not serve".into(), remedy)))
        }
        Ok(Err(client::Error::Unreachable { why, .. })) => Err(fail(format!("no gRPC there ({why})"), ANOTHER)),
        Ok(Err(client::Error::Refused(refusal))) if refusal.reason.is_empty() => {
            // Not one of ours: every error of the service has a reason.
            Err(fail(format!("it is not wardwatch that answers ({refusal})"), ANOTHER))
        }
        Ok(Err(error)) => Err(fail(error.to_string(), "see the service's log")),
        Err(_) => {
            let what = format!("connected, and no answer in {} s", PATIENCE.as_secs());
            Err(fail(what, "something in between takes what is sent and passes nothing on, or the service hangs"))
        }
    }
}

/// Asks what it is.
pub(super) async fn info(client: &Client) -> Result<Info, Finding> {
    let clock = SystemClock::default();
    let before = clock.now();
    match timeout(PATIENCE, client.server_info()).await {
        Ok(Ok(answer)) => {
            let took = clock.now() - before;
            let unsure = Span::micros(took.as_micros() / 2);
            Ok(Info { answer, here: before + unsure, unsure })
        }
        Ok(Err(error)) => Err(Finding::fail("service", error.to_string(), "see the service's log")),
        Err(_) => {
            let what = format!("no answer to GetServerInfo in {} s", PATIENCE.as_secs());
            Err(Finding::fail("service", what, "its storage may be away: see its log and /readyz"))
        }
    }
}

/// All that needs no further question.
pub(super) fn describe(info: &Info) -> Vec<Finding> {
    let mut findings = vec![version(&info.answer), identity(info.answer.caller.as_ref(), info.here), clock(info)];
    findings.extend(info.answer.limits.as_ref().map(limits));
    findings
}

fn version(answer: &pb::GetServerInfoResponse) -> Finding {
    let here = env!("CARGO_PKG_VERSION");
    let pb::GetServerInfoResponse { version, environment, store, log_id, .. } = answer;
    let what = format!("version {version}, environment \"{environment}\", store {store}, log {log_id}");
    if version == here {
        return Finding::ok("service", what);
    }
    Finding::warn("service", what, format!("this command is of version {here}, and may not know all of it"))
}

/// Who we are to it.
fn identity(caller: Option<&pb::Caller>, now: Time) -> Finding {
    let Some(pb::Caller { identity, roles, organisations, expire_time, .. }) = caller else {
        return Finding::ok("identity", "it asks nobody who they are");
    };
    let ends = client::instant(*expire_time).map(|at| Time::from_micros(at.as_microsecond()));
    let until = ends.map_or_else(String::new, |at| format!(", until {at}"));
    let what = format!("{identity}: {} of {}{until}", roles.join(", "), organisations.join(", "));
    match ends {
        Some(at) if at - now < SOON => Finding::warn("identity", what, "have the credential renewed"),
        _ => Finding::ok("identity", what),
    }
}

fn clock(info: &Info) -> Finding {
    let Some(there) = client::instant(info.answer.server_time) else {
        return Finding::fail("clock", "it does not say what time it is", "see the service's log");
    };
    let ahead = Time::from_micros(there.as_microsecond()) - info.here;
    let off = Span::micros(ahead.as_micros().saturating_abs());
    let side = if ahead < Span::ZERO { "behind" } else { "ahead of" };
    let what = format!("its clock is {} s {side} this one (known to {} s)", seconds(off), seconds(info.unsure));
    let remedy = "have both set by NTP: reports from more than 2 minutes ahead of its clock are rejected (FUTURE)";
    // In favour of the clocks: what the way took may explain as much.
    match Span::micros((off.as_micros() - info.unsure.as_micros()).max(0)) {
        more if more > AHEAD => Finding::fail("clock", what, remedy),
        more if more > NOTICEABLE => Finding::warn("clock", what, remedy),
        _ => Finding::ok("clock", what),
    }
}

fn seconds(span: Span) -> String {
    let millis = span.as_micros() / 1_000;
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

fn limits(limits: &pb::ServerLimits) -> Finding {
    let what = format!(
        "{} reports and {} bytes a message, {} streams a connection, {} reports without a receipt on a stream; \
         reports kept {} days, events {} days",
        limits.reports_per_message,
        limits.message_bytes,
        limits.streams_per_connection,
        limits.unreceipted_reports_per_stream,
        limits.report_retention_days,
        limits.event_retention_days
    );
    Finding::ok("limits", what)
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use crate::client::timestamp_to;

    #[test]
    fn a_clock_that_is_off_is_told_and_one_that_would_lose_reports_fails() {
        let here: Time = "2016-04-26T08:00:00Z".parse().unwrap();
        let level = |ahead: Span, unsure: Span| {
            let server_time = Some(timestamp_to(here + ahead));
            let answer = pb::GetServerInfoResponse { server_time, ..Default::default() };
            clock(&Info { answer, here, unsure }).level
        };
        let sure = Span::millis(1);
        for sign in [1, -1] {
            assert_eq!(level(Span::millis(sign * 2_000), sure), Level::Ok);
            assert_eq!(level(Span::millis(sign * 2_002), sure), Level::Warn);
            assert_eq!(level(Span::seconds(sign * 120), sure), Level::Warn);
            assert_eq!(level(Span::seconds(sign * 121), sure), Level::Fail);
            assert_eq!(level(Span::seconds(sign * 4), Span::seconds(3)), Level::Ok, "the way took as long");
        }
    }
}
