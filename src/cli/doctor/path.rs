//! Streams: what the log still holds, and whether what is sent comes through at once.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::service::Info;
use super::{Finding, PATIENCE};
use crate::client::{self, Client, Item, ItemKind, Start, Subscription, instant};

/// The shortest heartbeat there is.
const INTERVAL: Duration = Duration::from_secs(5);
/// What the way and a busy machine may add.
const SLACK: Duration = Duration::from_millis(1_500);
/// Messages that must come in time.
const BEATS: u32 = 2;

/// How far back one can resume: the time of the oldest event.
pub(super) async fn log(client: &Client, info: &Info) -> Finding {
    let answer = &info.answer;
    if answer.oldest_cursor == answer.newest_cursor {
        return Finding::ok("log", "it holds no event that one could resume before");
    }
    let start = Start::After(answer.oldest_cursor.clone());
    let mut stream = client.subscribe(Subscription { start, ..subscription() });
    let found = timeout(PATIENCE, async {
        loop {
            match stream.next().await?.kind {
                ItemKind::Events(events) => return Ok(events.into_iter().next()),
                // All has been sent, and nothing of it was for this caller.
                ItemKind::Heartbeat => return Ok(None),
                _ => {}
            }
        }
    });
    match found.await {
        Ok(Ok(Some(event))) => {
            let (now, then) = (instant(answer.server_time), instant(event.event_time).unwrap_or_default());
            let age = now.map_or(0, |now| now.as_second() - then.as_second());
            Finding::ok("log", format!("cursors are good back to the event of {then:.0}, {} ago", days(age)))
        }
        Ok(Ok(None)) => Finding::ok("log", "it holds no event for this caller"),
        Ok(Err(error)) => refused("log", &error),
        Err(_) => Finding::fail("log", "a subscription to it brings nothing", "see the service's log"),
    }
}

/// Days and hours, hours and minutes, or minutes.
fn days(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Subscribes with the shortest heartbeat, and sees that something comes each time.
pub(super) async fn heartbeats(client: &Client) -> Finding {
    let mut stream = client.subscribe(subscription());
    let (mut beats, mut longest, mut opened) = (0, Duration::ZERO, false);
    while beats < BEATS {
        let began = Instant::now();
        let limit = if opened { INTERVAL + SLACK } else { PATIENCE };
        match timeout(limit, stream.next()).await {
            Ok(Ok(Item { kind: ItemKind::Opened(_), .. })) if !opened => opened = true,
            Ok(Ok(Item { kind: ItemKind::Heartbeat, .. })) => {
                beats += 1;
                longest = longest.max(began.elapsed());
            }
            // Life too; the next silence is measured from here.
            Ok(Ok(Item { kind: ItemKind::Events(_), .. })) => beats += 1,
            Ok(Ok(Item { kind: ItemKind::Goodbye(reason), .. })) => {
                return Finding::warn("heartbeat", format!("the service ended the stream ({reason})"), "ask again");
            }
            Ok(Ok(_)) => return cut("the stream broke off and had to be opened again"),
            Ok(Err(error)) if error.is_transient() => return cut(&error.to_string()),
            Ok(Err(error)) => return refused("heartbeat", &error),
            Err(_) if opened => {
                return cut(&format!("nothing came for {} s, with a heartbeat every 5 s", limit.as_secs_f32()));
            }
            Err(_) => return cut(&format!("a stream did not open in {} s", limit.as_secs())),
        }
    }
    let what =
        format!("{BEATS} came in time, the longest silence was {} ms of {} s", longest.as_millis(), INTERVAL.as_secs());
    Finding::ok("heartbeat", what)
}

fn cut(what: &str) -> Finding {
    let remedy = "something in between holds answers back or forgets connections: no response buffering, \
                  stream and idle timeouts of an hour";
    Finding::fail("heartbeat", what, remedy)
}

/// What may well be meant is no failure.
fn refused(check: &'static str, error: &client::Error) -> Finding {
    if error.is_denied() {
        return Finding::warn(check, error.to_string(), "this identity may not subscribe, so this was not looked at");
    }
    Finding::fail(check, error.to_string(), "see the service's log")
}

/// Asks once: what would be mended by asking again is what should be found.
fn subscription() -> Subscription {
    Subscription {
        heartbeat: Some(INTERVAL),
        subscriber: "doctor".into(),
        give_up_after: Some(Duration::ZERO),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_as_people_tell_them() {
        assert_eq!([59, 3_540, 3_660, 90_000].map(days), ["0 min", "59 min", "1 h 1 min", "1 d 1 h"]);
    }
}
