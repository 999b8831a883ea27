//! Importing a register from CSV, or from JSON lines: everything is read and checked before anything is sent, in batches
//! of 1,000.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Map, Value};

use super::table::{self, Column};
use super::{Failure, Session};
use crate::client::json::{self, Mapped};
use crate::client::{Client, Error};

/// Rows in one call: the most the service takes.
pub(super) const BATCH: usize = 1_000;

/// A row and the line it came from.
#[derive(Clone, Debug)]
pub(super) struct Row<M> {
    pub line: u64,
    pub message: M,
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
}

impl Counts {
    pub(super) fn add(&mut self, created: i32, updated: i32, unchanged: i32) {
        self.created += i64::from(created);
        self.updated += i64::from(updated);
        self.unchanged += i64::from(unchanged);
    }

    /// `3 created, 1 updated, 0 unchanged`, or the same as JSON.
    pub(super) fn text(self, json: bool) -> String {
        let Self { created, updated, unchanged } = self;
        if json {
            return serde_json::json!({"created": created, "updated": updated, "unchanged": unchanged}).to_string();
        }
        format!("{created} created, {updated} updated, {unchanged} unchanged")
    }
}

/// Reads a whole file. A CSV's header must have the `required` columns, and `name` makes a message of a row's cells; a
/// file that ends in .ndjson, .jsonl or .json holds a message a line. Every bad line is named.
pub(super) fn read<M: Mapped>(
    path: &Path,
    known: &[Column],
    required: &[&str],
    name: fn(&mut Map<String, Value>) -> Result<(), String>,
) -> Result<Vec<Row<M>>, Failure> {
    let file = path.display().to_string();
    let source = File::open(path).map_err(|e| Failure::failed(format!("cannot read {file}: {e}")))?;
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "ndjson" | "jsonl" | "json" => messages(source, &file),
        _ => rows(source, &file, known, required, name),
    }
}

/// A message a line, in the protobuf JSON mapping; a blank line is none.
fn messages<M: Mapped>(source: impl Read, file: &str) -> Result<Vec<Row<M>>, Failure> {
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(BufReader::new(source).lines()) {
        let text = text.map_err(|e| Failure::failed(format!("cannot read {file}: {e}")))?;
        match text.trim_start_matches('\u{feff}').trim() {
            "" => {}
            text => match json::from_str(text) {
                Ok(message) => rows.push(Row { line, message }),
                Err(why) => wrong.push(format!("{file}:{line}: {why}")),
            },
        }
    }
    if wrong.is_empty() { Ok(rows) } else { Err(Failure::rejected(wrong.join("\n"))) }
}

fn rows<M: Mapped>(
    source: impl Read,
    file: &str,
    known: &[Column],
    required: &[&str],
    name: fn(&mut Map<String, Value>) -> Result<(), String>,
) -> Result<Vec<Row<M>>, Failure> {
    let mut reader = table::reader(source);
    let header = reader.headers().map_err(|e| Failure::rejected(format!("{file}:1: {}", table::explain(&e))))?.clone();
    let columns = table::columns(file, &header, known, required).map_err(Failure::rejected)?;
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    let unreadable = |e: csv::Error| Failure::failed(format!("{file}: {}", table::explain(&e)));
    while let Some((line, record)) = table::next(&mut reader).map_err(unreadable)? {
        let row = match record.map(|record| table::message(&columns, &record)) {
            Ok(None) => continue,
            Ok(Some(cells)) => cells.and_then(|mut cells| {
                name(&mut cells)?;
                json::from_value(cells.into()).map_err(|e| e.to_string())
            }),
            Err(why) => Err(why),
        };
        match row {
            Ok(message) => rows.push(Row { line, message }),
            Err(why) => wrong.push(format!("{file}:{line}: {why}")),
        }
    }
    if wrong.is_empty() { Ok(rows) } else { Err(Failure::rejected(wrong.join("\n"))) }
}

/// Sends rows in batches and says what became of them; `upsert` answers how many were created, updated, unchanged.
pub(super) async fn send<M: Clone>(
    file: &Path,
    rows: &[Row<M>],
    mut session: Session,
    upsert: impl AsyncFn(&Client, Vec<M>) -> Result<[i32; 3], Error>,
) -> Result<(), Failure> {
    let client = session.connect().await?;
    let mut counts = Counts::default();
    for batch in rows.chunks(BATCH) {
        let messages = batch.iter().map(|row| row.message.clone()).collect();
        let answer = upsert(&client, messages).await;
        let [created, updated, unchanged] = answer.map_err(|e| refused(e, file, batch, counts))?;
        counts.add(created, updated, unchanged);
    }
    session.output.line(&counts.text(session.output.is_json()))?;
    session.output.flush()
}

/// A refusal, with `wards[3].kind` turned into the file's line. What was written before it is said.
pub(super) fn refused<M>(error: Error, path: &Path, batch: &[Row<M>], written: Counts) -> Failure {
    let Error::Refused(refusal) = &error else { return error.into() };
    if refusal.fields.is_empty() {
        return error.into();
    }
    let file = path.display();
    let mut lines: Vec<String> = refusal
        .fields
        .iter()
        .map(|(field, what)| match locate(field, batch) {
            Some((line, "")) => format!("{file}:{line}: {what}"),
            Some((line, rest)) => format!("{file}:{line}: {rest}: {what}"),
            None => format!("{file}: {field}: {what}"),
        })
        .collect();
    let first = batch.first().map_or(0, |row| row.line);
    lines.push(format!("nothing from line {first} on was written; before it {}", written.text(false)));
    Failure::rejected(lines.join("\n"))
}

/// `wards[3].kind` is the line of the fourth row, and `kind`.
fn locate<'a, M>(field: &'a str, batch: &[Row<M>]) -> Option<(u64, &'a str)> {
    let (index, rest) = field.split_once('[')?.1.split_once(']')?;
    let row = batch.get(index.parse::<usize>().ok()?)?;
    Some((row.line, rest.trim_start_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::super::wards::{COLUMNS, REQUIRED, name};
    use super::*;
    use crate::client::pb;

    const HEADER: &str = "organisation,ward,display_name,kind,site,beds,limit_patients_per_rn,\
        minimum_registered_nurses,minimum_reason,report_every_minutes,state";

    fn wards(lines: &str) -> Result<Vec<Row<pb::Ward>>, String> {
        let text = format!("{HEADER}\n{lines}");
        rows(text.as_bytes(), "w.csv", COLUMNS, REQUIRED, name).map_err(|f| f.message().to_owned())
    }

    #[test]
    fn a_row_is_a_ward_and_an_empty_cell_is_not_given() {
        let rows =
            wards("RJ1,A1,\"Ward, A1\",ADULT_INPATIENT,RJ121,24,6.5,1,SMALL_UNIT,60,OPEN\nRJ1,A2,,OTHER,,,,,,,\n");
        let rows = rows.unwrap();
        let ward = &rows[0].message;
        assert_eq!((ward.name.as_str(), ward.display_name.as_str()), ("organisations/RJ1/wards/A1", "Ward, A1"));
        assert_eq!(
            (ward.kind(), ward.beds, ward.limit_patients_per_rn),
            (pb::WardKind::AdultInpatient, Some(24), Some(6.5))
        );
        assert_eq!((ward.minimum_reason(), ward.state()), (pb::MinimumReason::SmallUnit, pb::WardState::Open));
        assert_eq!((rows[1].line, rows[1].message.beds, rows[1].message.minimum_registered_nurses), (3, None, None));
    }

    #[test]
    fn every_bad_cell_is_named_by_line_and_column() {
        let error = wards("RJ1,A1,,ADULT,,,,,,,\nRJ1,A2,,OTHER,,many,,,,,\nRJ1,A3,,OTHER,,,,,,,\n,A4,,OTHER,,,,,,,\n");
        let error = error.unwrap_err();
        let lines: Vec<_> = error.lines().collect();
        assert!(lines[0].starts_with("w.csv:2: kind: 'ADULT' is none of ADULT_INPATIENT"), "{error}");
        assert_eq!(lines[1], "w.csv:3: beds: 'many' is not a whole number");
        assert_eq!(lines[2], "w.csv:5: organisation: must be given");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn json_lines_are_messages_and_a_bad_line_is_named() {
        let good = "\u{feff}{\"name\":\"organisations/RJ1/wards/A1\",\"kind\":\"WARD_KIND_OTHER\"}\n\n{}\n";
        let rows = messages::<pb::Ward>(good.as_bytes(), "w.ndjson").unwrap();
        assert_eq!(rows.iter().map(|r| r.line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(rows[0].message.name, "organisations/RJ1/wards/A1");
        let failure = messages::<pb::Ward>(&b"{}\n{\"colour\":1}\n"[..], "w.ndjson").unwrap_err();
        assert!(failure.message().starts_with("w.ndjson:2: unrecognized field name 'colour'"), "{failure:?}");
    }

    #[test]
    fn a_refused_field_is_named_by_the_files_line() {
        let batch: Vec<_> = [2, 3, 7].map(|line| Row { line, message: () }).into();
        assert_eq!(locate("wards[2].kind", &batch), Some((7, "kind")));
        assert_eq!(locate("wards[1]", &batch), Some((3, "")));
        assert_eq!(locate("wards[9].kind", &batch), None);
        assert_eq!(locate("page_size", &batch), None);
    }
}
