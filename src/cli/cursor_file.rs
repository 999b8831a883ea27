use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::Failure;

/// Where a subscriber keeps how far it has come: one line of hexadecimal. Replaced by rename, so that it is never
/// half-written.
#[derive(Debug)]
pub(super) struct CursorFile {
    path: PathBuf,
    next: PathBuf,
}

impl CursorFile {
    pub(super) fn new(path: &Path) -> Self {
        let mut next = path.as_os_str().to_owned();
        next.push(".next");
        Self { path: path.to_owned(), next: next.into() }
    }

    /// The cursor kept; `None` when there is no file yet.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, Failure> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Failure::failed(format!("cannot read {}: {e}", self.path.display()))),
        };
        let bytes = hex::decode(text.trim_ascii()).ok();
        let damaged = || {
            let path = self.path.display();
            Failure::failed(format!("{path} does not hold a cursor: name another file, or remove it to start from now"))
        };
        bytes.filter(|b| !b.is_empty()).map(Some).ok_or_else(damaged)
    }

    /// Keeps a cursor. What comes before it must already be with the reader.
    pub(super) fn write(&self, cursor: &[u8]) -> Result<(), Failure> {
        let write = || {
            let mut file = fs::File::create(&self.next)?;
            writeln!(file, "{}", hex::encode(cursor))?;
            file.sync_data()?;
            fs::rename(&self.next, &self.path)
        };
        write().map_err(|e| Failure::failed(format!("cannot write {}: {e}", self.path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_kept_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = CursorFile::new(&folder.path().join("cursor"));
        assert_eq!(file.read().unwrap(), None);
        file.write(&[0, 255, 16]).unwrap();
        file.write(&[1, 2]).unwrap();
        assert_eq!(file.read().unwrap(), Some(vec![1, 2]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_damaged_cursor_is_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor");
        for text in [&b""[..], b"xyz", b"abc", b"\xff\x00"] {
            fs::write(&path, text).unwrap();
            assert!(CursorFile::new(&path).read().unwrap_err().message().contains("does not hold a cursor"));
        }
    }
}
