use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::domain::Time;

/// Around the UTC time in a copy's name.
const AROUND: (&str, &str) = ("wardwatch-", ".sqlite");
/// The time: sorted by name is sorted by time, and no file system minds any of it.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// The name of a copy made at a time.
pub fn name(time: Time) -> String {
    format!("{}{}{}", AROUND.0, stamp(time), AROUND.1)
}

/// A time as it stands in names.
fn stamp(time: Time) -> String {
    time.to_timestamp().to_zoned(TimeZone::UTC).strftime(STAMP).to_string()
}

/// When a copy of this name was made; `None` if it is no name of a copy.
fn time(file: &str) -> Option<Time> {
    let text = file.strip_prefix(AROUND.0)?.strip_suffix(AROUND.1)?;
    let time = DateTime::strptime(STAMP, text).ok()?.to_zoned(TimeZone::UTC).ok()?;
    let time = Time::from_micros(time.timestamp().as_microsecond());
    // strptime forgives what we never write.
    (name(time) == file).then_some(time)
}

/// The copies in a directory, oldest first. Whatever else is there is nobody's business.
pub(super) fn copies(directory: &Path) -> io::Result<Vec<(Time, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(time) = entry.file_name().to_str().and_then(time)
            && entry.file_type()?.is_file()
        {
            found.push((time, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copys_name_says_when_it_was_made_and_nothing_else_is_taken_for_one() {
        let at: Time = "2016-04-26T08:05:09Z".parse().unwrap();
        assert_eq!(name(at), "wardwatch-20160426T080509Z.sqlite");
        assert_eq!(time(&name(at)), Some(at));
        for other in [
            "wardwatch.sqlite",
            "wardwatch-20160426T080509.sqlite",
            "wardwatch-20160426T080509Z.sqlite.part",
            "wardwatch-20160426T080509Z.sqlite-wal",
            "wardwatch- 20160426T080509Z.sqlite",
            "wardwatch-20161326T080509Z.sqlite",
            "wardwatch-20160426T080509Z-before-upgrade.sqlite",
            "old-wardwatch-20160426T080509Z.sqlite",
            ".wardwatch.sqlite.part",
        ] {
            assert_eq!(time(other), None, "{other}");
        }
    }
}
