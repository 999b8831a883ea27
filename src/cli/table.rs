//! CSV with a fixed header: cells to JSON by the kind of their column, errors by line and column.

use std::io;

use csv::StringRecord;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::grades;
use crate::client::json;
use crate::domain::shown;

/// As much of a cell or a column's name as an error repeats, in characters: enough to find it, and no patient's notes.
const MOST_SHOWN: usize = 60;

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A whole number. A negative one is passed on, for the service to refuse by its field.
    Count,
    /// A revision: a whole number of 64 bits.
    Long,
    Number,
    Time,
    Truth,
    /// A value of this enum of the API, without its prefix.
    OneOf(&'static str),
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its name.
    pub name: &'static str,
    /// The field it goes to.
    pub field: &'static str,
    /// The block it belongs to; empty: the message itself.
    pub block: &'static str,
    pub kind: Kind,
    /// For people.
    pub help: &'static str,
}

impl Column {
    /// A column of the message itself.
    pub(super) const fn plain(name: &'static str, kind: Kind) -> Self {
        Self::of("", name, kind, "")
    }
    /// A column of a block, named as its field.
    pub(super) const fn of(block: &'static str, name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, field: name, block, kind, help }
    }
    /// The same, for a field of another name.
    pub(super) const fn writing(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// Puts a cell's value into the message. An empty cell says nothing.
    pub(super) fn put(&self, text: &str, message: &mut Map<String, Value>) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        let value = self.kind.value(text).map_err(|why| format!("{}: {why}", self.name))?;
        let fields = match self.block {
            "" => Some(message),
            block => message.entry(block).or_insert_with(|| Value::Object(Map::new())).as_object_mut(),
        };
        if let Some(fields) = fields {
            fields.insert(self.field.to_owned(), value);
        }
        Ok(())
    }
}

impl Kind {
    fn value(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Text => Ok(text.into()),
            Self::Count => whole::<i32>(text),
            Self::Long => whole::<i64>(text),
            Self::Number => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(number.into()),
                _ => Err(format!("'{}' is not a number", seen(text))),
            },
            Self::Time => text.parse::<Timestamp>().map(|time| time.to_string().into()).map_err(|_| {
                format!("'{}' is not an instant; write it as 2016-04-26T08:00:00Z or with an offset", seen(text))
            }),
            Self::Truth => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" => Ok(true.into()),
                "false" | "no" => Ok(false.into()),
                _ => Err(format!("'{}' is neither true nor false", seen(text))),
            },
            Self::OneOf(name) => one_of(name, text),
        }
    }
}

fn seen(text: &str) -> String {
    shown(text, MOST_SHOWN)
}

fn whole<T: std::str::FromStr + Into<Value>>(text: &str) -> Result<Value, String> {
    text.parse::<T>().map(Into::into).map_err(|_| format!("'{}' is not a whole number", seen(text)))
}

/// A value of an enum of the API, without its prefix.
pub(super) fn one_of(name: &str, text: &str) -> Result<Value, String> {
    let values = json::enum_values(name);
    match values.iter().position(|v| v == text) {
        // Values without their prefix are not JSON's; their numbers are, and UNSPECIFIED is 0.
        Some(index) => Ok((index + 1).into()),
        None => Err(format!("'{}' is none of {}", seen(text), values.join(", "))),
    }
}

/// The columns of a file by its header. Every name must be known, none twice, and the required ones there.
pub(super) fn columns(
    file: &str,
    header: &StringRecord,
    known: &[Column],
    required: &[&str],
) -> Result<Vec<Column>, String> {
    let expected = || {
        // A column for each grade and figure would fill a screen: one stands for all.
        let listed = known.iter().filter(|c| c.block != grades::BLOCK || c.name == "consultant_at_work");
        let optional: Vec<&str> = listed.map(|c| c.name).filter(|n| !required.contains(n)).collect();
        match optional.as_slice() {
            [] => format!("the header must be {}", required.join(",")),
            more => format!("the header must be {} and any of {}", required.join(","), more.join(",")),
        }
    };
    let mut found: Vec<Column> = Vec::new();
    for name in header {
        let column = known.iter().find(|c| c.name == name);
        let column = column.ok_or_else(|| format!("{file}:1: unknown column '{}'; {}", seen(name), expected()))?;
        if found.iter().any(|c| c.name == name) {
            return Err(format!("{file}:1: column '{name}' is there twice; {}", expected()));
        }
        found.push(*column);
    }
    match required.iter().find(|r| !found.iter().any(|c| c.name == **r)) {
        Some(missing) => Err(format!("{file}:1: column '{missing}' is missing; {}", expected())),
        None => Ok(found),
    }
}

/// A reader of our form: a BOM is accepted by the library, spaces around names are not part of them. A line ends at its
/// line feed and the carriage return before it is trimmed: the library's own CRLF counts lines one too low.
pub(super) fn reader<R: io::Read>(source: R) -> csv::Reader<Source<R>> {
    let mut form = csv::ReaderBuilder::new();
    form.trim(csv::Trim::Headers)
        .terminator(csv::Terminator::Any(b'\n'))
        .flexible(true)
        .from_reader(Source { inner: source, ended: false })
}

/// A source that remembers whether its end was met: then the record read last has no line feed behind it.
pub(super) struct Source<R> {
    inner: R,
    ended: bool,
}

impl<R: io::Read> io::Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.ended |= read == 0;
        Ok(read)
    }
}

/// A line of a CSV: its number, and its cells or what is wrong with them.
pub(super) type Line = (u64, Result<StringRecord, String>);

/// The next record without spaces around its cells, and the line it begins in; `None` at the end, an error when the source
/// cannot be read. The library takes the blank lines before a record for its beginning, so the line is counted back from
/// the record's end.
pub(super) fn next<R: io::Read>(reader: &mut csv::Reader<Source<R>>) -> Result<Option<Line>, csv::Error> {
    let mut bytes = csv::ByteRecord::new();
    if !reader.read_byte_record(&mut bytes)? {
        return Ok(None);
    }
    let inside = bytes.iter().flatten().filter(|b| **b == b'\n').count();
    let after = inside as u64 + u64::from(!reader.get_ref().ended);
    let cells = StringRecord::from_byte_record(bytes).map_err(|_| "not UTF-8 text".to_owned());
    let trimmed = cells.map(|mut cells| {
        cells.trim();
        cells
    });
    Ok(Some((reader.position().line().saturating_sub(after), trimmed)))
}

/// A record as a message in JSON; the first bad cell otherwise. `None`: a blank line.
pub(super) fn message(columns: &[Column], record: &StringRecord) -> Option<Result<Map<String, Value>, String>> {
    match record.len() {
        len if len == columns.len() => {}
        1 if record.iter().all(str::is_empty) => return None,
        len => return Some(Err(format!("{len} cells where the header has {}", columns.len()))),
    }
    let mut message = Map::new();
    let put = columns.iter().zip(record).try_for_each(|(column, cell)| column.put(cell, &mut message));
    Some(put.map(|()| message))
}

/// A CSV error without the library's own way of counting.
pub(super) fn explain(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".to_owned(),
        csv::ErrorKind::Io(error) => format!("cannot read: {error}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Column] = &[
        Column::plain("ward", Kind::Text),
        Column::plain("beds", Kind::Count),
        Column::plain("kind", Kind::OneOf("WardKind")),
        Column::plain("at", Kind::Time),
    ];

    fn header(text: &str) -> Result<Vec<Column>, String> {
        columns("w.csv", &StringRecord::from(text.split(',').collect::<Vec<_>>()), KNOWN, &["ward", "beds"])
    }

    #[test]
    fn a_header_names_what_is_unknown_and_what_is_missing() {
        assert!(header("ward,beds,at").is_ok());
        let unknown = header("ward,beds,colour").unwrap_err();
        let rest = "the header must be ward,beds and any of kind,at";
        assert_eq!(unknown, format!("w.csv:1: unknown column 'colour'; {rest}"));
        assert_eq!(header("ward,at").unwrap_err(), format!("w.csv:1: column 'beds' is missing; {rest}"));
        assert!(header("ward,beds,ward").unwrap_err().contains("twice"));
    }

    #[test]
    fn a_cell_is_read_by_its_columns_kind() {
        let cells = |cells: [&str; 4]| message(KNOWN, &StringRecord::from(cells.to_vec())).unwrap();
        let good = cells(["A1", "24", "ADULT_INPATIENT", "2016-04-26T09:00:00+01:00"]).unwrap();
        let expected = serde_json::json!({"ward": "A1", "beds": 24, "kind": 1, "at": "2016-04-26T08:00:00Z"});
        assert_eq!(Value::Object(good), expected);
        assert!(cells(["A1", "", "", ""]).unwrap().len() == 1, "an empty cell says nothing");
        assert_eq!(cells(["A1", "2.5", "", ""]).unwrap_err(), "beds: '2.5' is not a whole number");
        assert!(cells(["A1", "", "adult", ""]).unwrap_err().starts_with("kind: 'adult' is none of ADULT_INPATIENT, "));
        let notes = cells(["A1", &"bed 7\n".repeat(99), "", ""]).unwrap_err();
        assert!(notes.starts_with("beds: 'bed 7\\nbed 7") && notes.len() < 120, "in one line, and not whole: {notes}");
        let local = cells(["A1", "", "", "2016-04-26 08:00"]).unwrap_err();
        assert!(local.contains("2016-04-26T08:00:00Z"), "{local}");
    }

    #[test]
    fn bom_and_crlf_are_accepted() {
        let mut reader = reader("\u{feff}ward,beds\r\nA1,\"24\"\r\n\r\n\"A\n2\",\"\"\"3\"\r\n".as_bytes());
        assert_eq!(reader.headers().unwrap(), vec!["ward", "beds"]);
        let records = records(&mut reader);
        assert_eq!(records[0], (2, Ok(vec!["A1", "24"].into())));
        assert!(message(&KNOWN[..2], records[1].1.as_ref().unwrap()).is_none(), "a blank line is none");
        assert_eq!(records[2], (4, Ok(vec!["A\n2", "\"3"].into())));
    }

    #[test]
    fn a_line_is_counted_whatever_stands_before_and_in_it() {
        let mut reader = reader("\n\nward,beds\n\n\n A1 ,\"2\n4\n\"\n\u{e9},\n\nA2,3".as_bytes());
        assert_eq!(reader.headers().unwrap(), vec!["ward", "beds"]);
        let lines = records(&mut reader);
        assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [6, 9, 11]);
        assert_eq!(lines[0].1, Ok(vec!["A1", "2\n4"].into()));
        let mut reader = super::reader(&b"ward,beds\n\n\xff,1\n"[..]);
        reader.headers().unwrap();
        assert_eq!(records(&mut reader), [(3, Err("not UTF-8 text".to_owned()))]);
    }

    fn records<R: io::Read>(reader: &mut csv::Reader<Source<R>>) -> Vec<Line> {
        std::iter::from_fn(|| next(reader).unwrap()).collect()
    }
}
