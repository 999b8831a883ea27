use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};
use tracing::warn;

use super::Error;

/// Sends the token of a file with every call. The file is read for each, so that a new token is in force at once: a token ends
/// while the connection goes on.
#[derive(Clone)]
pub struct Bearer {
    file: Option<PathBuf>,
    last: Arc<Mutex<Option<MetadataValue<Ascii>>>>,
}

impl Bearer {
    /// Reads the file for the first time; without one no token is sent.
    pub(super) fn open(file: Option<PathBuf>) -> Result<Self, Error> {
        let bearer = Self { file, last: Arc::default() };
        if let Some(file) = &bearer.file {
            let token = read(file).map_err(Error::Credentials)?;
            *bearer.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        }
        Ok(bearer)
    }

    /// The token of now; when it cannot be read, the one before: its file may be just being replaced.
    fn token(&self) -> Option<MetadataValue<Ascii>> {
        let file = self.file.as_ref()?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match read(file) {
            Ok(token) => *last = Some(token),
            Err(why) => warn!("{why}: the token read before is used"),
        }
        last.clone()
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = self.token() {
            request.metadata_mut().insert("authorization", token);
        }
        Ok(request)
    }
}

/// Names the file and never the token.
impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("file", &self.file).finish_non_exhaustive()
    }
}

fn read(file: &PathBuf) -> Result<MetadataValue<Ascii>, String> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|e| format!("--token-file: {name}: cannot be read: {e}"))?;
    let token = text.trim();
    let fit = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    let value = fit.then(|| MetadataValue::try_from(format!("Bearer {token}")).ok()).flatten();
    let mut value = value.ok_or_else(|| format!("--token-file: {name}: is no token: write one line without spaces"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(bearer: &mut Bearer) -> Option<String> {
        let request = bearer.call(Request::new(())).unwrap();
        assert!(!format!("{request:?} {bearer:?}").contains("ww_"), "a token is not shown");
        request.metadata().get("authorization").map(|v| v.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_new_token_is_sent_with_the_next_call_and_the_old_one_until_it_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        assert!(matches!(Bearer::open(Some(file.clone())), Err(Error::Credentials(_))));
        fs::write(&file, "ww_first\n").unwrap();
        let mut bearer = Bearer::open(Some(file.clone())).unwrap();
        assert_eq!(sent(&mut bearer).as_deref(), Some("Bearer ww_first"));
        fs::write(&file, "ww_second").unwrap();
        assert_eq!(sent(&mut bearer).as_deref(), Some("Bearer ww_second"));
        for unfit in ["", "ww_third and more", "ww_thírd"] {
            fs::write(&file, unfit).unwrap();
            assert_eq!(sent(&mut bearer).as_deref(), Some("Bearer ww_second"));
            assert!(Bearer::open(Some(file.clone())).unwrap_err().to_string().contains("is no token"));
        }
        assert_eq!(sent(&mut Bearer::open(None).unwrap()), None);
    }
}
