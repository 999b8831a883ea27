use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use crate::domain::Time;
use crate::store::rows::{self, HeadColumns, SubjectColumns};
use crate::store::{Head, Result, SubjectRow};

/// The head and one subject in one row, which is wider than a tuple may be; no subject when there is none at all.
#[derive(Debug)]
pub(super) struct SurveyColumns {
    head: HeadColumns,
    subject: Option<SubjectColumns>,
}

impl<'r, R: Row> FromRow<'r, R> for SurveyColumns
where
    HeadColumns: FromRow<'r, R>,
    usize: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let head = HeadColumns::from_row(row)?;
        let Some(number) = row.try_get(8)? else { return Ok(Self { head, subject: None }) };
        let (organisation, name, etag, generation) =
            (row.try_get(9)?, row.try_get(10)?, row.try_get(11)?, row.try_get(12)?);
        let (next_check, hot, cold, summary) = (row.try_get(13)?, row.try_get(14)?, row.try_get(15)?, row.try_get(16)?);
        let subject = (number, organisation, name, etag, generation, next_check, hot, cold, summary);
        Ok(Self { head, subject: Some(subject) })
    }
}

/// The head that all rows share, and the subjects.
pub(super) fn survey(found: Vec<SurveyColumns>, clock: Option<Time>) -> Result<(Head, Vec<SubjectRow>)> {
    let mut head = None;
    let mut subjects = Vec::with_capacity(found.len());
    for row in found {
        head.get_or_insert(row.head);
        if let Some(subject) = row.subject {
            subjects.push(rows::subject(subject)?);
        }
    }
    Ok((rows::head(rows::one(head.into_iter().collect())?, clock), subjects))
}
