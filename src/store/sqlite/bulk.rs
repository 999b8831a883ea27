use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

/// Rows a statement, greatest first. A call costs about as much as binding ten rows, and each size is a statement of
/// its own to prepare, so there are few.
const SIZES: [usize; 5] = [256, 64, 16, 4, 1];

/// A statement over `VALUES (?, ...), ...` in a few fixed sizes, for any number of rows.
#[derive(Debug)]
pub(super) struct Bulk([String; SIZES.len()]);

pub(super) type Call = Query<'static, Sqlite, SqliteArguments>;

impl Bulk {
    /// `before` and `after` stand around the VALUES of rows of so many columns.
    pub(super) fn new(before: &str, columns: usize, after: &str) -> Self {
        let row = format!("({})", vec!["?"; columns].join(","));
        Self(SIZES.map(|size| format!("{before} VALUES {} {after}", vec![&*row; size].join(","))))
    }

    /// Runs it over `rows`. `lead` binds what stands before the rows, `bind` one row's columns.
    pub(super) async fn run<R: Sync>(
        &'static self,
        conn: &mut SqliteConnection,
        rows: &[R],
        lead: impl Fn(Call) -> Call + Send,
        bind: impl Fn(Call, &R) -> Call + Send,
    ) -> Result<(), sqlx::Error> {
        let mut rest = rows;
        for (size, sql) in SIZES.iter().zip(&self.0) {
            while let Some((chunk, others)) = rest.split_at_checked(*size) {
                let call = chunk.iter().fold(lead(sqlx::query(sql.as_str())), &bind);
                call.execute(&mut *conn).await?;
                rest = others;
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn texts(&'static self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(String::as_str)
    }
}

/// For statements with nothing before the rows.
pub(super) fn no_lead(call: Call) -> Call {
    call
}
