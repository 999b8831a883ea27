//! Pages that go on after a key, and carry the cursor read before the first of them.

use bytes::Bytes;

use crate::feed::cursor;
use crate::grpc::page;
use crate::grpc::status::Problem;
use crate::store::Store;

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    method: &'static str,
    scope: String,
    limit: u32,
    /// The cursor read before the first page.
    pub cursor: Bytes,
    /// Go on after this key.
    pub after: Option<String>,
}

impl Page {
    /// Reads size and token; `scope` is what else the request says, so that a token goes on from the same request.
    ///
    /// # Errors
    /// A negative size, a token that is not of this request, or storage away.
    pub async fn open(
        method: &'static str,
        scope: String,
        size: i32,
        token: &str,
        store: &dyn Store,
    ) -> Result<Self, Problem> {
        let limit = page::size(size)?;
        if let Some(state) = page::state(method, scope.as_bytes(), token)? {
            let (cursor, key) = parts(&state).ok_or_else(|| Problem::field("page_token", "is damaged"))?;
            return Ok(Self { method, scope, limit, cursor, after: Some(key) });
        }
        let head = store.head().await?;
        Ok(Self { method, scope, limit, cursor: cursor::encode(head.log_id, head.point), after: None })
    }

    /// Most rows of it.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// The token of the next page; empty when this one was not full.
    pub fn next(&self, rows: usize, last: Option<String>) -> String {
        match last {
            Some(key) if rows >= self.limit as usize => {
                let length = u8::try_from(self.cursor.len()).unwrap_or(u8::MAX);
                let state = [&[length], &self.cursor[..], key.as_bytes()].concat();
                page::token(self.method, self.scope.as_bytes(), &state)
            }
            _ => String::new(),
        }
    }
}

fn parts(state: &[u8]) -> Option<(Bytes, String)> {
    let (length, rest) = state.split_first()?;
    let (cursor, key) = rest.split_at_checked(usize::from(*length))?;
    Some((Bytes::copy_from_slice(cursor), String::from_utf8(key.to_vec()).ok()?))
}
