use sha2::{Digest as _, Sha256};

use crate::feed::cursor::{decode, encode};

/// Version, log id, position, tag.
const BODY: usize = 25;

/// What decodes encodes to the same bytes; and since no mutation finds a SHA-256, a checksum is put under the input too:
/// then it decodes if and only if it is a body of version 1, and not with a byte damaged, missing or added.
///
/// # Panics
/// If not.
pub fn cursor(bytes: &[u8]) {
    if let Some((log_id, point)) = decode(bytes) {
        assert_eq!(encode(log_id, point), bytes, "a cursor has one form");
    }
    let sealed = [bytes, &Sha256::digest(bytes)[..4]].concat();
    let Some((log_id, point)) = decode(&sealed) else {
        assert!(bytes.len() != BODY || bytes[0] != 1, "a body of this version with its checksum is a cursor");
        return;
    };
    assert!(bytes.len() == BODY && bytes[0] == 1, "and nothing else is");
    assert_eq!(encode(log_id, point), sealed);
    for place in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[place] ^= 1 << (place % 8);
        assert_eq!(decode(&damaged), None, "byte {place} is damaged");
        assert_eq!(decode(&sealed[..place]), None, "cut after {place} bytes");
    }
    assert_eq!(decode(&[&sealed[..], b"\0"].concat()), None, "a byte too many");
}
