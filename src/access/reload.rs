//! Files that change while the service runs. One with a mistake is refused whole, and the one before stays in force.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

use crate::access::{Gate, Permissions};

/// A file that changed must be the same for so long.
const SETTLED: Duration = Duration::from_millis(250);

/// The permissions file, looked at again and again.
#[derive(Debug)]
pub struct PermissionsFile {
    path: PathBuf,
    /// What was read last, taken over or refused: one mistake is told once.
    read: Result<String, String>,
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
        Ok((Self { path, read: Ok(text) }, permissions))
    }

    /// Looks whether it changed, and puts what it says in force. Returns whether it was taken over or refused, if it changed.
    pub async fn look(&mut self, gate: &Gate) -> Option<bool> {
        let read = tokio::fs::read_to_string(&self.path).await.map_err(|e| e.to_string());
        if read == self.read {
            return None;
        }
        // Somebody may be writing it: half a file may be a right one that allows more.
        sleep(SETTLED).await;
        if tokio::fs::read_to_string(&self.path).await.map_err(|e| e.to_string()) != read {
            return None;
        }
        let path = self.path.display();
        let taken = read.clone().and_then(|text| Permissions::read(&text).map_err(|e| e.to_string()));
        let well = taken.is_ok();
        match taken {
            Ok(permissions) => {
                let identities = permissions.count();
                gate.replace(permissions);
                tracing::info!(%path, identities, "the permissions changed");
            }
            Err(error) => {
                tracing::error!(%path, error, "the permissions file is refused; the one before stays in force");
            }
        }
        self.read = read;
        Some(well)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
    async fn a_file_with_a_mistake_is_told_once_and_the_one_before_stays_in_force() {
        let (made, path) = (NewToken::make(), tempfile::NamedTempFile::new().unwrap());
        std::fs::write(path.path(), file_for(&made, "subscriber")).unwrap();
        let (mut file, permissions) = PermissionsFile::open(path.path()).unwrap();
        let gate = Gate::guarded(permissions, None, Arc::new(SystemClock::default()));
        let authorization = Some(format!("Bearer {}", made.token));
        let shown = || Shown { authorization: authorization.clone(), ..Shown::default() };
        assert_eq!(file.look(&gate).await, None, "nothing changed");
        let caller = gate.admit(shown(), "Subscribe").await.unwrap();
        for mistake in [file_for(&made, "boss"), String::from("[[identity]")] {
            std::fs::write(path.path(), mistake).unwrap();
            assert_eq!(file.look(&gate).await, Some(false));
            assert_eq!(file.look(&gate).await, None, "each mistake once");
        }
        std::fs::remove_file(path.path()).unwrap();
        assert_eq!(file.look(&gate).await, Some(false));
        assert!(caller.still().is_ok() && gate.admit(shown(), "Subscribe").await.is_ok());
        std::fs::write(path.path(), file_for(&made, "auditor")).unwrap();
        assert_eq!(file.look(&gate).await, Some(true));
        assert_eq!(caller.still(), Err(crate::access::Refused::Withdrawn), "it is a subscriber no longer");
        std::fs::write(path.path(), "").unwrap();
        file.look(&gate).await;
        assert_eq!(gate.admit(shown(), "Subscribe").await.unwrap_err(), crate::access::Refused::UnknownToken);
    }
}
