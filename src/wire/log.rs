//! The alert log's bytes. An event is encoded once, without position and time; a reader puts these two before it, since
//! protobuf merges what is concatenated. A `repeated` field is a concatenation too, so a subscriber's message is its
//! cursor and the joined slices of the events that match.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use crate::domain::{Span, Time};
use crate::wire::pb;
use crate::wire::{duration_to, timestamp_to};

/// `AlertEvents.events` and `SnapshotAlerts.alerts`.
const ITEM: u32 = 1;
/// `SubscribeResponse.cursor`.
const CURSOR: u32 = 1;
/// `SubscribeResponse.events`.
const EVENTS: u32 = 3;
/// `SubscribeResponse.snapshot_alerts`.
const SNAPSHOT_ALERTS: u32 = 4;

/// A stored payload that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored {what} cannot be read: {why}")]
pub struct CorruptPayload {
    what: &'static str,
    why: String,
}

impl CorruptPayload {
    pub(super) fn of(what: &'static str, why: &prost::DecodeError) -> Self {
        Self { what, why: why.to_string() }
    }
}

/// What filters look at, of one event or one alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Resource name of the organisation.
    pub organisation: String,
    /// Site code, or empty.
    pub site: String,
    /// Region code, or empty.
    pub region: String,
    /// Resource name of the subject.
    pub subject: String,
    /// The rule's id.
    pub rule: String,
    /// Resource name of the strike, or empty.
    pub strike: String,
    /// About a plan.
    pub forecast: bool,
    /// `Severity` of the peak as a number.
    pub peak_severity: i32,
    /// `AlertEventType` as a number; 0 for an alert of a snapshot.
    pub event_type: i32,
}

impl Keys {
    /// Bytes of its text.
    pub fn text(&self) -> usize {
        let text = [&self.organisation, &self.site, &self.region, &self.subject, &self.rule, &self.strike];
        text.map(String::len).iter().sum()
    }
}

/// What a message of a subscription says beside its cursor.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// First message.
    Opened {
        /// The heartbeat interval in force.
        interval: Span,
        /// The log's id.
        log: &'a str,
        /// The service's time.
        now: Time,
    },
    /// Slices made by [`event_item`].
    Events(&'a [Bytes]),
    /// Slices made by [`alert_item`].
    SnapshotAlerts(&'a [Bytes]),
    /// How many alerts the snapshot held.
    SnapshotComplete(usize),
    /// The service's time.
    Heartbeat(Time),
    /// Why the stream ends, and when to come back.
    Goodbye(&'a str, Span),
}

/// A length of time as asked for; zero, which no range allows, if it is negative or malformed.
pub fn asked(duration: prost_types::Duration) -> std::time::Duration {
    duration.try_into().unwrap_or_default()
}

/// A message's bytes.
pub fn encoded(message: &impl Message) -> Vec<u8> {
    message.encode_to_vec()
}

/// A stored alert.
pub fn alert(payload: &[u8]) -> Result<pb::Alert, CorruptPayload> {
    pb::Alert::decode(payload).map_err(|e| CorruptPayload::of("alert", &e))
}

/// A stored event at its place in the log.
pub fn event(position: i64, time: Time, payload: &[u8]) -> Result<pb::AlertEvent, CorruptPayload> {
    let mut event = pb::AlertEvent::decode(payload).map_err(|e| CorruptPayload::of("event", &e))?;
    event.position = position;
    event.event_time = Some(timestamp_to(time));
    Ok(event)
}

/// What filters look at of a stored event.
pub fn event_keys(payload: &[u8]) -> Result<Keys, CorruptPayload> {
    let event = event(0, Time::default(), payload)?;
    Ok(Keys { event_type: event.r#type, ..keys(event.alert.unwrap_or_default()) })
}

/// What filters look at of a stored alert.
pub fn alert_keys(payload: &[u8]) -> Result<Keys, CorruptPayload> {
    alert(payload).map(keys)
}

/// What filters look at of an alert.
pub fn keys(alert: pb::Alert) -> Keys {
    Keys {
        organisation: alert.organisation,
        site: alert.site,
        region: alert.region,
        subject: alert.subject,
        rule: alert.rule,
        strike: alert.strike,
        forecast: alert.forecast,
        peak_severity: alert.peak_severity,
        event_type: 0,
    }
}

/// A stored event as one item of `AlertEvents`, its place in the log put before its payload.
pub fn event_item(position: i64, time: Time, payload: &[u8]) -> Bytes {
    let place = pb::AlertEvent { position, event_time: Some(timestamp_to(time)), ..Default::default() };
    item(&place.encode_to_vec(), payload)
}

/// A stored alert as one item of `SnapshotAlerts`.
pub fn alert_item(payload: &[u8]) -> Bytes {
    item(&[], payload)
}

fn item(prefix: &[u8], payload: &[u8]) -> Bytes {
    let length = prefix.len() + payload.len();
    let mut out = BytesMut::with_capacity(length + 6);
    put_length(&mut out, ITEM, length);
    out.put_slice(prefix);
    out.put_slice(payload);
    out.freeze()
}

fn put_length(out: &mut impl BufMut, field: u32, length: usize) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
}

/// One `SubscribeResponse`, encoded, in parts to be sent one after the other. The slices of its body are not copied: they
/// are the window's own as long as nobody has come to fetch them.
pub fn frame(cursor: &[u8], body: Body<'_>) -> Vec<Bytes> {
    use pb::subscribe_response::Response;
    let response = match body {
        Body::Events(items) => return joined(cursor, EVENTS, items),
        Body::SnapshotAlerts(items) => return joined(cursor, SNAPSHOT_ALERTS, items),
        Body::Opened { interval, log, now } => Response::Opened(pb::Opened {
            heartbeat_interval: Some(duration_to(interval)),
            log_id: log.to_owned(),
            server_time: Some(timestamp_to(now)),
        }),
        Body::SnapshotComplete(count) => {
            Response::SnapshotComplete(pb::SnapshotComplete { alert_count: i32::try_from(count).unwrap_or(i32::MAX) })
        }
        Body::Heartbeat(now) => Response::Heartbeat(pb::Heartbeat { server_time: Some(timestamp_to(now)) }),
        Body::Goodbye(reason, after) => {
            Response::Goodbye(pb::Goodbye { reason: reason.to_owned(), retry_after: Some(duration_to(after)) })
        }
    };
    let cursor = Bytes::copy_from_slice(cursor);
    vec![pb::SubscribeResponse { cursor, response: Some(response) }.encode_to_vec().into()]
}

fn joined(cursor: &[u8], field: u32, items: &[Bytes]) -> Vec<Bytes> {
    let length = items.iter().map(Bytes::len).sum::<usize>();
    let head = 2 + encoded_len_varint(cursor.len() as u64) + encoded_len_varint(length as u64);
    let mut out = BytesMut::with_capacity(head + cursor.len());
    if !cursor.is_empty() {
        put_length(&mut out, CURSOR, cursor.len());
        out.put_slice(cursor);
    }
    put_length(&mut out, field, length);
    let mut parts = Vec::with_capacity(1 + items.len());
    parts.push(out.freeze());
    parts.extend_from_slice(items);
    parts
}

/// Reads back what [`frame`] made.
pub fn unframe(parts: &[Bytes]) -> Result<pb::SubscribeResponse, CorruptPayload> {
    pb::SubscribeResponse::decode(&*parts.concat()).map_err(|e| CorruptPayload::of("message", &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pb::subscribe_response::Response;

    fn alert_named(name: &str) -> pb::Alert {
        pb::Alert { name: name.into(), rule: "ratio.over_limit".into(), peak_severity: 3, ..Default::default() }
    }

    #[test]
    fn an_event_joined_from_slices_reads_as_if_it_had_been_encoded_whole() {
        let stored = pb::AlertEvent { r#type: 1, alert: Some(alert_named("alerts/x")), ..Default::default() };
        let payload = stored.encode_to_vec();
        let time = Time::from_micros(1_461_657_600_000_001);
        let items = [event_item(7, time, &payload), event_item(8, time, &payload)];
        let message = unframe(&frame(b"cursor", Body::Events(&items))).unwrap();
        let whole = |position| pb::AlertEvent { position, event_time: Some(timestamp_to(time)), ..stored.clone() };
        assert_eq!(message.cursor, "cursor");
        assert_eq!(message.response, Some(Response::Events(pb::AlertEvents { events: vec![whole(7), whole(8)] })));
    }

    #[test]
    fn a_snapshot_message_has_its_alerts_and_no_cursor() {
        let items = [alert_item(&alert_named("alerts/y").encode_to_vec())];
        let message = unframe(&frame(b"", Body::SnapshotAlerts(&items))).unwrap();
        assert_eq!(message.cursor, "");
        let alerts = vec![alert_named("alerts/y")];
        assert_eq!(message.response, Some(Response::SnapshotAlerts(pb::SnapshotAlerts { alerts })));
    }

    #[test]
    fn a_payload_that_is_not_an_event_is_said_to_be_corrupt() {
        assert!(event_keys(b"\xff\xff").is_err());
    }
}
