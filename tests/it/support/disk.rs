//! A disk that can be full.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A small file system in memory; `None`, said aloud, where nobody may mount one.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounted over an empty folder.
    pub fn mount(folder: TempDir, megabytes: u32) -> Option<Self> {
        if !rustix::process::getuid().is_root() {
            eprintln!("NOT TESTED ON A FULL DISK: only root may mount one");
            return None;
        }
        let size = format!("size={megabytes}m,mode=777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).status();
        assert!(mounted.unwrap().success(), "a tmpfs can be mounted");
        Some(Self(folder))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the space that is left.
    pub fn fill(&self) {
        let mut filler = fs::File::create(self.0.path().join("filler")).unwrap();
        while filler.write_all(&[0; 4_096]).is_ok() {}
    }

    /// Gives it back.
    pub fn relieve(&self) {
        fs::remove_file(self.0.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
