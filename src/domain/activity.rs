use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::domain::{InvalidTime, Time, Zone, shown};

/// A day of the calendar, as its organisation's clocks count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// Kinds of planned work that a strike postpones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityCategory {
    /// Operations with a night in hospital.
    Inpatient,
    /// Operations without.
    DayCase,
    /// Outpatient appointments.
    Outpatient,
}

/// Planned work of one organisation, day and category: absolute figures, the last received replaces.
/// An absent count was not reported, and is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// The day.
    pub day: Day,
    /// The kind of work.
    pub category: ActivityCategory,
    /// Planned before the strike.
    pub planned: Option<u32>,
    /// Delivered.
    pub delivered: Option<u32>,
    /// Postponed.
    pub postponed: Option<u32>,
}

impl ActivityCategory {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Inpatient, Self::DayCase, Self::Outpatient];
}

impl Day {
    /// The day that an instant lies in, in `zone`.
    pub fn of(at: Time, zone: &Zone) -> Self {
        Self(at.to_timestamp().to_zoned(zone.tz().clone()).date())
    }
    /// Days since 1 January 1970.
    pub fn number(self) -> i64 {
        let since = self.0.duration_since(Date::constant(1970, 1, 1));
        since.as_hours() / 24
    }
    /// The day so many days after 1 January 1970; none when it is out of any calendar's range.
    pub fn from_number(days: i64) -> Option<Self> {
        Date::constant(1970, 1, 1).checked_add(jiff::SignedDuration::from_hours(days.checked_mul(24)?)).ok().map(Self)
    }
    /// The next day.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }
    /// When it begins in `zone`.
    pub fn start(self, zone: &Zone) -> Time {
        let start = zone.tz().to_ambiguous_zoned(self.0.at(0, 0, 0, 0)).compatible();
        start.map_or_else(|_| Time::default(), |at| Time::from_micros(at.timestamp().as_microsecond()))
    }
}

impl fmt::Display for Day {
    /// `2016-04-26`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let strict = text.len() == 10;
        let day = text.parse().ok().filter(|_| strict).map(Self);
        day.ok_or_else(|| InvalidTime(format!("'{}' is not a day; write it as 2016-04-26", shown(text, 40))))
    }
}
