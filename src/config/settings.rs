use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tracing_subscriber::EnvFilter;

use super::{ConfigError, Database, Sources};

/// What the service is set to. The meaning of each key is in `default.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where it listens, and as what.
    pub server: Server,
    /// Where it stores.
    pub database: Database,
    /// What it takes.
    pub limits: Limits,
    /// How long streams live.
    pub streams: Streams,
    /// How long things are kept.
    pub retention: Retention,
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

    /// What types cannot say.
    pub(super) fn check(&self, sources: &Sources) -> Result<(), ConfigError> {
        let wrong = |key: &str, what: &str| Err(ConfigError(format!("{}: {what}", sources.name(key))));
        match self.server.tls.as_str() {
            "" => {}
            "off:mesh" => {
                return wrong(
                    "server.tls",
                    "\"off:mesh\" needs authentication, which does not exist yet: leave it empty",
                );
            }
            _ => return wrong("server.tls", "only \"\" is possible yet: this version does not speak TLS"),
        }
        if !self.server.listen.ip().is_loopback() && !self.server.insecure {
            let what = "without TLS and authentication the API binds loopback only, such as 127.0.0.1:50051; \
                        --insecure lets everyone who can reach the address read and report";
            return wrong("server.listen", what);
        }
        if !code(&self.server.environment) {
            return wrong("server.environment", "write 1 to 32 letters, digits, '-' or '_', such as \"live\"");
        }
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|s| self.database.url.starts_with(s)) {
            return wrong("database.url", "write sqlite:PATH or postgres://user@host/database");
        }
        if !self.log.is_filter() {
            return wrong(
                "log.level",
                "write error, warn, info, debug or trace, or a filter such as info,wardwatch::feed=debug",
            );
        }
        match self.out_of_range() {
            Some((key, range)) => wrong(key, range),
            None => Ok(()),
        }
    }

    /// The first figure outside its range.
    fn out_of_range(&self) -> Option<(&'static str, &'static str)> {
        const SECOND: Duration = Duration::from_secs(1);
        let (l, s) = (&self.limits, &self.streams);
        let ranges = [
            ("limits.message_bytes", (1_024..=64 << 20).contains(&l.message_bytes), "write 1024 to 67108864"),
            ("limits.streams_per_connection", l.streams_per_connection > 0, "write at least 1"),
            ("limits.connections", l.connections > 0, "write at least 1"),
            ("limits.subscriptions", l.subscriptions > 0, "write at least 1"),
            ("limits.unreceipted_reports_per_stream", l.unreceipted_reports_per_stream > 0, "write at least 1"),
            ("limits.unreceipted_reports", l.unreceipted_reports > 0, "write at least 1"),
            ("limits.send_buffer_bytes", (1_024..=16 << 20).contains(&l.send_buffer_bytes), "write 1024 to 16777216"),
            ("streams.max_age", s.max_age >= SECOND, "write at least 1s"),
            ("streams.heartbeat", (5 * SECOND..=60 * SECOND).contains(&s.heartbeat), "write 5s to 60s"),
            ("streams.stall_limit", s.stall_limit >= SECOND, "write at least 1s"),
            ("streams.drain_limit", s.drain_limit >= SECOND, "write at least 1s"),
            ("retention.report_days", self.retention.report_days > 0, "write at least 1"),
            ("retention.event_days", self.retention.event_days > 0, "write at least 1"),
        ];
        ranges.into_iter().find(|(_, good, _)| !good).map(|(key, _, range)| (key, range))
    }
}

/// JSON's strings, whole numbers and truth values are TOML's, but for one character that TOML wants escaped.
fn toml(value: &serde_json::Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007f")
}

impl Log {
    /// Its level as a filter. The value of a field in one is text and no regular expression: compiling one with 29 dots kept
    /// the fuzzer busy for 25 seconds.
    pub fn filter(&self) -> Result<EnvFilter, String> {
        EnvFilter::builder().with_regex(false).parse(&self.level).map_err(|e| e.to_string())
    }

    /// Whether it is a filter. A bare word must be a level: tracing would take a misspelt one for the name of a module.
    fn is_filter(&self) -> bool {
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        let known = |word: &str| word.contains(['=', '[']) || LEVELS.contains(&word.trim());
        self.level.split(',').all(known) && self.filter().is_ok()
    }
}

fn code(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        serde::de::Error::custom(format!("'{text}' is not an address; write it as 127.0.0.1:50051 or [::1]:50051"))
    })
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok());
    parsed
        .ok_or_else(|| serde::de::Error::custom(format!("'{text}' is not a duration; write it as 30s, 15m or 1h 30m")))
}

fn friendly<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let signed = jiff::SignedDuration::try_from(*duration).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&format!("{signed:#}"))
}

#[cfg(test)]
mod tests {
    use super::super::{Flag, load};

    fn set(key: &str, value: &str) -> Result<super::Settings, String> {
        load(None, [], vec![Flag::new("--set", key, value)]).map(|l| l.settings).map_err(|e| e.to_string())
    }

    #[test]
    fn without_authentication_only_loopback_is_bound_unless_said_aloud() {
        for address in ["127.0.0.1:1", "[::1]:1", "127.8.8.8:0"] {
            assert!(set("server.listen", address).is_ok(), "{address}");
        }
        let error = set("server.listen", "0.0.0.0:50051").unwrap_err();
        assert!(error.starts_with("server.listen (--set): ") && error.contains("--insecure"), "{error}");
        let flags = vec![
            Flag::new("--listen", "server.listen", "0.0.0.0:1"),
            Flag::new("--insecure", "server.insecure", "true"),
        ];
        assert!(load(None, [], flags).is_ok());
        assert!(set("server.admin_listen", "0.0.0.0:9464").is_ok(), "the admin port may bind anywhere");
    }

    #[test]
    fn a_mesh_needs_authentication_first() {
        let error = set("server.tls", "off:mesh").unwrap_err();
        assert!(error.contains("needs authentication, which does not exist yet"), "{error}");
        assert!(set("server.tls", "on").is_err());
    }

    #[test]
    fn a_value_in_a_filter_is_text_and_no_regular_expression() {
        assert!(set("log.level", "info,wardwatch[stream{ward=\"(\"}]=debug").is_ok());
    }

    #[test]
    fn figures_outside_their_range_are_refused() {
        for (key, value) in [
            ("streams.heartbeat", "4s"),
            ("streams.heartbeat", "61s"),
            ("streams.drain_limit", "0s"),
            ("retention.report_days", "0"),
            ("limits.connections", "0"),
            ("limits.message_bytes", "-1"),
            ("log.level", "inof"),
            ("log.level", "wardwatch=loud"),
            ("log.format", "xml"),
            ("server.environment", ""),
            ("database.url", "mysql://x"),
            ("database.migrate", "perhaps"),
        ] {
            let error = set(key, value).unwrap_err();
            assert!(error.starts_with(key), "{key} = {value}: {error}");
        }
    }

    #[test]
    fn the_database_url_may_come_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "postgres://ward:s3cret@db/w\n").unwrap();
        let path = file.path().display().to_string();
        assert_eq!(set("database.url_file", &path).unwrap().database.url, "postgres://ward:s3cret@db/w");
        assert!(set("database.url_file", "/nowhere/url").unwrap_err().contains("cannot read /nowhere/url"));
        let both =
            vec![Flag::new("--set", "database.url_file", &path), Flag::new("--database", "database.url", "sqlite:x")];
        assert!(load(None, [], both).unwrap_err().to_string().contains("keep one"));
        let env = [("WARDWATCH__DATABASE__URL_FILE".to_owned(), path)];
        let stronger = load(None, env, vec![Flag::new("--database", "database.url", "sqlite:x")]).unwrap();
        assert_eq!(stronger.settings.database.url, "sqlite:x");
    }
}
