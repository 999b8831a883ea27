//! What was received, held against the alert log itself.

use std::collections::HashMap;

use crate::cli::Failure;
use crate::cli::demo::day::{london, told};
use crate::cli::demo::listener::{Listener, Seen};
use crate::cli::shown::bare;
use crate::client::{Client, Start, pb};

/// The whole alert log, read from its beginning by a subscriber of its own.
pub(super) async fn whole_log(client: &Client) -> Result<Vec<pb::AlertEvent>, Failure> {
    let start = Start::Since(london(25, 0, 0).to_timestamp());
    let mut listener = Listener::begin(client, start, Seen::default());
    listener.caught_up(client).await?;
    Ok(listener.seen().events)
}

/// How many events of the log were never received, or not as they stand in it, and how many came more than once.
pub(super) fn missed_and_twice(log: &[pb::AlertEvent], received: &[pb::AlertEvent]) -> (usize, usize) {
    let mut times: HashMap<i64, usize> = HashMap::new();
    for event in received {
        *times.entry(event.position).or_default() += 1;
    }
    let by_position: HashMap<i64, &pb::AlertEvent> = received.iter().map(|e| (e.position, e)).collect();
    let missed = log.iter().filter(|e| by_position.get(&e.position) != Some(e)).count();
    (missed, times.values().filter(|n| **n > 1).count())
}

/// The alert log as text, one line an event. Nothing in it differs from one demo to the next.
pub(super) fn as_text(log: &[pb::AlertEvent]) -> String {
    log.iter().map(line).collect()
}

fn line(event: &pb::AlertEvent) -> String {
    let alert = event.alert.clone().unwrap_or_default();
    let subject = alert.subject.trim_start_matches("organisations/");
    let subject = subject.replacen("/wards/", "/", 1).replacen("/coverGroups/", "/", 1);
    let severity = bare(alert.severity().as_str_name(), "SEVERITY_");
    let state = bare(alert.state().as_str_name(), "ALERT_STATE_");
    let resolution = bare(alert.resolution().as_str_name(), "RESOLUTION_");
    let cause = event.cause.as_ref().map_or("-", |c| bare(c.kind().as_str_name(), "CAUSE_KIND_"));
    let kind = bare(event.r#type().as_str_name(), "ALERT_EVENT_TYPE_");
    let id = alert.name.trim_start_matches("alerts/").get(..8).unwrap_or("-");
    let (position, at, rule) = (event.position, told(event.event_time), &alert.rule);
    format!(
        "{position:>3}  {at}  {kind:<16} {subject:<12} {rule:<20} {severity:<8} {state:<12} {resolution:<17} {cause:<9} {id}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: i64) -> pb::AlertEvent {
        pb::AlertEvent { position, ..pb::AlertEvent::default() }
    }

    #[test]
    fn what_never_came_what_came_twice_and_what_came_otherwise_is_counted() {
        let log = [at(1), at(2), at(3)];
        assert_eq!(missed_and_twice(&log, &log), (0, 0));
        assert_eq!(missed_and_twice(&log, &[at(1), at(3)]), (1, 0));
        assert_eq!(missed_and_twice(&log, &[at(1), at(2), at(2), at(3)]), (0, 1));
        let other = pb::AlertEvent { previous_state: 1, ..at(2) };
        assert_eq!(missed_and_twice(&log, &[at(1), other, at(3)]), (1, 0));
    }
}
