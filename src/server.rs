//! Composition root. A placeholder with the final signatures, replaced when the branches meet.

use std::net::SocketAddr;

use crate::clock::SharedClock;
use crate::config::Settings;

/// A service that runs.
#[derive(Debug)]
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where the admin port listens.
    pub admin_address: SocketAddr,
}

/// Why the service cannot start or had to stop.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl StartError {
    /// Whether the configuration is at fault.
    pub fn is_configuration(&self) -> bool {
        false
    }
}

/// Starts the service.
#[expect(clippy::unused_async, reason = "replaced at the merge")]
pub async fn start(_settings: &Settings, _clock: SharedClock) -> Result<Running, StartError> {
    Err(StartError("the service is on another branch".into()))
}

impl Running {
    /// Begins to drain.
    pub fn drain(&self) {}
    /// Waits until nothing is under way.
    #[expect(clippy::unused_async, reason = "replaced at the merge")]
    pub async fn settled(&self) {}
    /// Waits for the end.
    #[expect(clippy::unused_async, reason = "replaced at the merge")]
    pub async fn wait(self) -> Result<(), StartError> {
        Ok(())
    }
}
