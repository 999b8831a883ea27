//! Whether somebody listens there.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::Uri;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use super::{Failure, Finding, PATIENCE};
use crate::client::Handshake;
use crate::clock::SystemClock;
use crate::domain::{Clock as _, Span, Time};

/// A connection that takes longer is worth a word.
const SLOW: Duration = Duration::from_secs(1);

/// A certificate that ends sooner is worth a word.
const SOON: Span = Span::days(14);

/// Where the service should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    host: String,
    port: u16,
    encrypted: bool,
}

impl Place {
    /// Of `http://host:port` or `https://host:port`.
    pub(super) fn of(url: &str) -> Result<Self, Failure> {
        let wrong =
            || Failure::usage(format!("'{url}' is not the URL of a service; write it as http://127.0.0.1:50051"));
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self { host, port: uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 }), encrypted })
    }
    /// Whether it is this machine by name.
    fn is_here(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// The name, and a connection.
pub(super) async fn check(place: &Place) -> Vec<Finding> {
    match resolve(place).await {
        Ok((addresses, finding)) => vec![finding, connect(&addresses).await],
        Err(finding) => vec![finding],
    }
}

async fn resolve(place: &Place) -> Result<(Vec<SocketAddr>, Finding), Finding> {
    let began = Instant::now();
    let failed = |why: String| Finding::fail("name", why, "check the name in --server and this machine's DNS");
    let found = match timeout(PATIENCE, lookup_host((place.host.as_str(), place.port))).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(e)) => return Err(failed(format!("{} is not known ({e})", place.host))),
        Err(_) => return Err(failed(format!("no answer about {} in {} s", place.host, PATIENCE.as_secs()))),
    };
    if found.is_empty() {
        return Err(failed(format!("{} has no address", place.host)));
    }
    let addresses: Vec<_> = found.iter().map(|a| a.ip().to_string()).collect();
    let what = match place.host.parse::<IpAddr>() {
        Ok(_) => format!("{} is an address", place.host),
        Err(_) => format!("{} is {} ({} ms)", place.host, addresses.join(", "), began.elapsed().as_millis()),
    };
    Ok((found, Finding::ok("name", what)))
}

/// The addresses one after the other, as clients do.
async fn connect(addresses: &[SocketAddr]) -> Finding {
    let mut failures = Vec::new();
    let began = Instant::now();
    for address in addresses {
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return connected(*address, began.elapsed(), &failures),
            Ok(Err(e)) => failures.push(format!("{address}: {e}")),
            Err(_) => failures.push(format!("{address}: no answer in {} s", PATIENCE.as_secs())),
        }
    }
    let remedy = "start it with 'wardwatch serve', check the port, and the firewalls in between";
    Finding::fail("connect", failures.join("; "), remedy)
}

fn connected(address: SocketAddr, took: Duration, failures: &[String]) -> Finding {
    let what = format!("connected to {address} in {} ms", took.as_millis());
    if took < SLOW {
        return Finding::ok("connect", what);
    }
    let what = [&[what], failures].concat().join("; ");
    Finding::warn("connect", what, "clients try addresses in this order: mend or remove those that do not answer")
}

/// Whether others can read along. Of a connection that was made, so that TLS itself has been agreed upon.
pub(super) fn encryption(place: &Place, handshake: Option<&Handshake>) -> Finding {
    let check = "tls";
    if let Some(handshake) = handshake.filter(|_| place.encrypted) {
        return encrypted(handshake, SystemClock::default().now());
    }
    if place.is_here() {
        return Finding::ok(check, "none, and none is needed on this machine");
    }
    Finding::warn(
        check,
        "none: whoever is on the way can read along",
        "use https:// ([tls] in the service's configuration)",
    )
}

fn encrypted(handshake: &Handshake, now: Time) -> Finding {
    let Handshake { protocol, not_after, showed_certificate } = handshake;
    let own = if *showed_certificate { "our certificate was taken" } else { "no certificate of ours was needed" };
    let ends = not_after.map(|at| Time::from_micros(at.saturating_mul(1_000_000)));
    let until = ends.map_or_else(String::new, |at| format!(", its certificate ends {at}"));
    let what = format!("{protocol}{until}; {own}");
    match ends {
        Some(at) if at - now < SOON => Finding::warn("tls", what, "have its certificate renewed"),
        _ => Finding::ok("tls", what),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_url_names_a_host_and_a_port() {
        let place = |url: &str| Place::of(url).map(|p| (format!("{}:{}", p.host, p.port), p.encrypted)).map_err(|_| ());
        assert_eq!(place("http://127.0.0.1:50051"), Ok(("127.0.0.1:50051".into(), false)));
        assert_eq!(place("https://wardwatch.trust.example"), Ok(("wardwatch.trust.example:443".into(), true)));
        assert_eq!(place("http://[::1]:9"), Ok(("::1:9".into(), false)));
        for wrong in ["localhost:50051", "ftp://h:1", "http://", "", "http://a b"] {
            assert_eq!(place(wrong), Err(()), "{wrong}");
        }
    }

    #[test]
    fn only_what_leaves_the_machine_needs_tls() {
        let level = |url: &str| encryption(&Place::of(url).unwrap(), None).level;
        assert_eq!(
            ["http://localhost:1", "http://[::1]:1", "http://h:1"].map(level),
            [Level::Ok, Level::Ok, Level::Warn]
        );
    }

    #[test]
    fn a_certificate_that_ends_soon_is_worth_a_word() {
        let now: Time = "2026-11-30T00:00:00Z".parse().unwrap();
        let level = |days: i64| {
            let not_after = Some(now.as_micros() / 1_000_000 + days * 86_400);
            encrypted(&Handshake { protocol: "TLSv1_3".into(), not_after, showed_certificate: true }, now).level
        };
        assert_eq!([15, 13, -1].map(level), [Level::Ok, Level::Warn, Level::Warn]);
    }
}
