//! The days of the story: times, and what every report of them has.

use crate::client::{Moment, instant, pb, timestamp_to};
use crate::domain::{Span, Time, Zone};

/// 25 April 2016, 00:00 in London (summer time), in seconds since 1970: 2016-04-24T23:00:00Z.
const DAY_BEFORE: i64 = 1_461_538_800;
/// The first day of the strike.
pub(super) const STRIKE_DAY: i64 = 26;

/// A time of day in London: 25 is the day before, 26 and 27 are the days of the strike.
pub(super) fn london(day: i64, hour: i64, minute: i64) -> Time {
    Time::from_micros(0) + Span::seconds(DAY_BEFORE) + Span::days(day - 25) + Span::minutes(hour * 60 + minute)
}

/// A time of the strike's first day.
pub(super) fn today(hour: i64, minute: i64) -> Time {
    london(STRIKE_DAY, hour, minute)
}

/// As people say it: `26 Apr 08:00`.
pub(super) fn said(time: Time) -> String {
    let zone = Zone::london();
    format!("{} {}", time.local_day(&zone), time.local_hhmm(&zone))
}

/// A time from the wire, as people say it.
pub(super) fn told(time: Option<Moment>) -> String {
    instant(time).map_or_else(|| "-".to_owned(), |t| said(Time::from_micros(t.as_microsecond())))
}

/// A report of a system about a subject, still without what it says. Its id is a function of the three, so that each
/// demo sends the same.
pub(super) fn report(source: &str, subject: &str, now: Time) -> pb::StaffingReport {
    let name = format!("{subject}/{source}/{}", now.as_micros());
    pb::StaffingReport {
        report_id: uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes()).to_string(),
        observed_time: Some(timestamp_to(now)),
        source: source.to_owned(),
        ..pb::StaffingReport::default()
    }
}
