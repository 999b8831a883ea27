use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::super::Failure;
use super::rows::{self, Broken, Form, Row};
use crate::client::instant;

/// Where reports are read from.
#[derive(Clone, Debug)]
pub(super) enum Input {
    Stdin,
    File { path: PathBuf, bytes: u64 },
}

impl Input {
    /// `-` is stdin. A file must be there.
    pub(super) fn new(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdin);
        }
        let file = std::fs::metadata(path).map_err(|e| unreadable(path, &e))?;
        if file.is_dir() {
            return Err(Failure::failed(format!("{} is a directory: name a file", path.display())));
        }
        Ok(Self::File { path: path.to_owned(), bytes: file.len() })
    }

    pub(super) fn is_stdin(&self) -> bool {
        matches!(self, Self::Stdin)
    }

    /// Its name in errors.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::File { path, .. } => path.display().to_string(),
        }
    }

    /// Its size, if known.
    pub(super) fn bytes(&self) -> Option<u64> {
        match self {
            Self::File { bytes, .. } if *bytes > 0 => Some(*bytes),
            _ => None,
        }
    }

    fn open(&self) -> Result<Box<dyn BufRead>, Failure> {
        Ok(match self {
            Self::Stdin => Box::new(BufReader::new(std::io::stdin())),
            Self::File { path, .. } => Box::new(BufReader::new(File::open(path).map_err(|e| unreadable(path, &e))?)),
        })
    }

    fn ending(&self) -> Option<Form> {
        let Self::File { path, .. } = self else { return None };
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Form::Csv),
            "ndjson" | "jsonl" | "json" => Some(Form::Ndjson),
            _ => None,
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("cannot read {}: {error}", path.display()))
}

/// Reads every row, in order, and gives each out as soon as it is whole; stops when `each` says false.
pub(super) fn read(input: &Input, each: impl FnMut(Row) -> bool) -> Result<(), Failure> {
    Ok(rows::parse(input.open()?, input.ending(), &input.name(), each)?)
}

/// The last observed time, in microseconds since the epoch.
pub(super) fn last_observed(input: &Input) -> Result<Option<i64>, Failure> {
    let mut last = None;
    read(input, |row| {
        let observed = row.report.ok().and_then(|r| instant(r.observed_time));
        last = last.max(observed.map(jiff::Timestamp::as_microsecond));
        true
    })?;
    Ok(last)
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Source(why) => Self::failed(why),
            Broken::Header(why) => Self::rejected(why),
        }
    }
}
