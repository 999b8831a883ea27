//! A service that speaks TLS, with the files it lives by.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use wardwatch::client::{Client, Error, Target};
use wardwatch::clock::SystemClock;
use wardwatch::config::{ClientCertificates, Settings};
use wardwatch::domain::Clock;
use wardwatch::grpc::tls::{Reason, TlsStatus};
use wardwatch::server::{Running, start};
use wardwatch::wire::pb;

use super::authority::{Authority, Pair, PairFiles};
use crate::support::hospital::{adult, figures, ward};
use crate::support::service::{Place, within};

/// Issuers, and the folder in which everything lies.
#[derive(Debug)]
pub struct Papers {
    pub folder: TempDir,
    /// Issues the service's certificates.
    pub servers: Authority,
    /// Issues the clients'.
    pub clients: Authority,
}

/// A service that speaks TLS.
#[derive(Debug)]
pub struct Secure {
    pub papers: Papers,
    pub running: Running,
    _place: Place,
}

impl Papers {
    /// A service's pair, the issuer of its certificate, and the issuer of its clients'.
    pub fn new() -> Self {
        let papers = Self {
            folder: tempfile::tempdir().unwrap(),
            servers: Authority::new("servers"),
            clients: Authority::new("clients"),
        };
        papers.install(&papers.servers.server());
        papers.put("servers.pem", &papers.servers.pem());
        papers.put("clients.pem", &papers.clients.pem());
        papers
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
    pub fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
    /// Makes a pair the service's own.
    pub fn install(&self, pair: &Pair) -> PairFiles {
        pair.write(self.folder.path(), "server")
    }
    /// Settings of a service that speaks TLS.
    pub fn apply(&self, settings: &mut Settings) {
        settings.tls.certificate_file = self.text("server.pem");
        settings.tls.key_file = self.text("server.key");
    }
    /// And that asks its clients for certificates.
    pub fn ask(&self, settings: &mut Settings, certificates: ClientCertificates) {
        self.apply(settings);
        settings.tls.client_ca_file = self.text("clients.pem");
        settings.tls.client_certificates = certificates;
    }
    /// One who trusts the issuer of the service's certificate.
    pub fn target(&self, address: SocketAddr) -> Target {
        let url = format!("https://localhost:{}", address.port());
        Target { ca_file: Some(self.path("servers.pem")), ..Target::new(url) }
    }
}

/// A client with a certificate.
pub fn with(target: Target, pair: &PairFiles) -> Target {
    Target { cert_file: Some(pair.certificate.clone()), key_file: Some(pair.key.clone()), ..target }
}

impl Secure {
    /// A service that speaks TLS, with these settings beside.
    pub async fn open(change: impl FnOnce(&Papers, &mut Settings)) -> Self {
        let (papers, place) = (Papers::new(), Place::sqlite());
        let mut settings = place.settings();
        papers.apply(&mut settings);
        // Files are looked at when a test asks for it.
        settings.server.reload_every = Duration::from_hours(1);
        change(&papers, &mut settings);
        let running = start(&settings, Arc::new(SystemClock::default())).await.unwrap();
        Self { papers, running, _place: place }
    }
    /// One that asks for certificates.
    pub async fn asking(certificates: ClientCertificates) -> Self {
        Self::open(|papers, settings| papers.ask(settings, certificates)).await
    }
    pub fn target(&self) -> Target {
        self.papers.target(self.running.address)
    }
    pub async fn client(&self) -> Client {
        within(Client::connect(&self.target())).await.unwrap()
    }
    /// Connects with a certificate of this pair.
    pub async fn as_client(&self, pair: &Pair) -> Result<Client, Error> {
        let files = pair.write(self.papers.folder.path(), "client");
        within(Client::connect(&with(self.target(), &files))).await
    }
    pub fn status(&self) -> &TlsStatus {
        self.running.tls.as_ref().expect("it speaks TLS")
    }
    pub fn failed(&self, reason: Reason) -> u64 {
        self.status().failed().find(|(r, _)| *r == reason).unwrap().1
    }
    pub async fn stop(self) {
        self.running.drain();
        within(self.running.wait()).await.unwrap();
    }
}

/// Registers wards A1 and A2.
pub async fn register(client: &Client) {
    within(client.upsert_wards(vec![adult(&ward(1)), adult(&ward(2))])).await.unwrap();
}

/// Reports ward A1's figures as they are now; they must be taken.
pub async fn report(client: &Client, bedded: i32, nurses: i32) -> Result<(), Error> {
    report_of(client, 1, bedded, nurses).await
}

/// Reports a ward's figures as they are now; they must be taken.
pub async fn report_of(client: &Client, n: usize, bedded: i32, nurses: i32) -> Result<(), Error> {
    let report = figures(&ward(n), SystemClock::default().now(), bedded, nurses);
    let request = pb::SubmitReportsRequest { reports: vec![report], validate_only: false };
    let receipts = within(client.submit_reports(request)).await?.receipts;
    assert_eq!(receipts[0].outcome(), pb::ReceiptOutcome::Accepted, "{receipts:?}");
    Ok(())
}
