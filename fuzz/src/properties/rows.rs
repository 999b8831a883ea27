use std::collections::BTreeSet;

use super::is_an_error_of_one_line;
use super::report::refused;
use crate::cli::replay::rows::{Broken, Form, Row, parse};
use crate::client::json;
use crate::wire;

/// The longest thing said of a row.
const LONGEST: usize = 400;
/// The longest thing said of a header: it names the columns there are.
const LONGEST_OF_HEADER: usize = 2_000;
/// Stands for as many bytes as make a line too long, so that an input stays small.
const LONG: &[u8] = b"<LONG>";
const LONG_BYTES: usize = 300 << 10;

/// Any text is rows, or a header that is refused: every line that says something has its row, in order, and every row is
/// a report that survives its own JSON or an error.
///
/// # Panics
/// If not.
pub fn rows(bytes: &[u8]) {
    let Some(at) = bytes.windows(LONG.len()).position(|w| w == LONG) else { return of_every_form(bytes) };
    // Only NDJSON has a longest line.
    let _ = ndjson(&[&bytes[..at], &vec![b'x'; LONG_BYTES], &bytes[at + LONG.len()..]].concat());
}

fn ndjson(text: &[u8]) -> Vec<Row> {
    let rows = read(text, Some(Form::Ndjson)).expect("bytes in memory can be read, and NDJSON has no header");
    rows.iter().for_each(check);
    assert_eq!(lines(&rows), lines_that_say_something(text, 1), "each line that is not blank has its row");
    rows
}

fn of_every_form(text: &[u8]) {
    let ndjson = Ok(ndjson(text));
    let csv = read(text, Some(Form::Csv));
    match &csv {
        Err(Broken::Header(why)) => is_an_error_of_one_line(why, LONGEST_OF_HEADER),
        Err(Broken::Source(why)) => panic!("bytes in memory can be read: {why}"),
        Ok(rows) => {
            rows.iter().for_each(check);
            // Only a quoted cell can hold a line's end.
            if !text.contains(&b'"') {
                let header = lines_that_say_something(text, 1).first().copied().unwrap_or_default();
                assert_eq!(lines(rows), lines_that_say_something(text, header + 1), "each line has its row");
            }
        }
    }
    let sniffed = read(text, None);
    assert!(sniffed == ndjson || sniffed == csv, "a file without an ending is of one form or the other");
}

fn read(text: &[u8], form: Option<Form>) -> Result<Vec<Row>, Broken> {
    let mut rows: Vec<Row> = Vec::new();
    let ended = parse(text, form, "FILE", |row| {
        let (line, offset) = rows.last().map_or((0, 0), |r| (r.line, r.offset));
        assert!(row.line > line && row.offset > offset, "rows come in order: {row:?}");
        assert!(row.offset <= text.len() as u64, "and end inside the file: {row:?}");
        rows.push(row);
        true
    });
    ended.map(|()| rows)
}

fn check(row: &Row) {
    match &row.report {
        Err(why) => is_an_error_of_one_line(why, LONGEST),
        Ok(report) => {
            let text = json::to_string(report).expect("what was read can be written");
            let again: crate::wire::pb::StaffingReport = json::from_str(&text).expect("and read again");
            assert_eq!(&again, report, "and says the same: {text}");
            if let Err(error) = wire::report_from(again) {
                refused(&error);
            }
        }
    }
}

fn lines(rows: &[Row]) -> BTreeSet<u64> {
    rows.iter().map(|row| row.line).collect()
}

/// Numbers of the lines from `first` on that are not blank.
fn lines_that_say_something(text: &[u8], first: u64) -> BTreeSet<u64> {
    let blank = |n: u64, line: &[u8]| {
        let text = std::str::from_utf8(line).map(|t| if n == 1 { t.trim_start_matches('\u{feff}') } else { t });
        text.is_ok_and(|t| t.trim().is_empty())
    };
    let lines = (1..).zip(text.split(|b| *b == b'\n'));
    lines.filter(|(n, line)| *n >= first && !blank(*n, line)).map(|(n, _)| n).collect()
}
