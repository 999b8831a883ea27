use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Map, Value};

use super::import::{self, BATCH, Counts, Row};
use super::table::{Column, Kind};
use super::{Failure, Session};
use crate::client::pb;

/// The columns of a CSV of planned work.
const COLUMNS: &[Column] = &[
    Column::plain("organisation", Kind::Text),
    Column::plain("day", Kind::Text),
    Column::plain("category", Kind::OneOf("ActivityCategory")),
    Column::plain("planned", Kind::Count),
    Column::plain("delivered", Kind::Count),
    Column::plain("postponed", Kind::Count),
    Column::plain("source", Kind::Text),
];

/// Those that must be there.
const REQUIRED: &[&str] = &["organisation", "day", "category", "planned", "delivered", "postponed"];

/// Planned work: operations and appointments planned, delivered, postponed.
#[derive(Debug, Subcommand)]
pub(super) enum Activity {
    /// Send figures from a CSV: organisation,day,category,planned,delivered,postponed and if wanted source; an empty cell
    /// is not reported. Or NDJSON in the protobuf JSON mapping (a file whose name ends in .ndjson, .jsonl or .json).
    Import {
        /// The file.
        file: PathBuf,
        /// The sending system of rows that name none.
        #[arg(long, value_name = "CODE", default_value = "CLI")]
        source: String,
    },
}

impl Activity {
    pub(super) async fn run(self, session: Session) -> Result<(), Failure> {
        let Self::Import { file, source } = self;
        send(&file, &source, session).await
    }
}

async fn send(file: &Path, source: &str, mut session: Session) -> Result<(), Failure> {
    let mut rows = import::read(file, COLUMNS, REQUIRED, name)?;
    for row in rows.iter_mut().filter(|row: &&mut Row<pb::Activity>| row.message.source.is_empty()) {
        source.clone_into(&mut row.message.source);
    }
    let client = session.connect().await?;
    let mut accepted = 0;
    for batch in rows.chunks(BATCH) {
        let messages = batch.iter().map(|row| row.message.clone()).collect();
        let answer = client.submit_activity(messages).await;
        let written = Counts { updated: accepted, ..Counts::default() };
        accepted += i64::from(answer.map_err(|e| import::refused(e, file, batch, written))?.accepted_count);
    }
    let json = session.output.is_json();
    let text =
        if json { serde_json::json!({"accepted": accepted}).to_string() } else { format!("{accepted} accepted") };
    session.output.line(&text)?;
    session.output.flush()
}

/// Makes the resource name of a row's organisation.
fn name(cells: &mut Map<String, Value>) -> Result<(), String> {
    match cells.remove("organisation").as_ref().and_then(Value::as_str) {
        Some(code) => {
            cells.insert("organisation".into(), format!("organisations/{code}").into());
            Ok(())
        }
        None => Err("organisation: must be given".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> Result<Vec<Row<pb::Activity>>, Failure> {
        import::read(path, COLUMNS, REQUIRED, name)
    }

    fn file(ending: &str, text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new().suffix(ending).tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn a_row_of_csv_and_a_line_of_json_say_the_same_and_an_empty_cell_is_not_zero() {
        let header = "organisation,day,category,planned,delivered,postponed\n";
        let csv = file(".csv", &format!("{header}RJ1,2016-04-26,DAY_CASE,100,,8524\r\n"));
        let rows = read(csv.path()).unwrap();
        let json = file(
            ".ndjson",
            "\n{\"organisation\":\"organisations/RJ1\",\"day\":\"2016-04-26\",\
             \"category\":\"ACTIVITY_CATEGORY_DAY_CASE\",\"planned\":100,\"postponed\":8524}\n",
        );
        let lines = read(json.path()).unwrap();
        assert_eq!(rows[0].message, lines[0].message);
        assert_eq!((rows[0].message.delivered, rows[0].message.postponed), (None, Some(8_524)));
        assert_eq!((rows[0].line, lines[0].line), (2, 2));
    }

    #[test]
    fn every_bad_line_is_named() {
        let json = file(".json", "hello\n{\"day\":3}\n");
        let failure = read(json.path()).unwrap_err();
        let lines: Vec<_> = failure.message().lines().collect();
        assert!(lines.len() == 2 && lines[0].contains(":1: not JSON") && lines[1].contains(":2: "), "{lines:?}");
    }
}
