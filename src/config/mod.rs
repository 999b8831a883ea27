//! Configuration: an embedded, commented `default.toml` that *is* the defaults, a file, the environment, flags.

mod check;
mod database;
mod form;
mod layers;
mod settings;

use std::io;
use std::path::Path;

pub use database::Database;
pub use layers::{Flag, Sources};
pub use settings::{
    Access, Backup, ClientCertificates, Jwt, Limits, Log, LogFormat, Retention, Server, Settings, Streams, Tls,
};

/// The defaults, with their comments. `deploy/wardwatch.toml` is the same text.
pub const DEFAULT: &str = include_str!("default.toml");

/// What is wrong with the configuration: one line that names the key, where it came from and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(super) String);

/// Settings in force, and where each key came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What is in force.
    pub settings: Settings,
    /// Where each key came from.
    pub sources: Sources,
}

/// Lays the default, the file, the environment and the flags over each other, and checks the outcome.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: Vec<Flag>,
) -> Result<Loaded, ConfigError> {
    load_by(|path: &Path| std::fs::read_to_string(path), file, environment, flags)
}

/// The same, with files read by `read`: the fuzzer must not open what it makes up.
pub fn load_by(
    read: impl Fn(&Path) -> io::Result<String>,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: Vec<Flag>,
) -> Result<Loaded, ConfigError> {
    let merge = || {
        let (mut settings, mut sources) = layers::merge(&read, file, environment, flags)?;
        settings.read_url_file(&read, &mut sources)?;
        settings.check(&sources)?;
        Ok(Loaded { settings, sources })
    };
    merge().map_err(|error: ConfigError| ConfigError(in_one_line(&error.0)))
}

/// Keys and values are in errors as they were written, whatever that is.
fn in_one_line(text: &str) -> String {
    /// Characters kept of the beginning, which names the key, and of the end, which has the remedy.
    const MOST: usize = 400;
    let line: Vec<char> = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.len() {
        length if length > 2 * MOST => {
            [&line[..MOST], &[' ', '…', ' '], &line[length - MOST..]].concat().into_iter().collect()
        }
        _ => line.into_iter().collect(),
    }
}

impl Loaded {
    /// The default file's text with the values in force, each that is not the default followed by where it came from.
    /// Secrets are hidden.
    pub fn to_toml(&self) -> String {
        let mut section = String::new();
        let lines = DEFAULT.lines().map(|line| {
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                name.clone_into(&mut section);
            }
            match line.split_once(" = ") {
                Some((key, _)) if !line.starts_with('#') => self.line(&section, key),
                _ => format!("{line}\n"),
            }
        });
        lines.collect()
    }

    fn line(&self, section: &str, key: &str) -> String {
        let full = format!("{section}.{key}");
        let value = self.settings.shown(&full);
        if full == "database.url" && !self.settings.database.url_file.is_empty() {
            // Only one of them may be set, and this is not the one that is.
            return format!("# {key} = {value} # database.url_file\n");
        }
        match self.sources.of(&full) {
            Some(source) => format!("{key} = {value} # {source}\n"),
            None => format!("{key} = {value}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_configuration_is_the_default() {
        assert_eq!(include_str!("../../deploy/wardwatch.toml"), DEFAULT, "copy src/config/default.toml over it");
    }

    #[test]
    fn what_config_prints_is_a_configuration_that_means_the_same() {
        let flags = vec![Flag::new("--listen", "server.listen", "127.0.0.1:7")];
        let loaded = load(None, [("WARDWATCH__STREAMS__MAX_AGE".into(), "90s".into())], flags).unwrap();
        let text = loaded.to_toml();
        assert!(text.contains("listen = \"127.0.0.1:7\" # --listen\n"), "{text}");
        assert!(text.contains("max_age = \"1m 30s\" # environment variable WARDWATCH__STREAMS__MAX_AGE\n"), "{text}");
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        std::fs::write(file.path(), &text).unwrap();
        assert_eq!(load(Some(file.path()), [], vec![]).unwrap().settings, loaded.settings);
    }

    #[test]
    fn what_is_printed_names_the_url_or_its_file_and_not_both() {
        let read = |path: &Path| match path.to_str() {
            Some("w.toml") => Ok("[database]\nurl_file = \"url\"\n".to_owned()),
            _ => Ok("postgres://ward:s3cret@db/w\n".to_owned()),
        };
        let text = load_by(read, Some(Path::new("w.toml")), [], vec![]).unwrap().to_toml();
        assert!(text.contains("# url = \"postgres://ward:***@db/w\" # database.url_file\n"), "{text}");
        assert!(text.contains("\nurl_file = \"url\" # w.toml\n"), "{text}");
        let stronger = vec![Flag::new("--database", "database.url", "sqlite:x")];
        let text = load_by(read, Some(Path::new("w.toml")), [], stronger).unwrap().to_toml();
        assert!(text.contains("\nurl = \"sqlite:x\" # --database\n") && text.contains("\nurl_file = \"\"\n"), "{text}");
    }

    #[test]
    fn an_error_is_one_line_of_a_length_to_read() {
        let refused = |key: &str, value: &str| load(None, [], vec![Flag::new("--set", key, value)]).unwrap_err().0;
        assert!(refused("log\n.level\u{1b}[2J", "x").starts_with("unknown configuration key log .level [2J in --set"));
        let long = refused("server.listen", &"x".repeat(5_000));
        assert!(long.starts_with("server.listen (--set): 'xxx") && long.ends_with("or [::1]:50051"), "{long}");
        assert!(long.chars().count() < 1_000, "{long}");
    }

    #[test]
    fn a_password_is_not_printed() {
        let url = "postgres://ward:s3cret@db/wardwatch?sslmode=require";
        let text = load(None, [], vec![Flag::new("--database", "database.url", url)]).unwrap().to_toml();
        assert!(!text.contains("s3cret"), "{text}");
        assert!(text.contains("postgres://ward:***@db/wardwatch?sslmode=require"), "{text}");
    }
}
