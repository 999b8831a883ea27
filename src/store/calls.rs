use std::fmt::Debug;
use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::domain::{SubjectName, Time};
use crate::store::past::AsOf;
use crate::store::{
    ActivityChange, Batch, Committed, ConfigChange, ConfigOutcome, Connections, ReportRowKey, Result, StoreError, Trim,
};

/// How long a read may take before the database counts as unreachable.
pub(super) const READ_DEADLINE: Duration = Duration::from_secs(10);

/// A parameter of a read, in the few forms both engines know.
#[derive(Clone, Debug)]
pub(super) enum Arg {
    Int(i64),
    Blob(Vec<u8>),
    Ints(Vec<i64>),
    /// Reports' keys: one parameter in SQLite, three arrays in PostgreSQL.
    Keys(Vec<ReportRowKey>),
    Text(String),
    Texts(Vec<String>),
}

/// A row that both engines can decode: any tuple of integers, texts and bytes.
pub(super) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static
{
}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static {}

/// The reading side of a database. The statements that differ between the engines are its own; the rest is in `sql`.
pub(super) trait Reader: Debug + Send + Sync + 'static {
    /// "sqlite" or "postgres".
    const NAME: &'static str;
    /// Its statements.
    const SQL: Statements;
    /// Its clock, where the database has none.
    fn clock(&self) -> Option<Time>;
    /// All rows of one statement, in a task of its own: a caller that gives up does not cancel it.
    fn rows<T: Row>(&self, sql: &'static str, args: Vec<Arg>) -> impl Future<Output = Result<Vec<T>>> + Send;
    /// Counts how often it had to connect anew. After a crash a server shows commits that its standby may not have.
    fn connected(&self) -> u64 {
        0
    }
    /// Returns, with the reason, when nothing can be stored any more until the process is started anew.
    fn lost(&self) -> impl Future<Output = String> + Send {
        std::future::pending()
    }
    /// How its connections are used at this moment.
    fn connections(&self) -> Connections;
    /// Ends all reading.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// Reading statements that the two dialects spell differently.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statements {
    pub head: &'static str,
    pub load_subjects: &'static str,
    pub subject_summaries: &'static str,
    pub summaries_of: &'static str,
    pub survey: &'static str,
    pub find_reports: &'static str,
    pub list_alerts: &'static str,
    pub list_alerts_newest_first: &'static str,
    pub alerts_as_of: &'static LazyLock<AsOf>,
    pub activity: &'static str,
    pub size: &'static str,
    pub list_audit_of_subjects: &'static str,
}

/// The writing side: one connection, used by one task, one order after the other.
pub(super) trait Scribe: Debug + Send + 'static {
    /// Carries out a batch.
    fn commit(&mut self, batch: &Batch) -> impl Future<Output = Result<Committed>> + Send;
    /// Commits something that changes nothing, behind whatever is under way.
    fn barrier(&mut self) -> impl Future<Output = Result<()>> + Send;
    /// Changes the register.
    fn change_config(&mut self, change: &ConfigChange) -> impl Future<Output = Result<ConfigOutcome>> + Send;
    /// Stores activity.
    fn put_activity(&mut self, change: &ActivityChange) -> impl Future<Output = Result<()>> + Send;
    /// Removes what retention lets go.
    fn trim(&mut self, trim: &Trim) -> impl Future<Output = Result<u64>> + Send;
    /// Ends all writing.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// Runs `call` in a task of its own, so that dropping the caller's future never cuts it off half way, and gives up
/// waiting for it at the deadline.
pub(super) async fn owned<T: Send + 'static>(
    deadline: Duration,
    call: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let task = tokio::spawn(async move { tokio::time::timeout(deadline, call).await });
    match task.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(StoreError::Unavailable(format!("no answer within {} s", deadline.as_secs()))),
        Err(broken) => Err(StoreError::Unavailable(format!("the call broke off: {broken}"))),
    }
}

/// A stored name, or the refusal of a row that cannot be ours.
pub(super) fn subject_name(name: &str) -> Result<SubjectName> {
    name.parse().map_err(|e| StoreError::Refused(format!("a stored subject's name is damaged: {e}")))
}
