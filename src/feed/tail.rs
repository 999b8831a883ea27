//! The tail: reads the log as it grows into the window.

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::faults::{self, Point};
use crate::feed::Feed;
use crate::feed::window::{Input, Place};
use crate::store::{Head, LogRead, Result};

/// Bytes of events read in one go.
const READ: usize = 1 << 20;

type OnHead<'a> = &'a (dyn Fn(&Head) + Send + Sync);

/// Follows the log for ever: at every poll by the head row, at once after each commit of this process.
pub(super) async fn follow(feed: &Feed, mut committed: watch::Receiver<i64>, on_head: OnHead<'_>) {
    let mut polls = interval(feed.settings.poll);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut nobody_commits, mut down) = (false, false);
    loop {
        let outcome = tokio::select! {
            _ = polls.tick() => poll(feed, on_head).await,
            change = committed.changed(), if !nobody_commits => {
                nobody_commits = change.is_err();
                if down {
                    // After a failure wait for the poll, or a storage that is down would be asked without a pause.
                    continue;
                }
                read_on(feed, on_head).await
            }
        };
        match &outcome {
            Err(error) if !down => tracing::warn!(%error, "the alert log cannot be read; streams wait"),
            Ok(()) if down => tracing::info!("the alert log can be read again"),
            _ => {}
        }
        down = outcome.is_err();
    }
}

async fn head(feed: &Feed, on_head: OnHead<'_>) -> Result<Head> {
    let head = feed.store.head().await?;
    on_head(&head);
    Ok(head)
}

fn place(feed: &Feed) -> Option<Place> {
    feed.window.borrow().place
}

async fn poll(feed: &Feed, on_head: OnHead<'_>) -> Result<()> {
    let head = head(feed, on_head).await?;
    match place(feed) {
        None => restart(feed, &head, false),
        Some(place) if place.log_id == head.log_id && place.point == head.point => {}
        Some(place) if place.log_id == head.log_id && place.point.position < head.point.position => {
            return read_on(feed, on_head).await;
        }
        // The log is another, ends before the place that was read from it, or has another event there.
        Some(_) => restart(feed, &head, true),
    }
    Ok(())
}

/// Reads all that follows the window's place. The store compares the tag at that place.
async fn read_on(feed: &Feed, on_head: OnHead<'_>) -> Result<()> {
    while let Some(Place { point, .. }) = place(feed) {
        match feed.store.read_log(point, READ).await? {
            LogRead::Entries(entries) if entries.is_empty() => break,
            LogRead::Entries(entries) => {
                let inputs = Input::group(&entries);
                faults::point(Point::BeforePublish).await;
                feed.window.send_modify(|w| w.push(inputs));
            }
            // This process slept for longer than retention: its streams find out from the store.
            LogRead::Expired(_) => restart(feed, &head(feed, on_head).await?, false),
            LogRead::OtherHistory => restart(feed, &head(feed, on_head).await?, true),
        }
    }
    Ok(())
}

fn restart(feed: &Feed, head: &Head, new_history: bool) {
    if new_history {
        tracing::error!(
            position = head.point.position,
            "the log has another history (a restored backup or a lost tail): all streams end"
        );
    }
    feed.window.send_modify(|w| w.restart(head, new_history));
    if new_history {
        feed.histories.send_modify(|n| *n += 1);
    }
}
