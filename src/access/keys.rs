//! The public keys of the issuer of tokens (JWKS, RFC 7517): from a file, or from a URL that is asked now and then and when
//! a token names a key that is not known.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use reqwest::Certificate;
use reqwest::redirect::Policy;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long the issuer may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A token with an unknown key makes the issuer be asked at most this often: whoever sends such tokens must not make us a
/// burden to it.
const AT_MOST_EVERY: Duration = Duration::from_mins(1);
/// Most bytes of keys.
const MOST_BYTES: usize = 1 << 20;

/// Where keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A file.
    File(PathBuf),
    /// A URL, whose certificate is of an authority in `ca_file`, or else of one that everybody trusts.
    Url {
        /// The URL.
        url: String,
        /// Certificates of authorities in PEM.
        ca_file: Option<PathBuf>,
    },
}

/// The keys in force. Those that were read last stay when they cannot be read again.
#[derive(Debug)]
pub struct Keys {
    source: KeySource,
    http: reqwest::Client,
    set: ArcSwapOption<JwkSet>,
    /// When it was last asked.
    asked: Mutex<Option<Instant>>,
}

impl Keys {
    /// None yet.
    ///
    /// # Errors
    /// When the file of authorities cannot be read, or no HTTP client can be made.
    pub fn new(source: KeySource) -> Result<Self, String> {
        let http = reqwest::Client::builder().timeout(PATIENCE).https_only(is_https(&source)).redirect(Policy::none());
        let http = match &source {
            KeySource::Url { ca_file: Some(path), .. } => http.tls_certs_only(authorities(path)?),
            source if is_https(source) => http,
            // Without TLS no roots are needed, and an image without any could not even make a client.
            _ => http.tls_certs_only([]).no_proxy(),
        };
        let http = http.build().map_err(|e| format!("no HTTP client can be made: {e}"))?;
        Ok(Self { source, http, set: ArcSwapOption::empty(), asked: Mutex::default() })
    }

    /// Reads them anew; whether they are others than before.
    ///
    /// # Errors
    /// One line that names the file or URL; the keys before stay.
    pub async fn refresh(&self) -> Result<bool, String> {
        let text = self.text().await?;
        let name = self.name();
        let set: JwkSet = serde_json::from_str(&text).map_err(|e| format!("{name} is not a JSON Web Key Set: {e}"))?;
        if !set.keys.iter().any(usable) {
            return Err(format!("{name} has no key to check signatures with"));
        }
        let same = self.set.load().as_deref() == Some(&set);
        self.set.store(Some(Arc::new(set)));
        Ok(!same)
    }

    /// The key that a token names, or the only one when it names none. One that is not known makes the issuer be asked.
    pub async fn find(&self, id: Option<&str>) -> Option<Jwk> {
        if let Some(key) = self.known(id) {
            return Some(key);
        }
        if matches!(self.source, KeySource::Url { .. }) {
            // Those who come meanwhile wait for the answer rather than ask themselves.
            let mut asked = self.asked.lock().await;
            if self.known(id).is_none() && asked.is_none_or(|at| at.elapsed() >= AT_MOST_EVERY) {
                *asked = Some(Instant::now());
                if let Err(error) = self.refresh().await {
                    tracing::warn!(%error, "the issuer's keys cannot be read; those known stay in force");
                }
            }
        }
        self.known(id)
    }

    /// Whether any were ever read.
    pub fn any(&self) -> bool {
        self.set.load().is_some()
    }

    /// File or URL, for errors.
    pub fn name(&self) -> String {
        match &self.source {
            KeySource::File(path) => path.display().to_string(),
            KeySource::Url { url, .. } => url.clone(),
        }
    }

    fn known(&self, id: Option<&str>) -> Option<Jwk> {
        let set = self.set.load();
        let mut keys = set.as_ref()?.keys.iter().filter(|key| usable(key));
        match id {
            Some(id) => keys.find(|key| key.common.key_id.as_deref() == Some(id)).cloned(),
            None => keys.next().filter(|_| keys.next().is_none()).cloned(),
        }
    }

    async fn text(&self) -> Result<String, String> {
        match &self.source {
            KeySource::File(path) => {
                tokio::fs::read_to_string(path).await.map_err(|e| format!("cannot read {}: {e}", path.display()))
            }
            KeySource::Url { url, .. } => {
                let failed = |e: reqwest::Error| format!("{url} does not answer: {}", cause(&e));
                let mut answer = self.http.get(url).send().await.map_err(failed)?.error_for_status().map_err(failed)?;
                let mut body = Vec::new();
                while let Some(chunk) = answer.chunk().await.map_err(failed)? {
                    body.extend_from_slice(&chunk);
                    if body.len() > MOST_BYTES {
                        return Err(format!("{url} answers more than {MOST_BYTES} bytes: that is no key set"));
                    }
                }
                String::from_utf8(body).map_err(|_| format!("{url} does not answer with text"))
            }
        }
    }
}

/// For signatures, unless it says otherwise.
fn usable(key: &Jwk) -> bool {
    key.is_supported() && key.common.public_key_use.as_ref().is_none_or(|r#use| *r#use == PublicKeyUse::Signature)
}

fn is_https(source: &KeySource) -> bool {
    matches!(source, KeySource::Url { url, .. } if url.starts_with("https://"))
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, String> {
    let pem = std::fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|e| format!("{}: {}", path.display(), cause(&e)))?;
    if found.is_empty() { Err(format!("{} holds no certificate in PEM form", path.display())) } else { Ok(found) }
}

/// The innermost reason: reqwest's own text says no more than that something failed.
fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
