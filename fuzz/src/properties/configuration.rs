use std::io;
use std::path::Path;

use super::is_an_error_of_one_line;
use crate::config::{ConfigError, Flag, Loaded, load_by};

/// The longest error: some of a file's line, a name and a remedy.
const LONGEST: usize = 1_000;
/// Between the parts of an input: the file, variables as NAME=VALUE, flags as section.key=value, the file that holds the
/// URL.
const BETWEEN: &str = "\n===\n";
/// The name of the file.
const FILE: &str = "wardwatch.toml";

/// Any text is an error of one line, or a configuration that prints itself, and what it prints means the same but for a
/// password.
///
/// # Panics
/// If not.
pub fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split(BETWEEN);
    let [file, variables, flags, url] = [(); 4].map(|()| parts.next().unwrap_or_default());
    let pairs = |text: &str| -> Vec<(String, String)> {
        text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    let flags = pairs(flags).into_iter().map(|(key, value)| Flag::new("--set", key, value)).collect();
    let loaded = match load(file, url, pairs(variables), flags) {
        Ok(loaded) => loaded,
        Err(error) => return is_an_error_of_one_line(&error.to_string(), LONGEST),
    };
    let printed = loaded.to_toml();
    hides_the_password(&loaded.settings.database.url, &printed);
    let again = load(&printed, url, [], Vec::new()).unwrap_or_else(|e| panic!("{e} in what was printed:\n{printed}"));
    let mut expected = loaded.settings;
    if expected.database.url_file.is_empty() {
        expected.database.url = expected.database.shown_url();
    }
    assert_eq!(again.settings, expected, "what was printed means the same:\n{printed}");
}

/// With files that are only in the input: nothing made up is opened.
fn load(
    file: &str,
    url: &str,
    variables: impl IntoIterator<Item = (String, String)>,
    flags: Vec<Flag>,
) -> Result<Loaded, ConfigError> {
    let read = |path: &Path| match path.to_str() {
        Some(FILE) => Ok(file.to_owned()),
        Some("url") => Ok(url.to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    load_by(read, Some(Path::new(FILE)), variables, flags)
}

/// The password of a URL, in the plainest reading: between the first colon of the authority and its last at sign.
fn hides_the_password(url: &str, printed: &str) {
    let place = url.split_once("://").map_or("", |(_, rest)| rest.split(['?', '#']).next().unwrap_or_default());
    let Some((user, host)) = place.rsplit_once('@') else { return };
    let Some((user, password)) = user.split_once(':') else { return };
    let elsewhere = printed.replacen(user, "", 1).replacen(host, "", 1);
    // Short ones, and words that stand in the file anyway, prove nothing.
    if password.len() >= 6
        && !crate::config::DEFAULT.contains(password)
        && !url.replacen(password, "", 1).contains(password)
    {
        assert!(!elsewhere.contains(password), "the password is printed:\n{printed}");
    }
}
