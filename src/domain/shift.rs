use crate::domain::{Time, Zone};

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// Day or night: what minima are set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShiftName {
    /// The day shift.
    Day,
    /// The night shift.
    Night,
}

/// A shift by the clock on the wall. One that ends no later than it begins ends on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shift {
    /// Day or night.
    pub name: ShiftName,
    /// When it begins, minutes since local midnight.
    pub start: u16,
    /// When it ends, minutes since local midnight.
    pub end: u16,
}

/// The shifts of a day, by start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shifts(Vec<Shift>);

/// Not a list of shifts: why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidShifts(pub String);

impl Default for Shifts {
    /// DAY 07:30-20:00 and NIGHT 20:00-07:30 (domain.md section 6).
    fn default() -> Self {
        let (morning, evening) = (7 * 60 + 30, 20 * 60);
        Self(vec![
            Shift { name: ShiftName::Day, start: morning, end: evening },
            Shift { name: ShiftName::Night, start: evening, end: morning },
        ])
    }
}

impl Shifts {
    /// From shifts in any order.
    ///
    /// # Errors
    /// When there is none, a time is not one of the day, or two begin together.
    pub fn new(mut shifts: Vec<Shift>) -> Result<Self, InvalidShifts> {
        shifts.sort_by_key(|s| s.start);
        let twice = shifts.windows(2).find(|pair| pair[0].start == pair[1].start);
        if shifts.is_empty() {
            Err(InvalidShifts("at least one shift is needed".into()))
        } else if shifts.iter().any(|s| s.start >= DAY_MINUTES || s.end >= DAY_MINUTES) {
            Err(InvalidShifts("a time of day is 00:00 to 23:59".into()))
        } else if let Some(pair) = twice {
            let start = pair[0].start;
            Err(InvalidShifts(format!("two shifts begin at {:02}:{:02}", start / 60, start % 60)))
        } else {
            Ok(Self(shifts))
        }
    }
    /// The shifts, by start.
    pub fn as_slice(&self) -> &[Shift] {
        &self.0
    }
    /// Whether an instant belongs to day or night: the shift that began last.
    pub fn at(&self, time: Time, zone: &Zone) -> ShiftName {
        let minute = time.local_minute(zone);
        let begun = self.0.iter().rev().find(|s| i64::from(s.start) <= minute);
        begun.or(self.0.last()).map_or(ShiftName::Day, |s| s.name)
    }
    /// Shifts that begin in [start, end), whole, by start: start, end and name of each. A shift is as long as the
    /// clocks make it: the night over a clock change is an hour shorter or longer.
    pub fn starting_in(&self, start: Time, end: Time, zone: &Zone) -> Vec<(Time, Time, ShiftName)> {
        let of_day = |day| self.0.iter().filter_map(move |s| s.on(day, zone).map(|(from, to)| (from, to, s.name)));
        let mut found: Vec<_> = start.local_days(end, zone).flat_map(of_day).collect();
        found.retain(|(from, _, _)| (start..end).contains(from));
        found.sort_unstable();
        found
    }
    /// [start, end) cut where a shift begins: start, end and name of each part, as [`Self::at`] names it.
    pub fn parts(&self, start: Time, end: Time, zone: &Zone) -> Vec<(Time, Time, ShiftName)> {
        let begins = self.starting_in(start, end, zone).into_iter().map(|(from, _, _)| from);
        let mut cuts: Vec<Time> = std::iter::once(start).chain(begins).collect();
        cuts.dedup();
        let ends = cuts.iter().skip(1).copied().chain([end]);
        cuts.iter()
            .zip(ends)
            .filter(|(from, to)| *from < to)
            .map(|(from, to)| (*from, to, self.at(*from, zone)))
            .collect()
    }
}

impl Shift {
    fn on(self, day: jiff::civil::Date, zone: &Zone) -> Option<(Time, Time)> {
        let last = if self.end > self.start { day } else { day.tomorrow().ok()? };
        Some((Time::civil(day, self.start, zone)?, Time::civil(last, self.end, zone)?))
    }
}
