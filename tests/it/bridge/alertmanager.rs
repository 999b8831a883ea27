//! A real Alertmanager as a process of its own.

use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;

use super::pager::Pager;
use crate::support::process::free_port;
use crate::support::service::{LONG, eventually};

/// Where Debian's package puts it, and others.
const NAMES: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

/// An Alertmanager that is killed when dropped.
#[derive(Debug)]
pub struct Alertmanager {
    folder: TempDir,
    /// It keeps it over its restarts.
    port: u16,
    child: Option<Child>,
    web_config: bool,
}

impl Alertmanager {
    /// One that pages for what is critical, and rings nobody otherwise.
    pub async fn start(pager: &Pager) -> Self {
        let mut alertmanager = Self::prepared(pager);
        alertmanager.launch().await;
        alertmanager
    }

    /// One that does not run yet.
    pub fn prepared(pager: &Pager) -> Self {
        let folder = TempDir::new().unwrap();
        let config = format!(
            "route:\n  receiver: board\n  group_by: [alertname, organisation, ward]\n  group_wait: 10ms\n  \
               group_interval: 100ms\n  repeat_interval: 1h\n  routes:\n    \
                 - matchers: ['service=\"wardwatch\"', 'severity=\"critical\"']\n      receiver: pager\n\
             receivers:\n  - name: board\n  - name: pager\n    webhook_configs:\n      \
                 - url: {}\n        send_resolved: true\n",
            pager.url()
        );
        std::fs::write(folder.path().join("alertmanager.yml"), config).unwrap();
        Self { folder, port: free_port(), child: None, web_config: false }
    }

    /// The same with TLS; the certificate is at [`Self::certificate`].
    pub fn with_tls(mut self) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(self.certificate(), made.cert.pem()).unwrap();
        std::fs::write(self.folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let text = "tls_server_config:\n  cert_file: certificate.pem\n  key_file: key.pem\n";
        std::fs::write(self.folder.path().join("web.yml"), text).unwrap();
        self.web_config = true;
        self
    }

    pub fn certificate(&self) -> std::path::PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// Starts it, or starts it again; returns when it is ready.
    pub async fn launch(&mut self) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut arguments = vec![
            format!("--config.file={}", path("alertmanager.yml")),
            format!("--storage.path={}", path("data")),
            format!("--web.listen-address=127.0.0.1:{}", self.port),
            "--cluster.listen-address=".to_owned(),
            "--log.level=warn".to_owned(),
        ];
        if self.web_config {
            arguments.push(format!("--web.config.file={}", path("web.yml")));
        }
        let log = || if std::env::var_os("WARDWATCH_TEST_LOG").is_some() { Stdio::inherit() } else { Stdio::null() };
        let start = |name: &&str| {
            Command::new(name).args(&arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log()).spawn().ok()
        };
        let child = NAMES.iter().find_map(start);
        self.child = Some(child.expect("Alertmanager is needed (Debian: apt-get install prometheus-alertmanager)"));
        let ready = async || match http(&self.certificate()).get(format!("{}/-/ready", self.url())).send().await {
            Ok(answer) => answer.status().is_success(),
            Err(_) => false,
        };
        eventually("Alertmanager is ready", ready).await;
    }

    pub fn url(&self) -> String {
        if self.web_config {
            format!("https://localhost:{}", self.port)
        } else {
            format!("http://127.0.0.1:{}", self.port)
        }
    }

    /// Ends it as a power cut would: the alerts it had are lost.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The alerts it has that are not over.
    pub async fn alerts(&self) -> Vec<Value> {
        let answer = http(&self.certificate()).get(format!("{}/api/v2/alerts", self.url())).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// Rule (or the watchdog's name), ward and severity of what it has, sorted.
    pub async fn told(&self) -> Vec<String> {
        let mut told: Vec<_> = self.alerts().await.iter().map(told).collect();
        told.sort();
        told
    }

    /// Waits until it has these and no others, beside the watchdog.
    pub async fn has(&self, expected: &[&str]) {
        let mut all = vec![WATCHDOG];
        all.extend(expected);
        all.sort_unstable();
        self.has_exactly(&all).await;
    }

    pub async fn has_exactly(&self, expected: &[&str]) {
        let so = async || self.told().await == expected;
        let wait = timeout(LONG / 2, eventually("Alertmanager has these", so)).await;
        assert!(wait.is_ok(), "Alertmanager should have {expected:?} and has {:?}", self.told().await);
    }

    /// The one alert that it has of a rule.
    pub async fn alert(&self, rule: &str) -> Value {
        let mut found = self.alerts().await;
        found.retain(|a| a["labels"]["alertname"] == rule);
        assert_eq!(found.len(), 1, "{rule}: {found:?}");
        found.remove(0)
    }
}

/// As [`told`] says the watchdog.
pub const WATCHDOG: &str = "WardwatchBridgeWatchdog none";

fn told(alert: &Value) -> String {
    let label = |name: &str| alert["labels"][name].as_str();
    let words = [label("alertname"), label("ward"), label("severity")];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// HTTP that goes nowhere else, whatever proxies there are.
pub fn http(certificate: &std::path::Path) -> reqwest::Client {
    let trusted = std::fs::read(certificate).ok().map(|pem| reqwest::Certificate::from_pem(&pem).unwrap());
    reqwest::Client::builder().no_proxy().tls_certs_only(trusted).build().unwrap()
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
