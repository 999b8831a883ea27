//! The way to the server. A connection whose peer is gone without a word looks like one that is busy: sqlx 0.9 sets no
//! keepalive (issue 3540), and after a partition TCP may wait for longer than we promise before it sends again. So one
//! connection does nothing but ask whether the server is there, and the others are given up when it is not.

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Error, PgConnection};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Between two questions.
const EVERY: Duration = Duration::from_millis(500);
/// How long an answer may take, and after how long another try to connect is begun. More than a second, so that a lost
/// first packet is sent once more (RFC 6298); less than the 2 s in which all goes on when storage is back.
const PATIENCE: Duration = Duration::from_millis(1_200);
/// How long one try to connect may take: servers far away, or busy, are slow with it.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// What was sent before the way was found anew may still be answered within this.
const GRACE: Duration = Duration::from_millis(250);

/// How the way is. Clones are one.
#[derive(Clone, Debug)]
pub(super) struct Line(watch::Sender<State>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    up: bool,
    /// How often the server was found anew. Connections from before are not trusted.
    found: u64,
}

impl Default for Line {
    fn default() -> Self {
        Self(watch::Sender::new(State { up: true, found: 0 }))
    }
}

impl Line {
    /// How often the server was found anew.
    pub(super) fn found(&self) -> u64 {
        self.0.borrow().found
    }

    /// Returns when the server is there.
    pub(super) async fn up(&self) {
        // The sender lives in self, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|state| state.up).await;
    }

    /// Waits for an answer to a read; `None` as soon as the server is not there.
    pub(super) async fn while_up<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let mut state = self.0.subscribe();
        let found = state.borrow_and_update().found;
        tokio::select! {
            biased;
            _ = state.wait_for(|now| !now.up || now.found != found) => None,
            answer = call => Some(answer),
        }
    }

    /// Waits for an answer to a write; `None` when the server was found anew meanwhile, over another connection, and the
    /// answer is still not there. What was sent may still reach the server later: etags keep it from doing harm.
    pub(super) async fn answer<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let mut state = self.0.subscribe();
        let found = state.borrow_and_update().found;
        let given_up = async {
            let _ = state.wait_for(|now| now.found != found).await;
            sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            answer = call => Some(answer),
            () = given_up => None,
        }
    }

    fn lost(&self) {
        if self.0.send_if_modified(|state| std::mem::take(&mut state.up)) {
            tracing::warn!("PostgreSQL does not answer: what is under way waits, or is given up when it answers again");
        }
    }

    fn regained(&self) {
        if !self.0.borrow().up {
            self.0.send_modify(|state| *state = State { up: true, found: state.found + 1 });
            tracing::info!("PostgreSQL answers again");
        }
    }

    /// Asks for ever whether the server is there.
    pub(super) async fn watch(self, options: PgConnectOptions) {
        loop {
            let connected = connect(&options, || self.lost()).await;
            self.regained();
            if let Some(conn) = connected {
                asked(conn).await;
                // Also when it was ended with an error: the server went down, and others that are idle have not noticed.
                self.lost();
            } else {
                // It is there, and takes no more connections: theirs are as good an answer.
                sleep(4 * EVERY).await;
            }
            sleep(EVERY / 5).await;
        }
    }
}

/// Connects, however long it takes; `None` when the server said that it would not have it. A try that takes long is given
/// company, because its packets may be lost. `late` hears of each that fails, or takes long.
async fn connect(options: &PgConnectOptions, late: impl Fn()) -> Option<PgConnection> {
    let mut tries = JoinSet::new();
    loop {
        let options = options.clone();
        tries.spawn(async move { timeout(CONNECT_DEADLINE, options.connect()).await });
        match timeout(PATIENCE, tries.join_next()).await {
            Ok(Some(Ok(Ok(Ok(conn))))) => return Some(conn),
            Ok(Some(Ok(Ok(Err(error))))) if is_there(&error) => return None,
            Ok(_) => {
                late();
                sleep(EVERY / 5).await;
            }
            Err(_) => late(),
        }
    }
}

/// Whether an error of connecting comes from a server that works: it has too many connections, or does not let us in. While
/// it starts up, goes down or recovers (57P01 to 57P03) it does not.
fn is_there(error: &Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| !code.starts_with("57P"))
}

/// Returns when there is no answer in time, or an error.
async fn asked(mut conn: PgConnection) {
    while let Ok(Ok(())) = timeout(PATIENCE, conn.ping()).await {
        sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_answered_counts_and_a_read_is_given_up_when_the_server_is_gone() {
        let line = Line::default();
        assert_eq!(line.while_up(async { 7 }).await, Some(7));
        line.lost();
        assert_eq!(line.while_up(std::future::pending::<()>()).await, None);
        assert!(futures_util::FutureExt::now_or_never(line.up()).is_none());
        line.regained();
        line.up().await;
        assert_eq!((line.found(), line.while_up(async { 8 }).await), (1, Some(8)));
    }

    #[tokio::test]
    async fn a_write_is_given_up_only_when_the_server_was_found_anew() {
        let line = Line::default();
        let waiting = line.answer(std::future::pending::<()>());
        tokio::pin!(waiting);
        assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
        line.lost();
        assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
        line.regained();
        assert_eq!(waiting.await, None);
        assert_eq!(line.answer(async { 9 }).await, Some(9));
    }
}
