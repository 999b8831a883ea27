//! Makes connections. Certificates and keys are read for each, so that one who stays connected for months can have new ones.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;
use tonic::transport::Uri;
use tower::Service;
use x509_parser::parse_x509_certificate;

use super::target::{Target, bare};
use super::trouble::{self, Trouble};

/// How long a connection may take to be made, and a TLS handshake after it.
const CONNECT: Duration = Duration::from_secs(5);
/// How long we wait for the service's first word after the handshake. With TLS 1.3 a client is told only then that its
/// certificate is not liked.
const FIRST_WORD: Duration = Duration::from_secs(2);
/// The first byte of an alert of TLS (RFC 8446 section 5.1); no frame of HTTP/2 begins a connection with it.
const ALERT: u8 = 21;

/// What HTTP/2 is spoken over.
pub(super) type Line = TokioIo<Either<Plain, TlsStream<TcpStream>>>;

/// A connection without TLS, which notices when the other side speaks it.
#[derive(Debug)]
pub(super) struct Plain {
    socket: TcpStream,
    heard: bool,
    speaks_tls: Arc<AtomicBool>,
}

/// Makes connections to a target.
#[derive(Clone, Debug)]
pub(super) struct Dial {
    target: Arc<Target>,
    speaks_tls: Arc<AtomicBool>,
    last: Arc<Mutex<Option<Handshake>>>,
}

/// What the last TLS handshake came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Such as `TLSv1_3`.
    pub protocol: String,
    /// When the service's certificate ends, in seconds since 1970; `None`: it cannot be read.
    pub not_after: Option<i64>,
    /// Whether a certificate of the client's own was there to be shown.
    pub showed_certificate: bool,
}

impl Dial {
    pub fn new(target: Arc<Target>) -> Self {
        Self { target, speaks_tls: Arc::default(), last: Arc::default() }
    }

    /// What the last TLS handshake came to; `None` without TLS.
    pub fn handshake(&self) -> Option<Handshake> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the other side was last seen to speak TLS where we do not.
    pub fn is_answered_by_tls(&self) -> bool {
        self.speaks_tls.load(Ordering::Relaxed)
    }

    async fn connect(self, uri: Uri) -> Result<Line, Trouble> {
        self.speaks_tls.store(false, Ordering::Relaxed);
        let host = bare(uri.host().unwrap_or_default()).to_owned();
        let secure = uri.scheme_str() == Some("https");
        // Before anyone is disturbed: files that cannot be read are our own trouble.
        let config = if secure { Some(Arc::new(configured(&self.target).await?)) } else { None };
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let socket = connector.call(uri).await.map_err(|e| Trouble::unreachable(&e))?.into_inner();
        let Some(config) = config else {
            let plain = Plain { socket, heard: false, speaks_tls: self.speaks_tls };
            return Ok(TokioIo::new(Either::Left(plain)));
        };
        let name = ServerName::try_from(host.clone()).map_err(|e| Trouble::tls(format!("'{host}': {e}")))?;
        let secured = timeout(CONNECT, TlsConnector::from(config).connect(name, socket)).await;
        let secured = secured.map_err(|_| Trouble::tls("the TLS handshake takes too long"))?;
        let mut stream = secured.map_err(|e| trouble::explained(&e, &host, &self.target))?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(Trouble::tls("it does not speak HTTP/2 over TLS (ALPN h2): is this the port of the API?"));
        }
        if let Ok(word) = timeout(FIRST_WORD, stream.fill_buf()).await {
            word.map_err(|e| trouble::explained(&e, &host, &self.target))?;
        }
        let done = handshake(stream.get_ref().1, self.target.cert_file.is_some());
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        Ok(TokioIo::new(Either::Right(stream)))
    }
}

impl Service<Uri> for Dial {
    type Response = Line;
    type Error = Trouble;
    type Future = BoxFuture<'static, Result<Line, Trouble>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

fn handshake(session: &ClientConnection, showed_certificate: bool) -> Handshake {
    let leaf = session.peer_certificates().and_then(<[_]>::first);
    let not_after = leaf.and_then(|der| Some(parse_x509_certificate(der).ok()?.1.validity().not_after.timestamp()));
    let protocol = session.protocol_version().map_or_else(String::new, |version| format!("{version:?}"));
    Handshake { protocol, not_after, showed_certificate }
}

async fn configured(target: &Target) -> Result<ClientConfig, Trouble> {
    let roots = match &target.ca_file {
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates("--ca-file", file).await? {
                roots.add(certificate).map_err(|e| trouble::file("--ca-file", file, &e.to_string()))?;
            }
            Arc::new(roots)
        }
        None => system_roots().await?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Trouble::tls(e.to_string()))?
        .with_root_certificates(roots);
    let mut config = match target.cert_file.as_ref().zip(target.key_file.as_ref()) {
        None => builder.with_no_client_auth(),
        Some((cert_file, key_file)) => {
            let chain = certificates("--cert-file", cert_file).await?;
            let key = PrivateKeyDer::from_pem_slice(&read("--key-file", key_file).await?);
            let key = key.map_err(|_| trouble::file("--key-file", key_file, "holds no private key in PEM"))?;
            let unfit = |_| {
                let what = format!("is not the key of the certificate in {}", cert_file.display());
                trouble::file("--key-file", key_file, &what)
            };
            builder.with_client_auth_cert(chain, key).map_err(unfit)?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

async fn read(flag: &str, file: &Path) -> Result<Vec<u8>, Trouble> {
    tokio::fs::read(file).await.map_err(|e| trouble::file(flag, file, &format!("cannot be read: {e}")))
}

async fn certificates(flag: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let pem = read(flag, file).await?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|_| trouble::file(flag, file, "is no valid PEM"))?;
    if found.is_empty() {
        return Err(trouble::file(flag, file, "holds no certificate in PEM"));
    }
    Ok(found)
}

/// Whom the system trusts: a hundred and more certificates, so they are read once.
async fn system_roots() -> Result<Arc<RootCertStore>, Trouble> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(Arc::clone(roots));
    }
    let read = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    };
    let roots = tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| RootCertStore::empty());
    if roots.is_empty() {
        return Err(Trouble::credentials(
            "this system trusts nobody to issue certificates: name the issuer with --ca-file",
        ));
    }
    Ok(Arc::clone(ROOTS.get_or_init(|| Arc::new(roots))))
}

impl AsyncRead for Plain {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.socket).poll_read(cx, buf);
        if let Some(first) = buf.filled().get(before).filter(|_| !self.heard) {
            if *first == ALERT {
                self.speaks_tls.store(true, Ordering::Relaxed);
            }
            self.heard = true;
        }
        outcome
    }
}

impl AsyncWrite for Plain {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
