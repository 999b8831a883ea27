use std::io::{BufWriter, Write};

use super::{Failure, Format};
use crate::client::json::{self, Mapped};

/// Where results go: text for people or one JSON object a line.
pub(super) struct Output {
    format: Format,
    out: BufWriter<Box<dyn Write + Send>>,
}

impl Output {
    /// Colours are stripped unless stdout is a terminal that wants them (NO_COLOR, CLICOLOR).
    pub(super) fn stdout(format: Format) -> Self {
        Self { format, out: BufWriter::new(Box::new(anstream::stdout())) }
    }

    /// Whether results are JSON.
    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether results are CSV.
    pub(super) fn is_csv(&self) -> bool {
        self.format == Format::Csv
    }

    /// Text that ends its own lines.
    pub(super) fn raw(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes())?;
        Ok(())
    }

    /// A message: its JSON, or the line that `text` makes of it.
    pub(super) fn message<M: Mapped>(&mut self, message: &M, text: impl FnOnce(&M) -> String) -> Result<(), Failure> {
        let line = if self.is_json() { json::to_string(message)? } else { text(message) };
        self.line(&line)
    }

    /// One line (or, for people, several).
    pub(super) fn line(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.out, "{line}")?;
        Ok(())
    }

    /// Everything so far is with the reader.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush()?;
        Ok(())
    }
}
