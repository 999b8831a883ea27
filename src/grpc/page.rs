//! Pages: their size, and tokens that are opaque, checked, and tied to the request they continue (AIP-158).

use sha2::{Digest, Sha256};

use crate::grpc::status::Problem;

/// Page size when none is asked for.
const USUAL: u32 = 50;
/// The largest page; more is cut to this.
const MOST: u32 = 1_000;
/// Bytes of SHA-256 that tie a token to its request.
const SEAL: usize = 8;

/// How many rows a page has: 50 by default, 1,000 at most.
pub fn size(asked: i32) -> Result<u32, Problem> {
    match u32::try_from(asked) {
        Ok(0) => Ok(USUAL),
        Ok(n) => Ok(n.min(MOST)),
        Err(_) => Err(Problem::field("page_size", format!("{asked} is negative; leave it out for {USUAL}"))),
    }
}

/// A token that goes on from `state`. `method` and `scope`, the encoded request without page size and token, say what
/// for.
pub fn token(method: &str, scope: &[u8], state: &[u8]) -> String {
    hex::encode([&seal(method, scope, state)[..], state].concat())
}

/// The state in a token; `None` if the request has none, for that is the first page.
pub fn state(method: &str, scope: &[u8], token: &str) -> Result<Option<Vec<u8>>, Problem> {
    if token.is_empty() {
        return Ok(None);
    }
    let bytes = hex::decode(token).ok().filter(|b| b.len() >= SEAL);
    let state = bytes.and_then(|b| (seal(method, scope, &b[SEAL..]) == b[..SEAL]).then(|| b[SEAL..].to_vec()));
    let remedy = "is not the token of a page before with the same other fields; leave it out to start again";
    state.map(Some).ok_or_else(|| Problem::field("page_token", remedy))
}

fn seal(method: &str, scope: &[u8], state: &[u8]) -> [u8; SEAL] {
    let mut hash = Sha256::new();
    for part in [method.as_bytes(), scope, state] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    std::array::from_fn({
        let digest = hash.finalize();
        move |i| digest[i]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_fifty_rows_unless_asked_and_a_thousand_at_most() {
        assert_eq!([0, 1, 1_000, 5_000].map(|n| size(n).unwrap()), [50, 1, 1_000, 1_000]);
        assert!(size(-1).is_err());
    }

    #[test]
    fn a_token_continues_the_request_it_was_made_for_and_no_other() {
        let token = token("ListAlerts", b"open", b"after 7");
        assert_eq!(state("ListAlerts", b"open", &token).unwrap().unwrap(), b"after 7");
        assert_eq!(state("ListAlerts", b"open", "").unwrap(), None);
        for (method, scope, token) in [
            ("ListWards", "open", token.as_str()),
            ("ListAlerts", "closed", &token),
            ("ListAlerts", "open", &token[1..]),
            ("ListAlerts", "open", &token[2..]),
            ("ListAlerts", "open", "0"),
            ("ListAlerts", "open", "zz"),
        ] {
            assert!(state(method, scope.as_bytes(), token).is_err(), "{method} {scope} {token}");
        }
    }
}
