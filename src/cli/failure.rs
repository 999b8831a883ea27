use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use crate::client;

/// What the caller of the binary is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Some of the input was rejected.
    Rejected = 2,
    /// Bad usage (EX_USAGE).
    Usage = 64,
    /// Bad configuration (EX_CONFIG).
    Configuration = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// How a command ended other than well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    /// One line, or several of one line each; empty when all has been said.
    message: String,
}

impl Failure {
    /// It did not work.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }
    /// The input was not good.
    pub fn rejected(message: impl Into<String>) -> Self {
        Self { exit: Exit::Rejected, message: message.into() }
    }
    /// The command line makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }
    /// The configuration is wrong.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self { exit: Exit::Configuration, message: message.into() }
    }
    /// What it says.
    pub fn message(&self) -> &str {
        &self.message
    }
    /// Whether the same command may do better later: neither its command line nor its input is at fault.
    pub(super) fn may_pass(&self) -> bool {
        self.exit == Exit::Failed
    }
    /// Says it on stderr. What is wrong with the input begins with its file and line, as compilers do it.
    pub(super) fn tell(&self) -> Exit {
        let who = if self.exit == Exit::Rejected { "" } else { "wardwatch: " };
        if !self.message.is_empty() {
            // With stderr gone too there is nobody left to tell.
            let _ = writeln!(io::stderr(), "{who}{}", self.message);
        }
        self.exit
    }
}

/// A reader that went away (`| head`) is no failure: the command ends quietly.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self { exit: Exit::Done, message: String::new() },
            _ => Self::failed(format!("cannot write: {error}")),
        }
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        let exit = match &error {
            client::Error::Url(_) | client::Error::Target(_) => Exit::Usage,
            client::Error::Credentials(_) => Exit::Configuration,
            e if e.is_bad_request() => Exit::Rejected,
            _ => Exit::Failed,
        };
        Self { exit, message: error.to_string() }
    }
}

impl From<client::json::JsonError> for Failure {
    fn from(error: client::json::JsonError) -> Self {
        Self::failed(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_ends_it_quietly() {
        let failure = Failure::from(io::Error::from(ErrorKind::BrokenPipe));
        assert_eq!((failure.tell(), failure.message()), (Exit::Done, ""));
        assert_eq!(Failure::from(io::Error::other("disk full")).tell(), Exit::Failed);
    }
}
