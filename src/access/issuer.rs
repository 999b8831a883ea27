//! Tokens of an issuer (JWT, RFC 7519 and 8725): which algorithms are taken is for the configuration to say, never for the
//! token.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;

use crate::access::refusal::Denied;
use crate::access::{Keys, Refused};
use crate::domain::{Span, Time};

/// What a token must be.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// Its `iss`.
    pub issuer: String,
    /// One of its `aud`.
    pub audience: String,
    /// Algorithms taken, by name.
    pub algorithms: Vec<String>,
    /// By how much the issuer's clock may differ from ours.
    pub leeway: Span,
}

/// An issuer whose tokens are taken.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    audience: String,
    algorithms: Vec<Algorithm>,
    leeway: Span,
    /// Its keys.
    pub keys: Keys,
}

/// What is read of a token. Times are seconds since 1970, perhaps with a fraction (RFC 7519 section 2).
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
}

/// An authentic token: whose, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// `sub`.
    pub subject: String,
    /// `exp`, and the leeway.
    pub expires: Time,
}

impl Issuer {
    /// An issuer with keys of its own.
    ///
    /// # Errors
    /// When an algorithm's name is not one.
    pub fn new(settings: IssuerSettings, keys: Keys) -> Result<Self, String> {
        let IssuerSettings { issuer, audience, algorithms, leeway } = settings;
        let known = |name: &String| name.parse().map_err(|_| format!("'{name}' is not an algorithm"));
        let algorithms = algorithms.iter().map(known).collect::<Result<_, _>>()?;
        Ok(Self { name: issuer, audience, algorithms, leeway, keys })
    }

    /// Checks a token: its algorithm, signature, issuer, audience and times.
    ///
    /// # Errors
    /// The first of these that is wrong.
    pub(super) async fn prove(&self, token: &str, now: Time) -> Result<Proven, Denied> {
        let header: Header = decode_header(token).map_err(|e| refused(e.kind()))?;
        if !self.algorithms.contains(&header.alg) {
            return Err(Refused::Algorithm.into());
        }
        let key = self.keys.find(header.kid.as_deref()).await;
        let key = key.ok_or_else(|| if self.keys.any() { Refused::UnknownKey } else { Refused::NoKeys })?;
        let fits = key.common.key_algorithm.is_none_or(|of| Algorithm::try_from(of).is_ok_and(|of| of == header.alg));
        let key = DecodingKey::from_jwk(&key).map_err(|_| Refused::UnknownKey)?;
        if !fits || key.family() != header.alg.family() {
            return Err(Refused::Algorithm.into());
        }
        let claims = decode::<Claims>(token, &key, &self.validation(header.alg)).map_err(|e| refused(e.kind()))?.claims;
        self.timely(claims, now)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&self.name]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library would ask the system's clock; ours is the database's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }

    fn timely(&self, claims: Claims, now: Time) -> Result<Proven, Denied> {
        let Claims { sub: subject, exp, nbf } = claims;
        let expires = instant(exp)? + self.leeway;
        if expires <= now {
            return Err(Refused::Expired.of(subject));
        }
        if nbf.map(instant).transpose()?.is_some_and(|from| from > now + self.leeway) {
            return Err(Refused::NotYetValid.of(subject));
        }
        Ok(Proven { subject, expires })
    }
}

/// Seconds as an instant; those of the far past and future are no time.
fn instant(seconds: f64) -> Result<Time, Refused> {
    const YEAR_9999: f64 = 253_402_300_799.0;
    if !(0.0..YEAR_9999).contains(&seconds) {
        return Err(Refused::Malformed);
    }
    #[expect(clippy::cast_possible_truncation, reason = "below the year 9999, and whole microseconds are enough")]
    let micros = (seconds * 1e6) as i64;
    Ok(Time::from_micros(micros))
}

fn refused(kind: &ErrorKind) -> Refused {
    match kind {
        ErrorKind::InvalidSignature => Refused::Signature,
        ErrorKind::InvalidIssuer => Refused::Issuer,
        ErrorKind::InvalidAudience => Refused::Audience,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => {
            Refused::Algorithm
        }
        _ => Refused::Malformed,
    }
}
