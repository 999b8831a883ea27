use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// What every token of ours begins with, so that scanners for leaked secrets can be taught it.
const PREFIX: &str = "ww_";
/// Hexadecimal digits of its id.
const ID: usize = 12;
/// Hexadecimal digits of its secret: 244 random bits (two random UUIDs).
const SECRET: usize = 64;

/// A token as a caller shows it: `ww_{id}_{secret}`. Its id may be logged, its secret never.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Tells which it is.
    pub id: String,
    digest: [u8; 32],
}

/// A token that was just made, shown once and not kept.
#[derive(Clone, PartialEq, Eq)]
pub struct NewToken {
    /// For the caller.
    pub token: String,
    /// Its id.
    pub id: String,
    /// SHA-256 of the token in hexadecimal: all that the permissions file needs. A secret this long needs no slow hash.
    pub sha256: String,
}

impl Token {
    /// Whether it is the token of a hash; in the same time however much of it agrees.
    pub fn is(&self, sha256: &[u8; 32]) -> bool {
        self.digest.ct_eq(sha256).into()
    }
    /// Whether a text means to be one.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }
}

impl NewToken {
    /// Makes one from the operating system's randomness.
    pub fn make() -> Self {
        let random = || Uuid::new_v4().simple().to_string();
        let id = random()[..ID].to_owned();
        let token = format!("{PREFIX}{id}_{}{}", random(), random());
        Self { sha256: hex::encode(Sha256::digest(&token)), token, id }
    }
}

impl FromStr for Token {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (id, secret) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(())?;
        let fits = |part: &str, digits| part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit());
        if !fits(id, ID) || !fits(secret, SECRET) {
            return Err(());
        }
        Ok(Self { id: id.to_owned(), digest: Sha256::digest(text).into() })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({PREFIX}{}_***)", self.id)
    }
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewToken({PREFIX}{}_***)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_known_by_its_hash_and_by_no_other() {
        let (made, other) = (NewToken::make(), NewToken::make());
        let token: Token = made.token.parse().unwrap();
        let hash = |made: &NewToken| <[u8; 32]>::try_from(hex::decode(&made.sha256).unwrap()).unwrap();
        assert!(token.is(&hash(&made)) && !token.is(&hash(&other)));
        assert_eq!(token.id, made.id);
        let altered = made.token.replace(&made.token[made.token.len() - 1..], "0");
        assert!(altered == made.token || !altered.parse::<Token>().is_ok_and(|t| t.is(&hash(&made))));
    }

    #[test]
    fn a_secret_is_in_no_debug_print() {
        let made = NewToken::make();
        let secret = made.token.rsplit('_').next().unwrap();
        let token: Token = made.token.parse().unwrap();
        assert!(!format!("{made:?} {token:?}").contains(secret));
    }

    #[test]
    fn what_is_no_token_of_ours_is_told() {
        for text in ["", "ww_", "ww_abc_def", "eyJhbGciOi", "ww_0123456789ab_"] {
            assert_eq!(text.parse::<Token>(), Err(()), "{text}");
        }
    }
}
