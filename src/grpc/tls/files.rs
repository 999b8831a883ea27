//! The files of `[tls]`: what they hold, and what is wrong with it.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{Error as TlsError, RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};

use crate::grpc::peer::Peer;
use crate::grpc::tls::H2;

/// Where certificates and keys lie.
#[derive(Clone, Debug)]
pub struct Files {
    /// The certificate chain, the service's own first.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// Who may issue certificates to clients; `None`: clients are asked for none.
    pub client_ca: Option<String>,
    /// Whether a client must have a certificate.
    pub required: bool,
}

/// What is wrong with one of the files, in one line that names its key and itself. It never quotes a file: it may be a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {file}: {what}")]
pub struct Flaw {
    key: &'static str,
    file: String,
    what: String,
}

/// What the files held when they were read.
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// What the files make together.
pub(super) struct Built {
    pub config: ServerConfig,
    /// When the service's own certificate ends, in seconds since the Unix epoch.
    pub not_after: i64,
}

const CERTIFICATE: &str = "tls.certificate_file";
const KEY: &str = "tls.key_file";
const CLIENT_CA: &str = "tls.client_ca_file";

impl Files {
    pub(super) async fn read(&self) -> Result<Contents, Flaw> {
        let certificate = read(CERTIFICATE, &self.certificate).await?;
        let key = read(KEY, &self.key).await?;
        let client_ca = match &self.client_ca {
            Some(file) => Some(read(CLIENT_CA, file).await?),
            None => None,
        };
        Ok(Contents { certificate, key, client_ca })
    }

    /// Everything that new connections will go by, or the first thing that is wrong.
    pub(super) fn build(&self, contents: &Contents) -> Result<Built, Flaw> {
        let chain = certificates(CERTIFICATE, &self.certificate, &contents.certificate)?;
        let leaf = chain.first().and_then(|own| Peer::of(own));
        let leaf = leaf.ok_or_else(|| flaw(CERTIFICATE, &self.certificate, "its first certificate cannot be read"))?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|_| {
            flaw(KEY, &self.key, "holds no private key in PEM (one with a passphrase cannot be read: take it off)")
        })?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| flaw(CERTIFICATE, &self.certificate, e.to_string()))?;
        let asked = match self.client_ca.as_ref().zip(contents.client_ca.as_ref()) {
            None => builder.with_no_client_auth(),
            Some((file, pem)) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(issuers(file, pem)?, provider);
                let verifier = if self.required { verifier } else { verifier.allow_unauthenticated() };
                builder.with_client_cert_verifier(verifier.build().map_err(|e| flaw(CLIENT_CA, file, e.to_string()))?)
            }
        };
        let mut config = asked.with_single_cert(chain, key).map_err(|e| self.unfit(e))?;
        config.alpn_protocols = vec![H2.to_vec()];
        if self.client_ca.is_some() {
            // Whoever resumes a session is not looked at again: its certificate may have ended, or its issuer be struck off.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Built { config, not_after: leaf.not_after })
    }

    fn unfit(&self, error: TlsError) -> Flaw {
        match error {
            TlsError::InconsistentKeys(_) => {
                flaw(KEY, &self.key, format!("is not the key of the certificate in {}", self.certificate))
            }
            TlsError::InvalidCertificate(e) => {
                flaw(CERTIFICATE, &self.certificate, format!("its first certificate cannot be used: {e}"))
            }
            other => flaw(KEY, &self.key, format!("cannot be used: {other}")),
        }
    }
}

impl Contents {
    /// Other contents, another print. What was a key need not stay in memory for it.
    pub fn print(&self) -> [u8; 32] {
        let mut print = Sha256::new();
        for part in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()].into_iter().flatten() {
            print.update((part.len() as u64).to_be_bytes());
            print.update(part);
        }
        print.finalize().into()
    }
}

async fn read(key: &'static str, file: &str) -> Result<Vec<u8>, Flaw> {
    tokio::fs::read(file).await.map_err(|e| flaw(key, file, format!("cannot be read: {e}")))
}

fn certificates(key: &'static str, file: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Flaw> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(flaw(key, file, "holds no certificate in PEM")),
        Ok(found) => Ok(found),
        Err(_) => Err(flaw(key, file, "is no valid PEM")),
    }
}

fn issuers(file: &str, pem: &[u8]) -> Result<Arc<RootCertStore>, Flaw> {
    let mut issuers = RootCertStore::empty();
    for (n, certificate) in (1..).zip(certificates(CLIENT_CA, file, pem)?) {
        issuers.add(certificate).map_err(|e| flaw(CLIENT_CA, file, format!("certificate {n} cannot be used: {e}")))?;
    }
    Ok(Arc::new(issuers))
}

fn flaw(key: &'static str, file: &str, what: impl Into<String>) -> Flaw {
    Flaw { key, file: file.to_owned(), what: what.into() }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn files(client_ca: Option<&str>) -> Files {
        let client_ca = client_ca.map(str::to_owned);
        Files { certificate: "c.pem".into(), key: "k.pem".into(), client_ca, required: true }
    }

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["ward.test".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn built(certificate: &str, key: &str, client_ca: Option<&str>) -> Result<Built, String> {
        let ca = client_ca.map(|pem| pem.as_bytes().to_vec());
        let contents = Contents { certificate: certificate.into(), key: key.into(), client_ca: ca };
        files(client_ca.map(|_| "ca.pem")).build(&contents).map_err(|e| e.to_string())
    }

    #[test]
    fn a_pair_is_taken_and_speaks_http_2_only() {
        let (certificate, key) = pair();
        for client_ca in [None, Some(certificate.as_str())] {
            let built = built(&certificate, &key, client_ca).unwrap();
            assert_eq!(built.config.alpn_protocols, [b"h2"]);
            assert!(built.not_after > 0);
        }
    }

    #[test]
    fn what_is_wrong_names_the_key_and_the_file_and_quotes_nothing() {
        let ((certificate, key), (_, other)) = (pair(), pair());
        let garbage = "-----BEGIN PRIVATE KEY-----\nSECRET!\n-----END PRIVATE KEY-----\n";
        let broken = certificate.replace("-----END", "-----WITHOUT");
        for (answer, expected) in [
            (built("", &key, None), "tls.certificate_file: c.pem: holds no certificate in PEM"),
            (built(&broken, &key, None), "tls.certificate_file: c.pem: is no valid PEM"),
            (built(&certificate, garbage, None), "tls.key_file: k.pem: holds no private key in PEM"),
            (built(&certificate, &certificate, None), "tls.key_file: k.pem: holds no private key in PEM"),
            (built(&certificate, &other, None), "tls.key_file: k.pem: is not the key of the certificate in c.pem"),
            (built(&certificate, &key, Some("")), "tls.client_ca_file: ca.pem: holds no certificate in PEM"),
        ] {
            let error = answer.err().unwrap_or_else(|| panic!("taken, instead of: {expected}"));
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains("SECRET"), "{error}");
        }
    }
}
