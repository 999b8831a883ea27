use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::redirect::Policy;
use reqwest::{Certificate, RequestBuilder, Response, StatusCode, Url};

use super::notice::{Notice, Wire};
use super::{BridgeError, Options, cause};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take; three are possible within the shortest useful lifetime of an alert.
const REQUEST: Duration = Duration::from_secs(10);
/// The largest list of alerts read; one is about 1 KiB.
const LIST_BYTES: usize = 64 << 20;
/// The largest token read.
const TOKEN_BYTES: usize = 64 << 10;

/// One Alertmanager's HTTP API, version 2.
#[derive(Debug)]
pub(super) struct Alertmanager {
    http: reqwest::Client,
    alerts: Url,
    token_file: Option<PathBuf>,
}

/// What it says to alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has them.
    Taken,
    /// It has the good ones, and at least one is not.
    Refused,
}

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("cannot read the token for Alertmanager in {}: {why}", path.display())]
    Token { path: PathBuf, why: io::Error },
    #[error("cannot reach Alertmanager: {0}")]
    Unreachable(String),
    #[error("Alertmanager answers {0}: {1}")]
    Answered(StatusCode, &'static str),
    #[error("Alertmanager answers with what is no list of alerts: {0}")]
    Unreadable(String),
}

impl HttpError {
    /// Whether another request may fare better at once.
    pub(super) fn is_of_one_request(&self) -> bool {
        matches!(self, Self::Answered(s, _) if s.is_server_error() || *s == StatusCode::PAYLOAD_TOO_LARGE)
    }
}

/// All of them; they share connections.
pub(super) fn all(options: &Options) -> Result<Vec<Alertmanager>, BridgeError> {
    let urls = options.urls.iter().map(|url| address(url)).collect::<Result<Vec<_>, _>>()?;
    let http = http(options.ca_file.as_deref(), urls.iter().any(|url| url.scheme() == "https"))?;
    if let Some(path) = &options.token_file {
        // A wrong path shows at once, and not with the first alert.
        let why = |why: io::Error| BridgeError::File {
            flag: "--alertmanager-token-file",
            path: path.clone(),
            why: why.to_string(),
        };
        std::fs::read_to_string(path).and_then(|text| token(&text)).map_err(why)?;
        if let Some(open) = options.urls.iter().zip(&urls).find(|(_, url)| !private(url)).map(|(text, _)| text) {
            let why = "would carry the token in clear text: write https://, or leave --alertmanager-token-file out";
            return Err(BridgeError::Url { url: open.clone(), why });
        }
    }
    let of = |alerts| Alertmanager { http: http.clone(), alerts, token_file: options.token_file.clone() };
    Ok(urls.into_iter().map(of).collect())
}

/// Where alerts are posted, by an Alertmanager's base URL.
fn address(text: &str) -> Result<Url, BridgeError> {
    let wrong = |url: &str, why| BridgeError::Url { url: url.to_owned(), why };
    let mut url = Url::parse(text).map_err(|_| wrong(text, "is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("(hidden)", "carries a name or password: give a token by --alertmanager-token-file"));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong(text, "is not of http or https with a host"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(text, "has a query or fragment"));
    }
    match url.path_segments_mut() {
        Ok(mut path) => drop(path.pop_if_empty().extend(["api", "v2", "alerts"])),
        Err(()) => return Err(wrong(text, "has no path")),
    }
    Ok(url)
}

/// Whether nobody on the way can read what is sent there.
fn private(url: &Url) -> bool {
    let here = |host: &str| {
        host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    };
    url.scheme() == "https" || url.host_str().is_some_and(here)
}

fn http(ca_file: Option<&Path>, tls: bool) -> Result<reqwest::Client, BridgeError> {
    let agent = concat!("wardwatch/", env!("CARGO_PKG_VERSION"));
    let builder = reqwest::Client::builder().user_agent(agent).connect_timeout(CONNECT).timeout(REQUEST);
    // A POST that is redirected becomes a GET, and a token must not follow.
    let builder = builder.redirect(Policy::none());
    let builder = match ca_file {
        Some(path) => builder.tls_certs_only(certificates(path)?),
        None if tls => builder,
        // Without TLS none are needed, and an image without any could not even speak HTTP.
        None => builder.tls_certs_only([]),
    };
    builder.build().map_err(|e| BridgeError::Http(cause(&e)))
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, BridgeError> {
    let wrong = |why: String| BridgeError::File { flag: "--alertmanager-ca-file", path: path.to_owned(), why };
    let pem = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|e| wrong(cause(&e)))?;
    if certificates.is_empty() { Err(wrong("holds no certificate in PEM form".to_owned())) } else { Ok(certificates) }
}

impl Alertmanager {
    /// Tells it alerts.
    pub(super) async fn post(&self, alerts: &[Wire]) -> Result<Answer, HttpError> {
        let response = self.ask(self.http.post(self.alerts.clone()).json(alerts)).await?;
        match response.status() {
            status if status.is_success() => Ok(Answer::Taken),
            StatusCode::BAD_REQUEST => Ok(Answer::Refused),
            status => Err(answered(status)),
        }
    }

    /// The alerts it has that are not over, by labels.
    pub(super) async fn own(&self, labels: &[(&str, String)]) -> Result<Vec<(Notice, Timestamp)>, HttpError> {
        let mut url = self.alerts.clone();
        for (label, value) in labels {
            url.query_pairs_mut().append_pair("filter", &matcher(label, value));
        }
        let mut response = self.ask(self.http.get(url)).await?;
        if !response.status().is_success() {
            return Err(answered(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(&e))? {
            if body.len() + chunk.len() > LIST_BYTES {
                return Err(HttpError::Unreadable(format!("it is longer than {LIST_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let list: Vec<Wire> = serde_json::from_slice(&body).map_err(|e| HttpError::Unreadable(e.to_string()))?;
        Ok(list.into_iter().filter_map(Wire::read).collect())
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Response, HttpError> {
        let request = match &self.token_file {
            None => request,
            Some(path) => {
                let text = tokio::fs::read_to_string(path).await.and_then(|text| token(&text));
                request.bearer_auth(text.map_err(|why| HttpError::Token { path: path.clone(), why })?)
            }
        };
        request.send().await.map_err(|e| unreachable(&e))
    }
}

/// Its base URL, for logs.
impl fmt::Display for Alertmanager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alerts.as_str().trim_end_matches("/api/v2/alerts"))
    }
}

/// The one word of a token file.
fn token(text: &str) -> io::Result<String> {
    let word = text.trim();
    if word.is_empty() || word.len() > TOKEN_BYTES || !word.chars().all(|c| c.is_ascii_graphic()) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it holds no token: one word of printable ASCII"));
    }
    Ok(word.to_owned())
}

fn unreachable(error: &reqwest::Error) -> HttpError {
    let why = if error.is_timeout() { "it did not answer in time".to_owned() } else { cause(error) };
    HttpError::Unreachable(why)
}

/// What an operator can do about a status.
fn answered(status: StatusCode) -> HttpError {
    let remedy = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "see --alertmanager-token-file",
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "is --url the base URL of an Alertmanager?",
        s if s.is_redirection() => "give the URL it redirects to",
        _ => "its log may say why",
    };
    HttpError::Answered(status, remedy)
}

/// `label="value"`, as Alertmanager reads it.
fn matcher(label: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{label}=\"{value}\"")
}
