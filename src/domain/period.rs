use std::fmt;
use std::str::FromStr;

use crate::domain::{InvalidTime, Time, Zone, shown};

/// A period of time, half-open: the start belongs to it, the end does not. The start is before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// Its start.
    pub start: Time,
    /// Its end.
    pub end: Time,
}

impl Period {
    /// From `start` to `end`; none when that is no time at all.
    pub fn new(start: Time, end: Time) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }
    /// Whether an instant lies in it.
    pub fn contains(self, at: Time) -> bool {
        self.start <= at && at < self.end
    }
    /// What it shares with another; none when they only touch.
    pub fn overlap(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
    /// For messages: `27 Apr 08:00-17:00`, local time; the second day is named when it is another one.
    pub fn local(self, zone: &Zone) -> String {
        let (first, last) = (self.start.local_day(zone), self.end.local_day(zone));
        let (from, to) = (self.start.local_hhmm(zone), self.end.local_hhmm(zone));
        if first == last { format!("{first} {from}-{to}") } else { format!("{first} {from}-{last} {to}") }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.start, self.end)
    }
}

impl FromStr for Period {
    type Err = InvalidTime;
    /// Two instants with a slash between, as alerts on plans name their period.
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let (start, end) =
            text.split_once('/').ok_or_else(|| InvalidTime(format!("'{}' is not START/END", shown(text, 80))))?;
        let (start, end) = (start.parse()?, end.parse()?);
        Self::new(start, end).ok_or_else(|| InvalidTime(format!("'{}' ends before it starts", shown(text, 80))))
    }
}
