use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

use config::{Config, Environment, File, FileFormat, Map, Source, Value, ValueKind};

use super::{ConfigError, DEFAULT, Settings};

/// A key set by a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The flag, for errors: `--listen`.
    name: String,
    /// `section.key`.
    key: String,
    /// Its value as text.
    value: String,
}

impl Flag {
    /// The flag `name` sets `key` to `value`.
    pub fn new(name: impl Into<String>, key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), key: key.into(), value: value.into() }
    }
}

/// Where a key came from, strongest last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    File(String),
    Environment(String),
    Flag(String),
}

impl Origin {
    /// How strong: what is set by the same kind of source is equal.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::File(_) => 1,
            Self::Environment(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Where each key came from that is not the default's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<String, Origin>);

impl Sources {
    /// The source of `section.key`; `None`: the default.
    pub fn of(&self, key: &str) -> Option<String> {
        self.0.get(key).map(Origin::to_string)
    }

    /// Takes a key for one that nobody set.
    pub(super) fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }

    pub(super) fn rank(&self, key: &str) -> u8 {
        self.0.get(key).map_or(0, Origin::rank)
    }

    /// `key`, and where it came from: how every error begins.
    pub(super) fn name(&self, key: &str) -> String {
        match self.0.get(key) {
            Some(origin) => format!("{key} ({origin})"),
            None => key.to_owned(),
        }
    }
}

/// Merges the layers. Every key of every layer is one that the default knows.
pub(super) fn merge(
    open: impl Fn(&Path) -> io::Result<String>,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: Vec<Flag>,
) -> Result<(Settings, Sources), ConfigError> {
    let default = File::from_str(DEFAULT, FileFormat::Toml);
    let known: Vec<String> = flat(default.collect().map_err(|e| ConfigError(e.to_string()))?).into_keys().collect();
    let mut layers: Vec<(String, ValueKind, Origin)> = Vec::new();
    if let Some(path) = file {
        let origin = Origin::File(path.display().to_string());
        layers.extend(flat(read(open, path)?).into_iter().map(|(k, v)| (k, v, origin.clone())));
    }
    layers.extend(variables(environment)?);
    layers.extend(flags.into_iter().map(|f| (f.key, f.value.into(), Origin::Flag(f.name))));

    let mut builder = Config::builder().add_source(default);
    let mut sources = Sources::default();
    for (key, value, origin) in layers {
        let empty_section = matches!(&value, ValueKind::Table(t) if t.is_empty());
        if empty_section && known.iter().any(|k| k.starts_with(&format!("{key}."))) {
            continue;
        }
        if !known.contains(&key) {
            return Err(unknown(&key, &origin, &known));
        }
        builder = builder.set_override(&key, value).map_err(|e| ConfigError(format!("{key} ({origin}): {e}")))?;
        sources.0.insert(key, origin);
    }
    let merged = builder.build().map_err(|e| ConfigError(e.to_string()))?;
    let settings = serde_path(merged, &sources)?;
    Ok((settings, sources))
}

/// A file's tables. A file that is not TOML is an error with its line.
fn read(open: impl Fn(&Path) -> io::Result<String>, path: &Path) -> Result<Map<String, Value>, ConfigError> {
    let name = path.display();
    let text = open(path).map_err(|e| ConfigError(format!("cannot read {name}: {e}")))?;
    File::from_str(&text, FileFormat::Toml).collect().map_err(|e| {
        let text = e.to_string();
        // The library shows the line, which may be the one with the password.
        let said =
            text.lines().filter(|l| !l.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|'));
        let said: Vec<_> = said.flat_map(str::split_whitespace).collect();
        ConfigError(format!("{name} is not TOML: {}", said.join(" ")))
    })
}

/// `WARDWATCH__SECTION__KEY`. Values stay text, so that "007" is not 7; they become numbers where numbers are wanted.
fn variables(
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<(String, ValueKind, Origin)>, ConfigError> {
    let ours: BTreeMap<String, String> =
        environment.into_iter().filter(|(k, _)| k.starts_with("WARDWATCH__")).collect();
    let source = Environment::with_prefix("WARDWATCH").prefix_separator("__").separator("__");
    let found = source.source(Some(ours.into_iter().collect())).collect();
    let found = flat(found.map_err(|e| ConfigError(e.to_string()))?);
    let named = found.into_iter().map(|(key, value)| {
        let name = format!("WARDWATCH__{}", key.to_uppercase().replace('.', "__"));
        (key, value, Origin::Environment(name))
    });
    Ok(named.collect())
}

/// Tables as `section.key`.
fn flat(tables: Map<String, Value>) -> BTreeMap<String, ValueKind> {
    let mut keys = BTreeMap::new();
    for (name, value) in tables {
        match value.kind {
            ValueKind::Table(inner) if !inner.is_empty() => {
                keys.extend(flat(inner).into_iter().map(|(k, v)| (format!("{name}.{k}"), v)));
            }
            kind => {
                keys.insert(name, kind);
            }
        }
    }
    keys
}

fn unknown(key: &str, origin: &Origin, known: &[String]) -> ConfigError {
    let near = known.iter().max_by(|a, b| {
        let (a, b) = (strsim::jaro_winkler(key, a), strsim::jaro_winkler(key, b));
        a.total_cmp(&b)
    });
    let near = near.map(|n| format!("; the nearest is {n}")).unwrap_or_default();
    ConfigError(format!("unknown configuration key {key} in {origin}{near}"))
}

/// Reads section by section, so that an error can name its key and that key's source.
fn serde_path(merged: Config, sources: &Sources) -> Result<Settings, ConfigError> {
    merged.try_deserialize().map_err(|error| {
        let text = error.to_string();
        let key = sources.0.keys().find(|k| mentions(&text, k));
        let what = text.split(" for key ").next().unwrap_or(&text);
        match key {
            Some(key) => ConfigError(format!("{}: {what}", sources.name(key))),
            None => ConfigError(text),
        }
    })
}

fn mentions(text: &str, key: &str) -> bool {
    text.contains(&format!("`{key}`"))
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;
    use std::time::Duration;

    fn variable(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn refused(text: &str) -> String {
        let file = file(text);
        let name = file.path().display().to_string();
        load(Some(file.path()), [], vec![]).unwrap_err().to_string().replace(&name, "FILE")
    }

    #[test]
    fn the_defaults_are_those_of_the_embedded_file() {
        let s = load(None, [], vec![]).unwrap().settings;
        assert_eq!(s.server.listen.to_string(), "127.0.0.1:50051");
        assert_eq!((s.streams.max_age, s.streams.heartbeat), (Duration::from_mins(30), Duration::from_secs(15)));
        assert_eq!((s.retention.report_days, s.limits.message_bytes), (35, 1 << 20));
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let file = file("[retention]\nreport_days = 1\nevent_days = 1\n[streams]\nmax_age = \"1h 30m\"\n");
        let mut env = variable("WARDWATCH__RETENTION__EVENT_DAYS", "2");
        env.extend(variable("WARDWATCH__LIMITS__CONNECTIONS", "2"));
        let flags = vec![Flag::new("--set", "limits.connections", "3")];
        let s = load(Some(file.path()), env, flags).unwrap().settings;
        assert_eq!((s.retention.report_days, s.retention.event_days, s.limits.connections), (1, 2, 3));
        assert_eq!(s.streams.max_age, Duration::from_mins(90));
    }

    #[test]
    fn an_unknown_key_names_its_source_and_the_nearest() {
        let text = refused("[server]\nlisten_on = \"127.0.0.1:1\"\n");
        assert_eq!(text, "unknown configuration key server.listen_on in FILE; the nearest is server.listen");
        let error = load(None, variable("WARDWATCH__STREAMS__MAXAGE", "1m"), vec![]).unwrap_err().to_string();
        let expected = "unknown configuration key streams.maxage in environment variable WARDWATCH__STREAMS__MAXAGE; \
                        the nearest is streams.max_age";
        assert_eq!(error, expected);
        let error = load(None, [], vec![Flag::new("--set", "log.levl", "debug")]).unwrap_err().to_string();
        assert_eq!(error, "unknown configuration key log.levl in --set; the nearest is log.level");
        assert!(refused("colour = 1\n").starts_with("unknown configuration key colour in FILE"));
        assert!(refused("[ward]\n").starts_with("unknown configuration key ward in FILE"));
    }

    #[test]
    fn a_variable_with_one_underscore_is_not_configuration() {
        let mut env = variable("WARDWATCH_TEST_POSTGRES", "off");
        env.extend(variable("WARDWATCH_FAULT", "after_commit:kill"));
        env.extend(variable("WARDWATCH_PORT", "tcp://10.0.0.1:50051"));
        assert!(load(None, env, vec![]).is_ok());
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_its_key_and_source() {
        let text = refused("[limits]\nconnections = \"many\"\n");
        assert!(text.starts_with("limits.connections (FILE): ") && text.contains("many"), "{text}");
        let text = refused("[streams]\nmax_age = \"soon\"\n");
        assert!(text.starts_with("streams.max_age (FILE): 'soon' is not a duration"), "{text}");
        let error = load(None, variable("WARDWATCH__SERVER__LISTEN", "localhost"), vec![]).unwrap_err().to_string();
        let expected = "server.listen (environment variable WARDWATCH__SERVER__LISTEN): 'localhost' is not an address";
        assert!(error.starts_with(expected), "{error}");
        assert!(refused("[limits\n").starts_with("FILE is not TOML: TOML parse error at line 1, column "));
        let text = refused("[database]\nurl = \"postgres://ward:s3cret@db/w\n");
        assert!(text.contains("line 2") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = load(Some(Path::new("/nowhere/w.toml")), [], vec![]).unwrap_err().to_string();
        assert!(error.starts_with("cannot read /nowhere/w.toml: "), "{error}");
    }
}
