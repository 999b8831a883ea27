//! Tokens of an issuer: right ones, and every way in which one can be wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tonic::{Code, Status};
use wardwatch::clock::SystemClock;
use wardwatch::domain::Clock;
use wardwatch::wire::pb;

use super::rig::{Guarded, Permissions};
use crate::support::hospital::reason;
use crate::support::service::within;

pub const ISSUER: &str = "https://id.example.nhs.uk";
pub const AUDIENCE: &str = "wardwatch";

/// A key of the issuer.
pub struct Key {
    id: String,
    secret: EncodingKey,
}

impl Key {
    pub fn new(id: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        Self { id: id.to_owned(), secret: EncodingKey::from_ec_der(&pair.serialize_der()) }
    }
    fn public(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.secret, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.id.clone());
        jwk
    }
    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.secret).unwrap()
    }
}

fn now() -> i64 {
    SystemClock::default().now().as_micros() / 1_000_000
}

pub fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "rostering", "exp": now() + 300, "nbf": now() - 10})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

pub fn key_set(keys: &[&Key]) -> String {
    serde_json::to_string(&JwkSet { keys: keys.iter().map(|k| k.public()).collect() }).unwrap()
}

pub fn permissions() -> Permissions {
    let mut permissions = Permissions::new();
    permissions.add("rostering", "subjects = [\"rostering\"]", "reporter", "RJ1", "");
    permissions
}

async fn guarded_by_file(keys: &str) -> (Guarded, TempDir) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, keys).unwrap();
    let guarded = Guarded::start_with(permissions(), |settings| {
        settings.jwt.issuer = ISSUER.into();
        settings.jwt.audience = AUDIENCE.into();
        settings.jwt.algorithms = "ES256 RS256".into();
        settings.jwt.jwks_file = path.display().to_string();
    });
    (guarded.await, folder)
}

async fn identity(guarded: &Guarded, token: &str) -> Result<String, Status> {
    let answer = within(guarded.by(token).await.info().get_server_info(pb::GetServerInfoRequest {})).await?;
    Ok(answer.into_inner().caller.unwrap().identity)
}

async fn refused(guarded: &Guarded, token: &str) -> (Code, String) {
    let status = identity(guarded, token).await.unwrap_err();
    (status.code(), reason(&status))
}

#[tokio::test]
async fn a_right_token_of_the_issuer_is_let_in_and_every_wrong_one_is_not() {
    let (key, other) = (Key::new("one"), Key::new("one"));
    let (guarded, _folder) = guarded_by_file(&key_set(&[&key])).await;
    assert_eq!(identity(&guarded, &key.sign(&claims())).await.unwrap(), "rostering");
    assert_eq!(identity(&guarded, &key.sign(&with("aud", json!(["x", AUDIENCE])))).await.unwrap(), "rostering");
    let within_leeway = key.sign(&with("exp", json!(now() - 30)));
    assert_eq!(identity(&guarded, &within_leeway).await.unwrap(), "rostering", "clocks may differ by 60 s");

    let invalid = (Code::Unauthenticated, "CREDENTIALS_INVALID".to_owned());
    let good = key.sign(&claims());
    let parts: Vec<_> = good.split('.').collect();
    let (header, body, signature) = (parts[0], parts[1], parts[2]);
    let unsigned = |alg: &str| {
        let header = json!({"alg": alg, "typ": "JWT", "kid": "one"}).to_string();
        format!("{}.{body}.", base64(header.as_bytes()))
    };
    // A public key taken for a shared secret, the oldest trick with JWT.
    let confused = {
        let secret = EncodingKey::from_secret(key_set(&[&key]).as_bytes()).unwrap();
        let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims(), &secret).unwrap()
    };
    let unknown_key = Key { id: "two".into(), secret: key.secret.clone() };
    for (what, token, expected) in [
        ("expired", key.sign(&with("exp", json!(now() - 120))), (Code::Unauthenticated, "TOKEN_EXPIRED".to_owned())),
        ("not yet valid", key.sign(&with("nbf", json!(now() + 120))), invalid.clone()),
        ("of another issuer", key.sign(&with("iss", json!("https://evil.example"))), invalid.clone()),
        ("for another audience", key.sign(&with("aud", json!("other"))), invalid.clone()),
        ("without an audience", key.sign(&with("aud", Value::Null)), invalid.clone()),
        ("without an end", key.sign(&with("exp", Value::Null)), invalid.clone()),
        ("with an end that is no number", key.sign(&with("exp", json!("tomorrow"))), invalid.clone()),
        ("without a subject", key.sign(&with("sub", Value::Null)), invalid.clone()),
        ("signed by another key of that name", other.sign(&claims()), invalid.clone()),
        ("signed by a key nobody knows", unknown_key.sign(&claims()), invalid.clone()),
        ("alg none", unsigned("none"), invalid.clone()),
        ("alg NONE", unsigned("NONE"), invalid.clone()),
        ("signed with the public key as a secret", confused, invalid.clone()),
        (
            "tampered",
            format!("{header}.{}.{signature}", base64(with("sub", json!("root")).to_string().as_bytes())),
            invalid.clone(),
        ),
        ("cut off", format!("{header}.{body}"), invalid.clone()),
        ("no token", "x.y.z".to_owned(), invalid.clone()),
        (
            "authentic, of one who is not listed",
            key.sign(&with("sub", json!("somebody"))),
            (Code::PermissionDenied, "PERMISSION_DENIED".to_owned()),
        ),
    ] {
        assert_eq!(refused(&guarded, &token).await, expected, "{what}");
    }
}

#[tokio::test]
async fn an_algorithm_that_is_not_configured_is_refused_however_good_the_signature() {
    let key = Key::new("one");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, key_set(&[&key])).unwrap();
    let guarded = Guarded::start_with(permissions(), |settings| {
        settings.jwt.issuer = ISSUER.into();
        settings.jwt.audience = AUDIENCE.into();
        settings.jwt.algorithms = "RS512".into();
        settings.jwt.jwks_file = path.display().to_string();
    })
    .await;
    assert_eq!(refused(&guarded, &key.sign(&claims())).await.0, Code::Unauthenticated);
}

#[tokio::test]
async fn without_an_issuer_no_token_of_one_is_taken() {
    let guarded = Guarded::start(permissions()).await;
    assert_eq!(refused(&guarded, &Key::new("one").sign(&claims())).await.0, Code::Unauthenticated);
}

/// An issuer that serves its keys over HTTP.
struct Served {
    keys: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
    url: String,
}

impl Served {
    async fn new(keys: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let (keys, asked) = (Arc::new(Mutex::new(keys)), Arc::new(AtomicUsize::new(0)));
        let (shown, counted) = (Arc::clone(&keys), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = [0; 4_096];
                let _ = socket.read(&mut head).await;
                counted.fetch_add(1, Ordering::SeqCst);
                let body = shown.lock().await.clone();
                let status = if body.is_empty() { "503 Service Unavailable" } else { "200 OK" };
                let answer =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        Self { keys, asked, url }
    }
    async fn guard(&self) -> Guarded {
        let url = self.url.clone();
        Guarded::start_with(permissions(), |settings| {
            settings.jwt.issuer = ISSUER.into();
            settings.jwt.audience = AUDIENCE.into();
            settings.jwt.algorithms = "ES256".into();
            settings.jwt.jwks_url = url;
        })
        .await
    }
}

#[tokio::test]
async fn a_new_key_of_the_issuer_is_asked_for_when_a_token_names_it_and_not_for_every_stranger() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = Served::new(key_set(&[&old])).await;
    let guarded = issuer.guard().await;
    assert!(identity(&guarded, &old.sign(&claims())).await.is_ok());
    *issuer.keys.lock().await = key_set(&[&old, &new]);
    assert!(identity(&guarded, &new.sign(&claims())).await.is_ok(), "the key was looked up");
    let asked = issuer.asked.load(Ordering::SeqCst);
    for n in 0..20 {
        let stranger = Key::new(&format!("stranger-{n}"));
        assert_eq!(refused(&guarded, &stranger.sign(&claims())).await.0, Code::Unauthenticated);
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), asked, "at most once a minute");
}

#[tokio::test]
async fn an_issuer_that_is_away_at_the_start_keeps_nobody_else_out() {
    let issuer = Served::new(String::new()).await;
    let guarded = issuer.guard().await;
    assert!(identity(&guarded, &guarded.root).await.is_ok(), "tokens of our own need no issuer");
    let key = Key::new("one");
    let token = key.sign(&claims());
    assert_eq!(refused(&guarded, &token).await, (Code::Unavailable, "AUTHENTICATION_UNAVAILABLE".to_owned()));
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * n) & 63) as usize]));
        }
    }
    text
}
