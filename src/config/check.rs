//! What types cannot say of settings.

use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::{ConfigError, Jwt, Log, Settings, Sources};

impl Settings {
    /// What types cannot say.
    pub(super) fn check(&self, sources: &Sources) -> Result<(), ConfigError> {
        let wrong = |key: &str, what: &str| Err(ConfigError(format!("{}: {what}", sources.name(key))));
        if let Some((key, what)) = self.exposed().or_else(|| self.half_said()) {
            return wrong(key, what);
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

    /// An API that would be open to others than it should be (contract.md section 4).
    fn exposed(&self) -> Option<(&'static str, &'static str)> {
        let (encrypted, asked) = (!self.tls.certificate_file.is_empty(), !self.access.permissions_file.is_empty());
        let meshed = match self.server.tls.as_str() {
            "" => false,
            "off:mesh" if encrypted => {
                return Some(("server.tls", "\"off:mesh\" and tls.certificate_file: keep one of them"));
            }
            "off:mesh" if !asked => {
                return Some(("server.tls", "\"off:mesh\" needs authentication: name an access.permissions_file"));
            }
            "off:mesh" => true,
            _ => return Some(("server.tls", "write \"\" (this service does TLS, or nobody) or \"off:mesh\"")),
        };
        let safe = self.server.listen.ip().is_loopback() || self.server.insecure || asked && (encrypted || meshed);
        let what = "without TLS and authentication the API binds loopback only, such as 127.0.0.1:50051: name \
                    tls.certificate_file and access.permissions_file; --insecure lets everyone who can reach the address \
                    read and report";
        (!safe).then_some(("server.listen", what))
    }

    /// Keys that mean nothing without others.
    fn half_said(&self) -> Option<(&'static str, &'static str)> {
        let (t, j) = (&self.tls, &self.jwt);
        let set = |text: &String| !text.is_empty();
        let issued = set(&j.issuer);
        let wrong = [
            ("tls.key_file", set(&t.certificate_file) && !set(&t.key_file), "tls.certificate_file needs its key"),
            (
                "tls.certificate_file",
                set(&t.key_file) && !set(&t.certificate_file),
                "tls.key_file needs its certificate",
            ),
            (
                "tls.client_ca_file",
                set(&t.client_ca_file) && !set(&t.certificate_file),
                "clients are asked for certificates over TLS only: name a tls.certificate_file",
            ),
            (
                "jwt.issuer",
                issued && !set(&self.access.permissions_file),
                "what its tokens allow is in access.permissions_file: name one",
            ),
            ("jwt.audience", issued && !set(&j.audience), "name it: a token for another service must not be taken"),
            (
                "jwt.jwks_file",
                issued && set(&j.jwks_file) == set(&j.jwks_url),
                "name the issuer's keys: either jwt.jwks_file or jwt.jwks_url",
            ),
            ("jwt.jwks_url", set(&j.jwks_url) && !private(&j.jwks_url), "write https://..., or http:// on this host"),
            (
                "jwt.jwks_ca_file",
                set(&j.jwks_ca_file) && !j.jwks_url.starts_with("https://"),
                "it is for the certificate of an https jwt.jwks_url",
            ),
            (
                "jwt.algorithms",
                !j.are_algorithms(),
                "write some of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA",
            ),
            (
                "backup.directory",
                set(&self.backup.directory) && !self.database.url.starts_with("sqlite:"),
                "backups are of SQLite; PostgreSQL has its own ways: docs/backup.md",
            ),
        ];
        wrong.into_iter().find(|(_, wrong, _)| *wrong).map(|(key, _, what)| (key, what))
    }

    /// The first figure outside its range.
    fn out_of_range(&self) -> Option<(&'static str, &'static str)> {
        const SECOND: Duration = Duration::from_secs(1);
        let (l, s) = (&self.limits, &self.streams);
        let ranges = [
            ("limits.message_bytes", (1_024..=64 << 20).contains(&l.message_bytes), "write 1024 to 67108864"),
            ("limits.streams_per_connection", l.streams_per_connection > 0, "write at least 1"),
            ("limits.connections", l.connections > 0, "write at least 1"),
            ("limits.connections_per_address", l.connections_per_address > 0, "write at least 1"),
            ("limits.handshakes", l.handshakes > 0, "write at least 1"),
            ("limits.subscriptions", l.subscriptions > 0, "write at least 1"),
            ("limits.unreceipted_reports_per_stream", l.unreceipted_reports_per_stream > 0, "write at least 1"),
            ("limits.unreceipted_reports", l.unreceipted_reports > 0, "write at least 1"),
            ("limits.send_buffer_bytes", (1_024..=16 << 20).contains(&l.send_buffer_bytes), "write 1024 to 16777216"),
            ("streams.max_age", s.max_age >= SECOND, "write at least 1s"),
            ("streams.heartbeat", (5 * SECOND..=60 * SECOND).contains(&s.heartbeat), "write 5s to 60s"),
            ("streams.stall_limit", s.stall_limit >= SECOND, "write at least 1s"),
            ("streams.drain_limit", s.drain_limit >= SECOND, "write at least 1s"),
            ("server.reload_every", self.server.reload_every >= SECOND, "write at least 1s"),
            ("tls.handshake_timeout", self.tls.handshake_timeout >= SECOND, "write at least 1s"),
            ("jwt.refresh_every", self.jwt.refresh_every >= SECOND, "write at least 1s"),
            ("jwt.leeway", self.jwt.leeway <= 300 * SECOND, "write at most 5m"),
            ("backup.every", self.backup.every >= 60 * SECOND, "write at least 1m"),
            ("backup.keep", self.backup.keep > 0, "write at least 1"),
            ("retention.report_days", self.retention.report_days > 0, "write at least 1"),
            ("retention.event_days", self.retention.event_days > 0, "write at least 1"),
        ];
        ranges.into_iter().find(|(_, good, _)| !good).map(|(key, _, range)| (key, range))
    }
}

/// Algorithms with a public key: with a shared secret whoever checks a token could make one.
const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

impl Jwt {
    /// The algorithms named.
    pub fn algorithm_names(&self) -> Vec<&str> {
        self.algorithms.split([' ', ',']).filter(|name| !name.is_empty()).collect()
    }

    fn are_algorithms(&self) -> bool {
        let names = self.algorithm_names();
        !names.is_empty() && names.iter().all(|name| ALGORITHMS.contains(name))
    }
}

/// Whether nobody on the way can change what a URL answers.
fn private(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let digits = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    let host = authority.rsplit_once(':').filter(|(_, port)| digits(port)).map_or(authority, |(host, _)| host);
    // What stands before an at sign looks like a host and is none.
    !authority.is_empty()
        && !authority.contains('@')
        && (scheme == "https" || scheme == "http" && ["127.0.0.1", "localhost", "[::1]"].contains(&host))
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

    fn all(keys: &[(&str, &str)]) -> Result<super::Settings, String> {
        let flags = keys.iter().map(|(key, value)| Flag::new("--set", *key, *value)).collect();
        load(None, [], flags).map(|l| l.settings).map_err(|e| e.to_string())
    }

    #[test]
    fn elsewhere_it_needs_authentication_and_somebody_who_does_tls() {
        const ELSEWHERE: (&str, &str) = ("server.listen", "0.0.0.0:50051");
        const WHO: (&str, &str) = ("access.permissions_file", "p.toml");
        const MESH: (&str, &str) = ("server.tls", "off:mesh");
        let certificate = [("tls.certificate_file", "c.pem"), ("tls.key_file", "k.pem")];
        for (keys, refused) in [
            (vec![ELSEWHERE, WHO], Some("server.listen")),
            (vec![ELSEWHERE, certificate[0], certificate[1]], Some("server.listen")),
            (vec![ELSEWHERE, WHO, certificate[0], certificate[1]], None),
            (vec![ELSEWHERE, WHO, MESH], None),
            (vec![ELSEWHERE, MESH], Some("server.tls")),
            (vec![MESH], Some("server.tls")),
            (vec![MESH, WHO, certificate[0], certificate[1]], Some("server.tls")),
            (vec![("server.tls", "on")], Some("server.tls")),
        ] {
            let answer = all(&keys).err();
            assert_eq!(answer.as_deref().map(|e| e.split(' ').next().unwrap()), refused, "{keys:?}: {answer:?}");
        }
    }

    #[test]
    fn what_is_said_by_halves_is_refused() {
        let issuer =
            [("access.permissions_file", "p"), ("jwt.issuer", "https://id.nhs.example"), ("jwt.audience", "w")];
        let with = |more: &[(&str, &str)]| all(&[&issuer[..], more].concat()).map(drop);
        assert_eq!(with(&[("jwt.jwks_file", "keys.json")]), Ok(()));
        assert_eq!(with(&[("jwt.jwks_url", "https://id.nhs.example/keys")]), Ok(()));
        assert_eq!(with(&[("jwt.jwks_url", "https://id.nhs.example"), ("jwt.jwks_ca_file", "ca.pem")]), Ok(()));
        assert_eq!(with(&[("jwt.jwks_url", "http://127.0.0.1:8080/keys")]), Ok(()));
        for (answer, key) in [
            (with(&[]), "jwt.jwks_file"),
            (with(&[("jwt.jwks_file", "keys.json"), ("jwt.jwks_url", "https://id.nhs.example")]), "jwt.jwks_file"),
            (with(&[("jwt.jwks_url", "http://id.nhs.example/keys")]), "jwt.jwks_url"),
            (with(&[("jwt.jwks_url", "http://localhost.example/keys")]), "jwt.jwks_url"),
            (with(&[("jwt.jwks_url", "http://localhost:x@id.example/keys")]), "jwt.jwks_url"),
            (with(&[("jwt.jwks_url", "https:///keys")]), "jwt.jwks_url"),
            (with(&[("jwt.jwks_file", "k"), ("jwt.jwks_ca_file", "ca.pem")]), "jwt.jwks_ca_file"),
            (with(&[("jwt.jwks_file", "k"), ("jwt.algorithms", "none")]), "jwt.algorithms"),
            (with(&[("jwt.jwks_file", "k"), ("jwt.algorithms", "RS256,HS256")]), "jwt.algorithms"),
            (with(&[("jwt.jwks_file", "k"), ("jwt.audience", "")]), "jwt.audience"),
            (all(&issuer[1..]).map(drop), "jwt.issuer"),
            (set("tls.certificate_file", "c.pem").map(drop), "tls.key_file"),
            (set("tls.key_file", "k.pem").map(drop), "tls.certificate_file"),
            (set("tls.client_ca_file", "ca.pem").map(drop), "tls.client_ca_file"),
            (all(&[("database.url", "postgres://d/w"), ("backup.directory", "/b")]).map(drop), "backup.directory"),
        ] {
            let error = answer.unwrap_err();
            assert!(error.starts_with(key), "{key}: {error}");
        }
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
            ("server.reload_every", "0s"),
            ("tls.handshake_timeout", "0s"),
            ("tls.client_certificates", "perhaps"),
            ("jwt.leeway", "10m"),
            ("backup.every", "1s"),
            ("backup.keep", "0"),
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
