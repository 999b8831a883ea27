use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::form::{address, duration, friendly};
use super::{ConfigError, Database, Sources};

/// What the service is set to. The meaning of each key is in `default.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where it listens, and as what.
    pub server: Server,
    /// The certificate it shows, and those it asks for.
    pub tls: Tls,
    /// Who may do what.
    pub access: Access,
    /// Tokens of an issuer.
    pub jwt: Jwt,
    /// Where it stores.
    pub database: Database,
    /// What it takes.
    pub limits: Limits,
    /// How long streams live.
    pub streams: Streams,
    /// How long things are kept.
    pub retention: Retention,
    /// Copies of the database.
    pub backup: Backup,
    /// What it logs.
    pub log: Log,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The API's address.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The admin port's address.
    #[serde(deserialize_with = "address")]
    pub admin_listen: SocketAddr,
    /// "live", "training", ...
    pub environment: String,
    /// Whether others may reach an API without TLS and authentication.
    pub insecure: bool,
    /// Who does TLS.
    pub tls: String,
    /// Between two looks at files that may change.
    #[serde(deserialize_with = "duration", serialize_with = "friendly")]
    pub reload_every: Duration,
}

/// `[tls]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain.
    pub certificate_file: String,
    /// Its private key.
    pub key_file: String,
    /// Who may issue certificates to clients.
    pub client_ca_file: String,
    /// Whether a client must have one.
    pub client_certificates: ClientCertificates,
    /// Longest handshake.
    #[serde(deserialize_with = "duration", serialize_with = "friendly")]
    pub handshake_timeout: Duration,
}

/// Whether a client must have a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// It must.
    Required,
    /// It may show a token instead.
    Optional,
}

/// `[access]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Who may do what; empty: nobody is asked.
    pub permissions_file: String,
}

/// `[jwt]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// Who issues tokens; empty: none are taken.
    pub issuer: String,
    /// For whom.
    pub audience: String,
    /// Algorithms taken, with spaces or commas between.
    pub algorithms: String,
    /// The issuer's public keys as a file.
    pub jwks_file: String,
    /// The issuer's public keys as a URL.
    pub jwks_url: String,
    /// Who signs the certificate of that URL; empty: an authority that everybody trusts.
    pub jwks_ca_file: String,
    /// Between two readings of the URL.
    #[serde(deserialize_with = "duration", serialize_with = "friendly")]
    pub refresh_every: Duration,
    /// By how much clocks may differ.
    #[serde(deserialize_with = "duration", serialize_with = "friendly")]
    pub leeway: Duration,
}

/// `[backup]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Where copies go; empty: none are made.
    pub directory: String,
    /// Between two copies.
    #[serde(deserialize_with = "duration", serialize_with = "friendly")]
    pub every: Duration,
    /// Copies kept.
    pub keep: u16,
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes in one inbound message.
    pub message_bytes: u32,
    /// Streams on one connection.
    pub streams_per_connection: u32,
    /// Connections in all.
    pub connections: u32,
    /// Connections of one address.
    pub connections_per_address: u32,
    /// TLS handshakes at a time.
    pub handshakes: u32,
    /// Streams of one identity; 0: no bound.
    pub streams_per_identity: u32,
    /// Reports a second of one identity; 0: no bound.
    pub reports_per_second_per_identity: u32,
    /// Subscriptions in all.
    pub subscriptions: u32,
    /// Unreceipted reports on one stream.
    pub unreceipted_reports_per_stream: u32,
    /// Unreceipted reports in all.
    pub unreceipted_reports: u32,
    /// Bytes buffered for one stream.
    pub send_buffer_bytes: u32,
}

/// `[streams]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streams {
    /// Greatest age, before the jitter of 20 %.
    #[serde(deserialize_with = "duration", serialize_with = "friendly")]
    pub max_age: Duration,
    /// Heartbeat interval when the subscriber asks for none.
    #[serde(deserialize_with = "duration", serialize_with = "friendly")]
    pub heartbeat: Duration,
    /// Longest time without a byte taken while something waits.
    #[serde(deserialize_with = "duration", serialize_with = "friendly")]
    pub stall_limit: Duration,
    /// Longest drain.
    #[serde(deserialize_with = "duration", serialize_with = "friendly")]
    pub drain_limit: Duration,
}

/// `[retention]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days a report is kept.
    pub report_days: u16,
    /// Days an event is kept.
    pub event_days: u16,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A tracing filter.
    pub level: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, otherwise JSON.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Settings {
    /// `section.key` as TOML; secrets hidden.
    pub(super) fn shown(&self, key: &str) -> String {
        if key == "database.url" {
            return toml(&self.database.shown_url().into());
        }
        let value = serde_json::to_value(self).unwrap_or_default();
        value.pointer(&format!("/{}", key.replace('.', "/"))).map(toml).unwrap_or_default()
    }

    /// Takes the database's URL from its file, if one is named by a source at least as strong as the URL's own.
    pub(super) fn read_url_file(
        &mut self,
        open: impl Fn(&Path) -> io::Result<String>,
        sources: &mut Sources,
    ) -> Result<(), ConfigError> {
        let (url, file) = (sources.rank("database.url"), sources.rank("database.url_file"));
        if self.database.url_file.is_empty() {
            return Ok(());
        }
        if file < url {
            // Another layer named the URL itself: no file is in force.
            self.database.url_file.clear();
            sources.forget("database.url_file");
            return Ok(());
        }
        let name = sources.name("database.url_file");
        if file == url {
            return Err(ConfigError(format!("{name}: database.url is set there too: keep one of them")));
        }
        let text = open(Path::new(&self.database.url_file))
            .map_err(|e| ConfigError(format!("{name}: cannot read {}: {e}", self.database.url_file)))?;
        let url = text.strip_suffix('\n').unwrap_or(&text);
        url.strip_suffix('\r').unwrap_or(url).clone_into(&mut self.database.url);
        Ok(())
    }
}

/// JSON's strings, whole numbers and truth values are TOML's, but for one character that TOML wants escaped.
fn toml(value: &serde_json::Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007f")
}
