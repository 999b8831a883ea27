use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use jiff::{Timestamp, tz::TimeZone};

use crate::domain::shown;

/// An instant in microseconds since the Unix epoch, UTC: the resolution kept on the wire and in both databases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// A length of time in microseconds; may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// An IANA time zone, for civil times: shifts, census times, windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// Not a time this service can keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTime(pub String);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From microseconds.
    pub const fn micros(n: i64) -> Self {
        Self(n)
    }
    /// From milliseconds.
    pub const fn millis(n: i64) -> Self {
        Self(n * 1_000)
    }
    /// From seconds.
    pub const fn seconds(n: i64) -> Self {
        Self(n * 1_000_000)
    }
    /// From minutes.
    pub const fn minutes(n: i64) -> Self {
        Self::seconds(n * 60)
    }
    /// From hours.
    pub const fn hours(n: i64) -> Self {
        Self::minutes(n * 60)
    }
    /// From days of 24 hours.
    pub const fn days(n: i64) -> Self {
        Self::hours(n * 24)
    }
    /// In microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
    /// In whole minutes, rounded down.
    pub const fn as_minutes(self) -> i64 {
        self.0.div_euclid(60_000_000)
    }
    /// As a standard duration; zero when negative.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }
}

impl Time {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
    /// As a jiff timestamp; the nearest one jiff can express when out of its range.
    pub fn to_timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }
    /// Minutes since local midnight in `zone`.
    pub fn local_minute(self, zone: &Zone) -> i64 {
        let local = self.to_timestamp().to_zoned(zone.0.clone());
        i64::from(local.hour()) * 60 + i64::from(local.minute())
    }
    /// Hours and minutes in `zone`, `HH:MM`, for messages.
    pub fn local_hhmm(self, zone: &Zone) -> String {
        let local = self.to_timestamp().to_zoned(zone.0.clone());
        format!("{:02}:{:02}", local.hour(), local.minute())
    }
    /// Day and month in `zone`, `26 Apr`, for messages.
    pub fn local_day(self, zone: &Zone) -> String {
        self.to_timestamp().to_zoned(zone.0.clone()).strftime("%-d %b").to_string()
    }
    /// The first of the local times of day (minutes since midnight) strictly after this instant.
    pub fn next_local(self, minutes: &[u16], zone: &Zone) -> Option<Self> {
        let today = self.to_timestamp().to_zoned(zone.0.clone()).date();
        let days = [Some(today), today.tomorrow().ok(), today.tomorrow().and_then(jiff::civil::Date::tomorrow).ok()];
        days.into_iter()
            .flatten()
            .flat_map(|day| minutes.iter().filter_map(move |m| Self::civil(day, *m, zone)))
            .filter(|t| *t > self)
            .min()
    }
    /// The local days that [self, end) touches, in order.
    pub(super) fn local_days(self, end: Self, zone: &Zone) -> impl Iterator<Item = jiff::civil::Date> {
        let last = end.to_timestamp().to_zoned(zone.0.clone()).date();
        self.to_timestamp()
            .to_zoned(zone.0.clone())
            .date()
            .series(jiff::Span::new().days(1))
            .take_while(move |d| *d <= last)
    }
    /// A time of day, minutes since midnight, as an instant. One that clocks show twice is the first; one that they
    /// leave out is as much later as they jump.
    pub(super) fn civil(day: jiff::civil::Date, minute: u16, zone: &Zone) -> Option<Self> {
        let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
        let at = zone.0.to_zoned(day.at(hour, minute, 0, 0)).ok()?;
        Some(Self(at.timestamp().as_microsecond()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_timestamp().fmt(f)
    }
}

impl FromStr for Time {
    type Err = InvalidTime;
    /// RFC 3339 with an offset; a local date without one is refused.
    fn from_str(s: &str) -> Result<Self, InvalidTime> {
        let text = || format!("'{}' is not an instant; write it as 2016-04-26T08:00:00Z", shown(s, 40));
        let at: Timestamp = s.parse().map_err(|_| InvalidTime(text()))?;
        Ok(Self(at.as_microsecond()))
    }
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Time {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub for Time {
    type Output = Span;
    fn sub(self, other: Self) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Zone {
    /// The zone most of the service's users live in.
    pub fn london() -> Self {
        Self::from_str("Europe/London").unwrap_or(Self(TimeZone::UTC))
    }
    pub(super) const fn tz(&self) -> &TimeZone {
        &self.0
    }
    /// Its IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

impl FromStr for Zone {
    type Err = InvalidTime;
    fn from_str(name: &str) -> Result<Self, InvalidTime> {
        let text = || format!("'{}' is not an IANA time zone; for example Europe/London", shown(name, 40));
        TimeZone::get(name).map(Self).map_err(|_| InvalidTime(text()))
    }
}
