use prost_types::{Duration, Timestamp};

use crate::domain::{Span, Time};

/// A protobuf timestamp as an instant, cut to the microsecond; `None` outside the years 1970 to 9999.
pub fn to_time(t: Timestamp) -> Option<Time> {
    const LAST_SECOND: i64 = 253_402_300_799;
    let nanos = i64::from(t.nanos);
    ((0..=LAST_SECOND).contains(&t.seconds) && (0..1_000_000_000).contains(&nanos))
        .then(|| Time::from_micros(t.seconds * 1_000_000 + nanos / 1_000))
}

/// An instant as a protobuf timestamp, nanoseconds never negative.
pub fn timestamp_to(t: Time) -> Timestamp {
    let micros = t.as_micros();
    // The remainder is below a million, so the product fits.
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or_default();
    Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// A length of time as a protobuf duration.
pub fn duration_to(span: Span) -> Duration {
    let micros = span.as_micros();
    let nanos = i32::try_from(micros % 1_000_000 * 1_000).unwrap_or_default();
    Duration { seconds: micros / 1_000_000, nanos }
}
