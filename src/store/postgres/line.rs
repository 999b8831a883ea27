//! The way to the server, as the reading side knows it. A connection whose peer is gone without a word looks like one that
//! is busy: sqlx 0.9 sets no keepalive (issue 3540), and after a partition TCP may wait longer than we promise before it
//! sends again. The reading side notices, because the head is read all the time; the writing side listens.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// What was sent before the way was found anew may still be answered within this.
const GRACE: Duration = Duration::from_millis(250);

/// Counts how often the server was reached again over a new connection after an old one had failed. Clones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(watch::Sender<u64>);

impl Line {
    /// The server was reached again.
    pub(super) fn renewed(&self) {
        self.0.send_modify(|times| *times += 1);
    }

    /// Waits for an answer; `None` when the server was reached again meanwhile, over another connection, and the answer is
    /// still not there: it never will be.
    pub(super) async fn answer<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let mut line = self.0.subscribe();
        let given_up = async {
            // The sender lives in self, so there is no end to wait for.
            let _ = line.changed().await;
            sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            answer = call => Some(answer),
            () = given_up => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_answered_counts_whatever_happened_to_the_line() {
        let line = Line::default();
        line.renewed();
        assert_eq!(line.answer(async { 7 }).await, Some(7));
        let late = async {
            line.renewed();
            tokio::task::yield_now().await;
            8
        };
        assert_eq!(line.answer(late).await, Some(8));
    }

    #[tokio::test]
    async fn what_is_not_answered_is_given_up_when_the_server_is_reached_another_way() {
        let line = Line::default();
        let waiting = line.answer(std::future::pending::<()>());
        tokio::pin!(waiting);
        assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
        line.renewed();
        assert_eq!(waiting.await, None);
    }
}
