use std::net::IpAddr;
use std::path::PathBuf;

use tonic::transport::Uri;

use super::Error;

/// Where a service is, and how a client knows it and makes itself known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// `http://host:port`, or `https://host:port` with TLS.
    pub url: String,
    /// Issuers (PEM) of the service's certificate; `None`: those the system trusts.
    pub ca_file: Option<PathBuf>,
    /// The client's own certificate chain (PEM).
    pub cert_file: Option<PathBuf>,
    /// Its private key (PEM).
    pub key_file: Option<PathBuf>,
    /// A file that holds a token, sent with every call.
    pub token_file: Option<PathBuf>,
}

impl Target {
    /// Just a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    /// The URL, if it and what goes with it make sense together.
    pub(super) fn uri(&self) -> Result<Uri, Error> {
        let invalid = || Error::Url(self.url.clone());
        let uri: Uri = self.url.parse().map_err(|_| invalid())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(invalid)?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid()),
        };
        let certificates = self.ca_file.is_some() || self.cert_file.is_some() || self.key_file.is_some();
        if certificates && !secure {
            let what = "--ca-file, --cert-file and --key-file are for TLS: write https://";
            return Err(Error::Target(format!("{}: {what}", self.url)));
        }
        if self.cert_file.is_some() != self.key_file.is_some() {
            return Err(Error::Target("--cert-file and --key-file go together: name both or neither".to_owned()));
        }
        if self.token_file.is_some() && !secure && !is_loopback(host) {
            let what = "a token is not sent where others can read it: write https://, or leave --token-file out";
            return Err(Error::Target(format!("{}: {what}", self.url)));
        }
        Ok(uri)
    }
}

/// The name of a host, without the brackets of an IPv6 address.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || bare(host).parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

impl From<&str> for Target {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<&String> for Target {
    fn from(url: &String) -> Self {
        Self::new(url)
    }
}

impl From<&Target> for Target {
    fn from(target: &Target) -> Self {
        target.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_tls_or_stays_on_this_host() {
        let with = |url: &str| Target { token_file: Some("t".into()), ..Target::new(url) }.uri();
        for url in ["https://ward.nhs.uk", "http://127.0.0.1:50051", "http://localhost:1", "http://[::1]:1"] {
            assert!(with(url).is_ok(), "{url}");
        }
        for url in
            ["http://ward.nhs.uk:50051", "http://10.0.0.1:1", "http://localhost.nhs.uk", "http://[2001:db8::1]:1"]
        {
            let error = with(url).unwrap_err();
            assert!(matches!(&error, Error::Target(_)) && error.to_string().starts_with(url), "{error}");
        }
    }

    #[test]
    fn certificates_are_for_tls_and_a_certificate_comes_with_its_key() {
        let certificate = Target { cert_file: Some("c".into()), ..Target::new("https://h") };
        assert!(matches!(certificate.uri(), Err(Error::Target(_))));
        let pair = Target { key_file: Some("k".into()), ..certificate };
        assert!(pair.uri().is_ok());
        assert!(matches!(Target { url: "http://h".into(), ..pair }.uri(), Err(Error::Target(_))));
        for url in ["", "h:1", "localhost:50051", "ftp://h", "https://", "http://:1"] {
            assert!(matches!(Target::new(url).uri(), Err(Error::Url(_))), "{url}");
        }
    }
}
