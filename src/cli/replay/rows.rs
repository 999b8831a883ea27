//! Reports from CSV or NDJSON text, row by row. It opens nothing and sends nothing, so that the fuzzer can have it.

use std::io::{BufRead, Cursor, Read};

use super::super::figures::{FIGURES, HEADS};
use super::super::grades;
use super::super::table::{self, Column};
use crate::client::{json, pb};

/// Longest line: a report is below 4 KiB, and a file of another kind must not be taken into memory.
const LINE_BYTES: u64 = 256 << 10;
/// Columns that a CSV of reports must have; `cover_group` may stand for `ward`, or beside it.
const REQUIRED: &[&str] = &["ward", "observed_time", "source", "report_id", "revision"];

/// A line of the input: a report, or what is wrong with it.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    /// Its number, from 1.
    pub line: u64,
    /// Where it ends.
    pub offset: u64,
    /// What it says.
    pub report: Result<pb::StaffingReport, String>,
}

/// The form of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A message a line, in the protobuf JSON mapping.
    Ndjson,
    /// A header and a report a line.
    Csv,
}

/// Why no row comes any more, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The source cannot be read.
    Source(String),
    /// The header is wrong: nothing of the file can be taken.
    Header(String),
}

/// Reads every row, in order, and gives each out as soon as it is whole; stops when `each` says false. Without an
/// `ending` the first line says what form it is.
pub(crate) fn parse(
    mut source: impl BufRead,
    ending: Option<Form>,
    name: &str,
    each: impl FnMut(Row) -> bool,
) -> Result<(), Broken> {
    let failed = |e: std::io::Error| Broken::Source(format!("cannot read {name}: {e}"));
    let mut first = Vec::new();
    source.by_ref().take(LINE_BYTES).read_until(b'\n', &mut first).map_err(failed)?;
    let form = ending.unwrap_or_else(|| sniff(&first));
    let whole = Cursor::new(first).chain(source);
    match form {
        Form::Ndjson => ndjson(whole, each).map_err(failed),
        Form::Csv => csv(whole, name, each),
    }
}

/// A header names the ward or cover group; JSON begins with a brace.
fn sniff(first: &[u8]) -> Form {
    let text = String::from_utf8_lossy(first);
    let text = text.trim_start_matches('\u{feff}').trim();
    if !text.starts_with('{')
        && text.split(',').any(|name| matches!(name.trim().trim_matches('"'), "ward" | "cover_group"))
    {
        Form::Csv
    } else {
        Form::Ndjson
    }
}

fn ndjson(mut source: impl BufRead, mut each: impl FnMut(Row) -> bool) -> std::io::Result<()> {
    let (mut line, mut offset, mut bytes) = (0, 0, Vec::new());
    loop {
        bytes.clear();
        let mut read = source.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes)? as u64;
        if read == 0 {
            return Ok(());
        }
        line += 1;
        let report = if read == LINE_BYTES && bytes.last() != Some(&b'\n') {
            read += skip_line(&mut source)?;
            Some(Err(format!("the line is longer than {} KiB: not a report", LINE_BYTES >> 10)))
        } else {
            report(&bytes, line)
        };
        offset += read;
        if let Some(report) = report
            && !each(Row { line, offset, report })
        {
            return Ok(());
        }
    }
}

/// Leaves the rest of a line out, without keeping it.
fn skip_line(source: &mut impl BufRead) -> std::io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = source.fill_buf()?;
        let end = buffer.iter().position(|b| *b == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        let done = end.is_some() || buffer.is_empty();
        source.consume(used);
        skipped += used as u64;
        if done {
            return Ok(skipped);
        }
    }
}

/// A line as a report; a blank one is none.
fn report(bytes: &[u8], line: u64) -> Option<Result<pb::StaffingReport, String>> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Some(Err("not JSON: not UTF-8 text".to_owned())) };
    let text = if line == 1 { text.trim_start_matches('\u{feff}') } else { text };
    match text.trim_end() {
        "" => None,
        text => Some(json::from_str(text).map_err(|e| e.to_string())),
    }
}

fn csv(source: impl Read, name: &str, mut each: impl FnMut(Row) -> bool) -> Result<(), Broken> {
    let mut reader = table::reader(source);
    let header = reader.headers().map_err(|e| Broken::Header(format!("{name}:1: {}", table::explain(&e))))?.clone();
    let known: Vec<Column> = HEADS.iter().chain(FIGURES).chain(grades::columns()).copied().collect();
    let required = if header.iter().any(|name| name == "cover_group") { &REQUIRED[1..] } else { REQUIRED };
    let columns = table::columns(name, &header, &known, required).map_err(Broken::Header)?;
    loop {
        let read = table::next(&mut reader).map_err(|e| Broken::Source(format!("{name}: {}", table::explain(&e))))?;
        let Some((line, record)) = read else { return Ok(()) };
        let report = match record {
            Ok(record) => cells(&columns, &record),
            Err(why) => Some(Err(why)),
        };
        if let Some(report) = report
            && !each(Row { line, offset: reader.position().byte(), report })
        {
            return Ok(());
        }
    }
}

fn cells(columns: &[Column], record: &::csv::StringRecord) -> Option<Result<pb::StaffingReport, String>> {
    let message = table::message(columns, record)?;
    Some(message.and_then(|mut message| {
        grades::gather(&mut message);
        json::from_value(message.into()).map_err(|e| e.to_string())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::instant;

    fn rows(ending: Option<Form>, text: &[u8]) -> Result<Vec<Row>, Broken> {
        let mut rows = Vec::new();
        parse(text, ending, "FILE", |row| {
            rows.push(row);
            true
        })?;
        Ok(rows)
    }

    #[test]
    fn a_line_that_is_not_json_is_named_and_the_next_is_read() {
        let text = "\u{feff}{\"reportId\":\"a\"}\r\n\noops\n{\"reportId\":\"b\"}";
        let rows = rows(None, text.as_bytes()).unwrap();
        assert_eq!(rows.iter().map(|r| r.line).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(rows[1].report.as_ref().unwrap_err(), "not JSON: expected value (column 1)");
        assert_eq!(rows[2].report.as_ref().unwrap().report_id, "b");
        assert_eq!(rows[2].offset, text.len() as u64);
    }

    #[test]
    fn a_line_without_end_is_not_taken_into_memory() {
        let mut text = vec![b'x'; 3 * usize::try_from(LINE_BYTES).unwrap()];
        text.extend_from_slice(b"\n{\"reportId\":\"b\"}\n");
        let rows = rows(Some(Form::Ndjson), &text).unwrap();
        assert!(rows[0].report.as_ref().unwrap_err().contains("longer than 256 KiB"));
        assert_eq!((rows[1].line, rows[1].report.as_ref().unwrap().report_id.as_str()), (2, "b"));
        assert_eq!(rows[1].offset, text.len() as u64);
    }

    #[test]
    fn a_csv_is_known_by_its_header_and_an_empty_cell_is_not_reported() {
        let text = "\u{feff}ward,observed_time,source,report_id,revision,bedded,registered_nurses,judgement\r\n\
            organisations/RJ1/wards/A1,2016-04-26T08:00:00Z,BEDS,r1,,28,,UNSAFE\r\n\
            organisations/RJ1/wards/A1,26/04/2016 08:00,BEDS,r2,,28,3,\r\n\
            organisations/RJ1/wards/A1,2016-04-26T08:00:00Z,BEDS\r\n\
            organisations/RJ1/wards/A1,2016-04-26T08:00:00Z,BEDS,r4,2,-1,0,\r\n";
        let rows = rows(None, text.as_bytes()).unwrap();
        assert_eq!(rows.iter().map(|r| r.line).collect::<Vec<_>>(), [2, 3, 4, 5]);
        let first = rows[0].report.as_ref().unwrap();
        assert_eq!((first.patients.unwrap().bedded, first.nursing), (Some(28), None));
        assert_eq!(first.professional_judgement.unwrap().judgement(), pb::Judgement::Unsafe);
        assert!(
            rows[1].report.as_ref().unwrap_err().starts_with("observed_time: '26/04/2016 08:00' is not an instant")
        );
        assert_eq!(rows[2].report.as_ref().unwrap_err(), "3 cells where the header has 8");
        let last = rows[3].report.as_ref().unwrap();
        assert_eq!(
            (last.revision, last.patients.unwrap().bedded),
            (2, Some(-1)),
            "the service refuses it by its field"
        );
    }

    #[test]
    fn a_csv_may_hold_the_doctors_of_cover_groups_and_plans() {
        let text = "cover_group,observed_time,source,report_id,revision,plan_start_time,plan_end_time,plan_withdrawn,\
            consultant_at_work,consultant_acting_as_tier2,f1_at_work\n\
            organisations/RJ1/coverGroups/GENMED,2016-04-26T08:00:00Z,ROTA,r1,0,,,,3,1,\n\
            organisations/RJ1/coverGroups/GENMED,2016-04-20T08:00:00Z,ROTA,r2,0,\
            2016-04-26T07:00:00Z,2016-04-26T16:00:00Z,true,,,\n";
        let rows = rows(None, text.as_bytes()).unwrap();
        let [actual, plan] = [0, 1].map(|n: usize| rows[n].report.as_ref().unwrap());
        let grades = &actual.medical_cover.as_ref().unwrap().grades;
        let expected = pb::GradeCover {
            grade: pb::MedicalGrade::Consultant.into(),
            at_work: Some(3),
            acting_as_tier2: Some(1),
            ..pb::GradeCover::default()
        };
        assert_eq!((grades.as_slice(), actual.plan_period), (&[expected][..], None));
        let period = plan.plan_period.unwrap();
        assert!(period.withdrawn && plan.medical_cover.is_none());
        assert_eq!(instant(period.end_time).unwrap().to_string(), "2016-04-26T16:00:00Z");
    }

    #[test]
    fn a_csv_with_a_wrong_header_is_refused_whole() {
        let text = "ward,observed_time,source,report_id,revision,beded\n";
        let Broken::Header(why) = rows(None, text.as_bytes()).unwrap_err() else { panic!("the source is good") };
        let expected =
            "FILE:1: unknown column 'beded'; the header must be ward,observed_time,source,report_id,revision";
        assert!(why.starts_with(expected), "{why}");
        let broken = rows(Some(Form::Csv), b"ward,observed_time\n").unwrap_err();
        assert!(matches!(&broken, Broken::Header(why) if why.starts_with("FILE:1: column 'source' is missing")));
    }

    #[test]
    fn an_empty_file_has_no_rows() {
        assert!(rows(None, b"").unwrap().is_empty());
        assert!(rows(Some(Form::Ndjson), b"\n\n").unwrap().is_empty());
    }
}
