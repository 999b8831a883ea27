//! An issuer's keys as they are fetched in earnest: over TLS, from a host with a certificate of one's own authority, through a
//! proxy.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tonic::{Code, Request};
use wardwatch::wire::pb;
use wardwatch::wire::pb::server_service_client::ServerServiceClient;

use super::jwt::{AUDIENCE, ISSUER, Key, claims, key_set, permissions};
use crate::support::process::{Process, refused, wardwatch};
use crate::support::service::{eventually, within};
use crate::tls::authority::{Authority, Pair};

/// Serves keys over TLS as that pair.
async fn serve(pair: &Pair, keys: String) -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // Whoever does not trust the certificate says so and goes.
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            let mut head = [0; 4_096];
            let _ = socket.read(&mut head).await;
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{keys}", keys.len());
            let _ = socket.write_all(answer.as_bytes()).await;
            let _ = socket.shutdown().await;
        }
    });
    address
}

/// A proxy that knows where a name is that nobody else knows; its address, and how often it was asked for it.
async fn proxy(name: &'static str, to: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut head = [0; 4_096];
            let length = near.read(&mut head).await.unwrap_or_default();
            if head[..length].starts_with(format!("CONNECT {name}:443 ").as_bytes()) {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                let mut far = TcpStream::connect(to).await.unwrap();
                tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
            }
        }
    });
    (address, asked)
}

/// The service with an issuer; more of its environment.
fn start(folder: &Path, permissions: &Path, url: &str, more: &[(&str, &str)]) -> Process {
    let database = format!("sqlite:{}", folder.join("wardwatch.db").display());
    let mut command = wardwatch(&["serve", "--database", &database, "--listen", "127.0.0.1:0"]);
    command.args(["--admin-listen", "127.0.0.1:0"]).env("WARDWATCH__ACCESS__PERMISSIONS_FILE", permissions);
    command.env("WARDWATCH__JWT__ISSUER", ISSUER).env("WARDWATCH__JWT__AUDIENCE", AUDIENCE);
    command.env("WARDWATCH__JWT__JWKS_URL", url);
    for proxy in ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    command.envs(more.iter().copied());
    Process::launch(command)
}

/// As whom a token is let in, or the code with which it is not.
async fn identity(process: &Process, token: &str) -> Result<String, Code> {
    let mut client = ServerServiceClient::connect(format!("http://{}", process.address)).await.unwrap();
    let mut request = Request::new(pb::GetServerInfoRequest {});
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let answer = within(client.get_server_info(request)).await.map_err(|status| status.code())?;
    Ok(answer.into_inner().caller.unwrap().identity)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_issuers_keys_are_taken_over_tls_from_whom_ones_own_authority_certifies_and_from_nobody_else() {
    let (folder, permissions, key) = (tempfile::TempDir::new().unwrap(), permissions(), Key::new("one"));
    permissions.write();
    let (ours, other) = (Authority::new("trust"), Authority::new("other"));
    let at = serve(&ours.server(), key_set(&[&key])).await;
    let url = format!("https://localhost:{}/keys", at.port());
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let (right, wrong) = (file("ca.pem", &ours.pem()), file("other.pem", &other.pem()));
    let with = |ca: &str| start(folder.path(), &permissions.path(), &url, &[("WARDWATCH__JWT__JWKS_CA_FILE", ca)]);
    let process = with(&right);
    assert_eq!(identity(&process, &key.sign(&claims())).await, Ok("rostering".to_owned()));
    process.kill().await;
    let process = with(&wrong);
    assert_eq!(identity(&process, &key.sign(&claims())).await, Err(Code::Unavailable));
    eventually("the log says why", async || process.logged().contains("UnknownIssuer")).await;
    process.kill().await;
    let (code, said) = refused(&[
        "--set",
        &format!("access.permissions_file={}", permissions.path().display()),
        "--set",
        &format!("jwt.issuer={ISSUER}"),
        "--set",
        &format!("jwt.audience={AUDIENCE}"),
        "--set",
        &format!("jwt.jwks_url={url}"),
        "--set",
        &format!("jwt.jwks_ca_file={}", file("empty.pem", "")),
    ]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("jwt: ") && said.contains("empty.pem holds no certificate"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_issuers_keys_are_asked_for_through_the_proxy_of_the_environment() {
    let (folder, permissions, key) = (tempfile::TempDir::new().unwrap(), permissions(), Key::new("one"));
    permissions.write();
    let ours = Authority::new("trust");
    let at = serve(&ours.elsewhere(), key_set(&[&key])).await;
    let (proxy, asked) = proxy("elsewhere.nhs.example", at).await;
    let (proxy, ca) = (format!("http://{proxy}"), folder.path().join("ca.pem").display().to_string());
    std::fs::write(&ca, ours.pem()).unwrap();
    let environment = [("HTTPS_PROXY", proxy.as_str()), ("WARDWATCH__JWT__JWKS_CA_FILE", &ca)];
    let url = "https://elsewhere.nhs.example/keys";
    let process = start(folder.path(), &permissions.path(), url, &environment);
    assert_eq!(identity(&process, &key.sign(&claims())).await, Ok("rostering".to_owned()));
    assert!(asked.load(Ordering::SeqCst) > 0);
    process.kill().await;
}
