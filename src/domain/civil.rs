use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::AmbiguousOffset;

use crate::domain::{InvalidTime, Time, Zone, shown};

/// A date and time of day on the wall, without a zone: `2016-04-26T08:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CivilTime(DateTime);

/// The instants at which a zone's clocks show a civil time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instants {
    /// Once: the usual case.
    Once(Time),
    /// Twice, because the clocks go back over it.
    Twice {
        /// The first of the two.
        first: Time,
        /// The second.
        second: Time,
    },
    /// Never, because the clocks go forward over it.
    Never {
        /// When they do.
        jump: Time,
        /// What they show then.
        to: CivilTime,
    },
}

/// The forms that are read, the first also written.
const FORMS: [&str; 2] = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];

impl CivilTime {
    /// The instants at which clocks in `zone` show this. Out of the calendar's range counts as never.
    pub fn instants(self, zone: &Zone) -> Instants {
        let at = |offset: jiff::tz::Offset| {
            offset.to_timestamp(self.0).map_or(Time::default(), |t| Time::from_micros(t.as_microsecond()))
        };
        match zone.tz().to_ambiguous_timestamp(self.0).offset() {
            AmbiguousOffset::Unambiguous { offset } => Instants::Once(at(offset)),
            AmbiguousOffset::Fold { before, after } => Instants::Twice { first: at(before), second: at(after) },
            AmbiguousOffset::Gap { after, .. } => {
                // Read with the later offset, a time in the gap is an instant shortly before the jump.
                let jump = zone.tz().following(at(after).to_timestamp()).next().map(|t| t.timestamp().as_microsecond());
                let jump = jump.map_or_else(|| at(after), Time::from_micros);
                Instants::Never { jump, to: Self::of(jump, zone) }
            }
        }
    }
    /// What clocks in `zone` show at an instant.
    pub fn of(time: Time, zone: &Zone) -> Self {
        Self(time.to_timestamp().to_zoned(zone.tz().clone()).datetime())
    }
    /// Its day: `2016-04-26`.
    pub fn day(self) -> String {
        self.0.date().to_string()
    }
}

impl fmt::Display for CivilTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = if self.0.second() == 0 { FORMS[0] } else { FORMS[1] };
        self.0.strftime(form).fmt(f)
    }
}

impl FromStr for CivilTime {
    type Err = InvalidTime;
    /// Only what a clock on the wall shows: an offset or a `Z` is refused, so that nobody's UTC is taken for local.
    fn from_str(s: &str) -> Result<Self, InvalidTime> {
        let read = FORMS.into_iter().find_map(|form| DateTime::strptime(form, s).ok());
        read.map(Self).ok_or_else(|| {
            let shown = shown(s, 40);
            InvalidTime(format!(
                "'{shown}' is not a local date and time; write it without an offset, as 2016-04-26T08:00"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instants(civil: &str, zone: &str) -> Instants {
        civil.parse::<CivilTime>().unwrap().instants(&zone.parse().unwrap())
    }

    fn at(s: &str) -> Time {
        s.parse().unwrap()
    }

    #[test]
    fn the_walkout_of_april_2016_begins_at_seven_utc() {
        assert_eq!(instants("2016-04-26T08:00", "Europe/London"), Instants::Once(at("2016-04-26T07:00:00Z")));
        assert_eq!(instants("2016-01-12T08:00", "Europe/London"), Instants::Once(at("2016-01-12T08:00:00Z")));
    }

    #[test]
    fn the_hour_that_clocks_leave_out_exists_never_and_the_jump_is_named() {
        let to = "2016-03-27T02:00".parse().unwrap();
        for inside in ["2016-03-27T01:00", "2016-03-27T01:30", "2016-03-27T01:59:59"] {
            let never = Instants::Never { jump: at("2016-03-27T01:00:00Z"), to };
            assert_eq!(instants(inside, "Europe/London"), never, "{inside}");
        }
        assert_eq!(instants("2016-03-27T00:59", "Europe/London"), Instants::Once(at("2016-03-27T00:59:00Z")));
        assert_eq!(instants("2016-03-27T02:00", "Europe/London"), Instants::Once(at("2016-03-27T01:00:00Z")));
    }

    #[test]
    fn the_hour_that_clocks_show_twice_has_two_instants() {
        let twice = Instants::Twice { first: at("2016-10-30T00:30:00Z"), second: at("2016-10-30T01:30:00Z") };
        assert_eq!(instants("2016-10-30T01:30", "Europe/London"), twice);
        assert_eq!(instants("2016-10-30T02:00", "Europe/London"), Instants::Once(at("2016-10-30T02:00:00Z")));
    }

    #[test]
    fn local_times_are_read_without_an_offset_only() {
        for good in ["2016-04-26T08:00", "2016-04-26T08:00:00"] {
            assert_eq!(good.parse::<CivilTime>().unwrap().to_string(), "2016-04-26T08:00");
        }
        for bad in ["2016-04-26T08:00Z", "2016-04-26T08:00+01:00", "2016-04-26", "2016-02-30T08:00", "08:00", ""] {
            assert!(bad.parse::<CivilTime>().unwrap_err().0.contains("as 2016-04-26T08:00"), "{bad}");
        }
    }
}
