//! Keeps TLS in step with its files.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use crate::clock::SharedClock;
use crate::domain::Time;
use crate::grpc::tls::files::{Built, Contents, Files, Flaw};
use crate::grpc::tls::status::TlsStatus;
use crate::lifecycle::Looks;

/// Between the two readings of files that do not fit together: a certificate and its key are rarely replaced at one instant.
const BREATH: Duration = Duration::from_millis(250);

/// What is in force, and the files it came from.
#[derive(Debug)]
pub struct Keeper {
    files: Files,
    config: Arc<ArcSwap<ServerConfig>>,
    status: Arc<TlsStatus>,
    clock: SharedClock,
    in_force: [u8; 32],
    /// What was last refused: its print, if it could be read, and why. It is complained of once.
    refused: Option<(Option<[u8; 32]>, Flaw)>,
}

/// What a look found.
enum Found {
    Same,
    Other(Box<Built>, [u8; 32]),
    Bad(Option<[u8; 32]>, Flaw),
}

impl Keeper {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// When they cannot be used: the configuration is wrong.
    pub async fn open(files: Files, clock: SharedClock) -> Result<Self, Flaw> {
        let contents = files.read().await?;
        let Built { config, not_after } = files.build(&contents)?;
        told(clock.now(), not_after, &files);
        let config = Arc::new(ArcSwap::from_pointee(config));
        let status = Arc::new(TlsStatus::new(not_after));
        Ok(Self { in_force: contents.print(), files, config, status, clock, refused: None })
    }

    /// What is in force.
    pub fn config(&self) -> Arc<ArcSwap<ServerConfig>> {
        Arc::clone(&self.config)
    }

    /// Counts and values.
    pub fn status(&self) -> Arc<TlsStatus> {
        Arc::clone(&self.status)
    }

    /// Looks at the files when asked to, and again and again.
    pub async fn run(mut self, mut looks: Looks, every: Duration) {
        loop {
            looks.changed(every).await;
            let mut found = self.look().await;
            if matches!(&found, Found::Bad(print, flaw) if !self.knows(*print, flaw)) {
                tokio::time::sleep(BREATH).await;
                found = self.look().await;
            }
            self.follow(found);
        }
    }

    async fn look(&self) -> Found {
        let contents: Contents = match self.files.read().await {
            Ok(contents) => contents,
            Err(flaw) => return Found::Bad(None, flaw),
        };
        let print = contents.print();
        if print == self.in_force {
            return Found::Same;
        }
        match self.files.build(&contents) {
            Ok(built) => Found::Other(Box::new(built), print),
            Err(flaw) => Found::Bad(Some(print), flaw),
        }
    }

    fn knows(&self, print: Option<[u8; 32]>, flaw: &Flaw) -> bool {
        self.refused.as_ref().is_some_and(|known| *known == (print, flaw.clone()))
    }

    fn follow(&mut self, found: Found) {
        match found {
            Found::Same => {
                if self.refused.take().is_some() {
                    self.status.restored();
                    tracing::info!("the files of [tls] hold again what is in force");
                }
            }
            Found::Other(built, print) => {
                let Built { config, not_after } = *built;
                // Connections that are open keep what they began with.
                self.config.store(Arc::new(config));
                (self.in_force, self.refused) = (print, None);
                self.status.took(not_after);
                told(self.clock.now(), not_after, &self.files);
            }
            Found::Bad(print, flaw) if self.knows(print, &flaw) => {}
            Found::Bad(print, flaw) => {
                self.status.refuse();
                tracing::error!("{flaw}; the certificates that were in force stay so");
                self.refused = Some((print, flaw));
            }
        }
    }
}

fn told(now: Time, not_after: i64, files: &Files) {
    let (ends, file) = (Time::from_micros(not_after.saturating_mul(1_000_000)), &files.certificate);
    if ends <= now {
        tracing::warn!(%ends, file, "the certificate in force has ended: clients will refuse it; replace it");
    } else {
        tracing::info!(%ends, file, "certificate in force");
    }
}
