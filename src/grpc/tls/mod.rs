//! TLS on our own connections: one configuration in force, replaced as a whole when its files change, and a bounded number of
//! handshakes.

mod files;
mod handshake;
mod keeper;
mod status;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;

pub use files::{Files, Flaw};
pub use keeper::Keeper;
pub use status::{Reason, TlsStatus};

use turns::Turns;

/// HTTP/2 as ALPN names it (RFC 9113 section 3.2).
const H2: &[u8] = b"h2";

/// Makes sockets secure, with what is in force when they come.
#[derive(Debug)]
pub struct Tls {
    config: Arc<ArcSwap<ServerConfig>>,
    status: Arc<TlsStatus>,
    turns: Turns,
    timeout: Duration,
}

impl Tls {
    /// With what `keeper` keeps: at most `handshakes` at a time, each within `timeout`.
    pub fn new(keeper: &Keeper, handshakes: usize, timeout: Duration) -> Self {
        Self { config: keeper.config(), status: keeper.status(), turns: Turns::new(handshakes), timeout }
    }
}
