//! Cursors: opaque to clients, a place in one log's one history to us.

use bytes::{BufMut, Bytes, BytesMut};
use sha2::{Digest, Sha256};

use crate::store::LogPoint;

/// Form of the bytes; another one is malformed to this version.
const VERSION: u8 = 1;
/// Version, log id, position, tag.
const BODY: usize = 1 + 3 * 8;
/// Bytes of SHA-256 that tell a damaged cursor.
const CHECK: usize = 4;

/// The cursor that resumes after `point` of the log `log_id`.
pub fn encode(log_id: i64, point: LogPoint) -> Bytes {
    let mut out = BytesMut::with_capacity(BODY + CHECK);
    out.put_u8(VERSION);
    out.put_i64(log_id);
    out.put_i64(point.position);
    out.put_i64(point.tag);
    let check = Sha256::digest(&out);
    out.put_slice(&check[..CHECK]);
    out.freeze()
}

/// The log id and place of a cursor; `None` if this service never made it, or it was damaged on the way.
pub fn decode(cursor: &[u8]) -> Option<(i64, LogPoint)> {
    let (body, check) = cursor.split_at_checked(BODY)?;
    if body[0] != VERSION || check != &Sha256::digest(body)[..CHECK] {
        return None;
    }
    let number = |i: usize| body[1 + i * 8..][..8].try_into().map(i64::from_be_bytes).ok();
    Some((number(0)?, LogPoint { position: number(1)?, tag: number(2)? }))
}

/// A log's id as people and clients see it.
pub fn log_name(log_id: i64) -> String {
    format!("{log_id:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back_as_it_was_made(log_id: i64, position: i64, tag: i64) {
            let point = LogPoint { position, tag };
            prop_assert_eq!(decode(&encode(log_id, point)), Some((log_id, point)));
        }
        #[test]
        fn a_cursor_with_one_bit_turned_is_malformed(position: i64, bit in 0..(BODY + CHECK) * 8) {
            let mut cursor = encode(7, LogPoint { position, tag: 9 }).to_vec();
            cursor[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(decode(&cursor), None);
        }
    }

    #[test]
    fn a_cursor_cut_short_or_grown_is_malformed() {
        let cursor = encode(1, LogPoint::default());
        assert!((0..cursor.len()).all(|n| decode(&cursor[..n]).is_none()));
        assert_eq!(decode(&[&cursor[..], b"x"].concat()), None);
    }
}
