use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{info, warn};

use super::alertmanager::{Alertmanager, Answer, HttpError};
use super::board::Board;
use super::holdings::{Holdings, Sending};
use super::now;
use crate::domain::Clock;

/// First wait after a failure, doubled with each.
const FIRST: Duration = Duration::from_millis(200);
/// Longest wait before jitter: well within an alert's life.
const LONGEST: Duration = Duration::from_secs(10);
/// So often the board is looked at without news: the watchdog ends by time alone.
const LOOK: Duration = Duration::from_secs(5);

/// Keeps one Alertmanager as the board is.
#[derive(Debug)]
pub(super) struct Target {
    alertmanager: Alertmanager,
    board: watch::Receiver<Board>,
    clock: Arc<dyn Clock>,
    holdings: Holdings,
    resend_every: Duration,
    /// Whether it was asked what it has from a bridge before this one.
    asked: bool,
    /// Whether it refused alerts since everything was sent last.
    refused: bool,
}

impl Target {
    pub(super) fn new(
        alertmanager: Alertmanager,
        board: watch::Receiver<Board>,
        clock: Arc<dyn Clock>,
        resend_every: Duration,
        lifetime: Duration,
    ) -> Self {
        Self {
            alertmanager,
            board,
            clock,
            holdings: Holdings::new(lifetime),
            resend_every,
            asked: false,
            refused: false,
        }
    }

    /// Runs until the board's keeper is gone and what it last said was sent.
    pub(super) async fn run(mut self) {
        if self.board.wait_for(Board::is_whole).await.is_err() {
            return;
        }
        let (mut delays, mut failing) = (delays(self.resend_every), false);
        let mut resend_at = Instant::now();
        loop {
            let all = failing || Instant::now() >= resend_at;
            match self.bring_up_to_date(all).await {
                Ok(()) => {
                    if all {
                        resend_at = Instant::now() + self.resend_every;
                    }
                    if std::mem::take(&mut failing) {
                        info!(alertmanager = %self.alertmanager, "Alertmanager is reached again; everything open was sent anew");
                        delays = self::delays(self.resend_every);
                    }
                    if !self.something_to_do(resend_at).await {
                        return;
                    }
                }
                Err(error) => {
                    failing = true;
                    let delay = delays.next().unwrap_or(LONGEST);
                    warn!(alertmanager = %self.alertmanager, "{error}; trying again in {} ms", delay.as_millis());
                    // Whatever happens meanwhile is on the board.
                    let gone = async { while self.board.changed().await.is_ok() {} };
                    if timeout(delay, gone).await.is_ok() {
                        return;
                    }
                }
            }
        }
    }

    /// Waits for news, or until it is time to look or to send all again; false when there will be no news any more.
    async fn something_to_do(&mut self, resend_at: Instant) -> bool {
        tokio::select! {
            news = self.board.changed() => news.is_ok(),
            () = sleep_until(resend_at.min(Instant::now() + LOOK)) => true,
        }
    }

    async fn bring_up_to_date(&mut self, all: bool) -> Result<(), HttpError> {
        self.send(all).await?;
        if !self.asked {
            self.ask().await;
            self.send(false).await?;
        }
        Ok(())
    }

    /// Sends what is due. One request that cannot be taken holds up none of the others, but for the watchdog: it vouches
    /// for all of them.
    async fn send(&mut self, all: bool) -> Result<(), HttpError> {
        let now = (Instant::now(), now(&*self.clock));
        let due = self.holdings.due(&self.board.borrow_and_update(), now, all);
        let mut failed = None;
        self.refused &= !all;
        for request in due {
            if (self.refused || failed.is_some()) && request.iter().all(Sending::is_watchdog) {
                continue;
            }
            let body: Vec<_> = request.iter().map(Sending::wire).collect();
            match self.alertmanager.post(&body).await {
                Ok(Answer::Taken) => self.holdings.took(request),
                Ok(Answer::Refused) => {
                    // It keeps the good ones of a request, and the bad would be refused again at once.
                    let (alertmanager, alerts) = (&self.alertmanager, request.len());
                    warn!(%alertmanager, alerts, "Alertmanager refused some alerts (400): its log says why; they are sent again");
                    self.refused = true;
                    self.holdings.took(request);
                }
                Err(error) => {
                    self.holdings.may_have_taken(request);
                    if !error.is_of_one_request() {
                        return Err(error);
                    }
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Learns what is there from a bridge before this one, so that what ended meanwhile can be ended. If it cannot be
    /// asked, that ends by itself; it is asked again with the next sending.
    async fn ask(&mut self) {
        let (own, open) = {
            let board = self.board.borrow();
            (board.own().map(|(label, value)| (label, value.to_owned())), board.len())
        };
        match self.alertmanager.own(&own).await {
            Ok(found) => {
                info!(alertmanager = %self.alertmanager, open, there = found.len(), "Alertmanager has all open alerts");
                self.holdings.found(found);
                self.asked = true;
            }
            Err(error) => warn!(
                alertmanager = %self.alertmanager,
                "{error}; what ended while no bridge ran ends there within four sending intervals, not at once"
            ),
        }
    }
}

fn delays(resend_every: Duration) -> ExponentialBackoff {
    let builder = ExponentialBuilder::new().with_min_delay(FIRST).with_max_delay(LONGEST.min(resend_every));
    builder.with_jitter().without_max_times().build()
}
