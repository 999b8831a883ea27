//! What a connection's TLS handshake proved of its client.

use std::sync::Arc;

/// A client certificate that was checked against the configured authorities; an extension of each request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its names: `URI:`, `DNS:` and `CN:`, each followed by the name.
    pub names: Arc<[String]>,
    /// Its end, in seconds since 1970.
    pub not_after: i64,
}
