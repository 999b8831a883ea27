use std::path::Path;

/// The name of the network file system whose magic number this is (statfs(2), linux/magic.h), if it is one. SQLite's
/// write-ahead log needs shared memory and exact locks, which these do not give: the database would be corrupted.
pub fn network_file_system(magic: i64) -> Option<&'static str> {
    // On some platforms the number comes sign-extended.
    Some(match magic & 0xFFFF_FFFF {
        0x6969 => "NFS",
        0x517B => "SMB",
        0xFF53_4D42 => "CIFS",
        0xFE53_4D42 => "SMB2",
        0x6573_5546 => "FUSE (sshfs, s3fs and the like)",
        0x0102_1997 => "9P",
        0x5346_414F | 0x6B41_4653 => "AFS",
        0x00C3_6400 => "Ceph",
        0x7375_7245 => "Coda",
        0x564C => "NCP",
        0x0BD0_0BD0 => "Lustre",
        0x4750_4653 => "GPFS",
        _ => return None,
    })
}

/// The network file system on which a file would be made at `path`, if it is one.
pub(super) fn of_path(path: &Path) -> Option<&'static str> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What cannot be looked at cannot be opened either, which then says why.
    let found = rustix::fs::statfs(folder).ok()?;
    network_file_system(magic(&found))
}

#[cfg(target_os = "linux")]
fn magic(found: &rustix::fs::StatFs) -> i64 {
    #[expect(clippy::useless_conversion, reason = "the number's type differs between platforms")]
    i64::from(found.f_type)
}

/// Elsewhere the number is not a magic one, and nothing is known.
#[cfg(not(target_os = "linux"))]
fn magic(_: &rustix::fs::StatFs) -> i64 {
    0
}
