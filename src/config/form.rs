//! How values are written.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        serde::de::Error::custom(format!("'{text}' is not an address; write it as 127.0.0.1:50051 or [::1]:50051"))
    })
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|d| Duration::try_from(d).ok());
    parsed
        .ok_or_else(|| serde::de::Error::custom(format!("'{text}' is not a duration; write it as 30s, 15m or 1h 30m")))
}

pub(super) fn friendly<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let signed = jiff::SignedDuration::try_from(*duration).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&format!("{signed:#}"))
}
