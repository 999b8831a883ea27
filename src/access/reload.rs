//! Files that change while the service runs. One with a mistake is refused whole, and the one before stays in force.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use crate::access::{Gate, Permissions};

/// How often something was read anew, well or not.
#[derive(Debug, Default)]
pub struct Reloads {
    /// Taken over.
    pub succeeded: AtomicU64,
    /// Refused.
    pub failed: AtomicU64,
}

/// A file that changed must be the same for so long.
const SETTLED: Duration = Duration::from_millis(250);

/// The permissions file, looked at again and again.
#[derive(Debug)]
pub struct PermissionsFile {
    path: PathBuf,
    /// What was read last, taken over or refused: one mistake is told once.
    read: Result<String, String>,
    /// How it went.
    pub reloads: Arc<Reloads>,
}

impl PermissionsFile {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// One line that names the file and what is wrong with it.
    pub fn open(path: impl Into<PathBuf>) -> Result<(Self, Permissions), String> {
        let path = path.into();
        let text = std::fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let permissions = Permissions::read(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok((Self { path, read: Ok(text), reloads: Arc::default() }, permissions))
    }

    /// Looks whether it changed, and puts what it says in force.
    pub async fn look(&mut self, gate: &Gate) {
        let read = tokio::fs::read_to_string(&self.path).await.map_err(|e| e.to_string());
        if read == self.read {
            return;
        }
        // Somebody may be writing it: half a file may be a right one that allows more.
        sleep(SETTLED).await;
        if tokio::fs::read_to_string(&self.path).await.map_err(|e| e.to_string()) != read {
            return;
        }
        let path = self.path.display();
        let taken = read.clone().and_then(|text| Permissions::read(&text).map_err(|e| e.to_string()));
        match taken {
            Ok(permissions) => {
                let identities = permissions.count();
                gate.replace(permissions);
                self.reloads.succeeded.fetch_add(1, Ordering::Relaxed);
                tracing::info!(%path, identities, "the permissions changed");
            }
            Err(error) => {
                self.reloads.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%path, error, "the permissions file is refused; the one before stays in force");
            }
        }
        self.read = read;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{NewToken, Shown};
    use crate::clock::SystemClock;

    fn file_for(made: &NewToken, role: &str) -> String {
        let NewToken { id, sha256, .. } = made;
        format!(
            "[[identity]]\nname = \"wall\"\ntokens = [{{ id = \"{id}\", sha256 = \"{sha256}\" }}]\n\
             roles = [\"{role}\"]\norganisations = [\"*\"]\n"
        )
    }

    #[tokio::test]
    async fn a_file_with_a_mistake_is_counted_and_the_one_before_stays_in_force() {
        let (made, path) = (NewToken::make(), tempfile::NamedTempFile::new().unwrap());
        std::fs::write(path.path(), file_for(&made, "subscriber")).unwrap();
        let (mut file, permissions) = PermissionsFile::open(path.path()).unwrap();
        let gate = Gate::guarded(permissions, None, Arc::new(SystemClock::default()));
        let authorization = Some(format!("Bearer {}", made.token));
        let shown = || Shown { certificate: None, authorization: authorization.clone() };
        let counts = |file: &PermissionsFile| {
            (file.reloads.succeeded.load(Ordering::Relaxed), file.reloads.failed.load(Ordering::Relaxed))
        };
        file.look(&gate).await;
        assert_eq!(counts(&file), (0, 0), "nothing changed");
        let caller = gate.admit(shown()).await.unwrap();
        for mistake in [file_for(&made, "boss"), String::from("[[identity]")] {
            std::fs::write(path.path(), mistake).unwrap();
            file.look(&gate).await;
            file.look(&gate).await;
        }
        std::fs::remove_file(path.path()).unwrap();
        file.look(&gate).await;
        assert_eq!(counts(&file), (0, 3), "each mistake once");
        assert!(caller.still().is_ok() && gate.admit(shown()).await.is_ok());
        std::fs::write(path.path(), file_for(&made, "auditor")).unwrap();
        file.look(&gate).await;
        assert_eq!(counts(&file), (1, 3));
        assert_eq!(caller.still(), Err(crate::access::Refused::Withdrawn), "it is a subscriber no longer");
        std::fs::write(path.path(), "").unwrap();
        file.look(&gate).await;
        assert_eq!(gate.admit(shown()).await.unwrap_err(), crate::access::Refused::UnknownToken);
    }
}
