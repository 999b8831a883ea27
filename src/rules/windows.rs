//! When work is struck: windows of strikes as intervals of instants (domain.md section 6).

use std::sync::Arc;

use crate::domain::{
    Attribution, ElectivePolicy, ShiftName, Shifts, Span, Strike, StrikeId, StrikeMode, Time, Window, Zone,
};

/// An interval [start, end) in which work is struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struck {
    /// By which strike.
    pub strike: StrikeId,
    /// What those called out still do.
    pub mode: StrikeMode,
    /// What is asked of planned work.
    pub elective: ElectivePolicy,
    /// By which of its windows.
    pub window: u32,
    /// When that window opens: plans are due before then. Under attribution by shift start that is no later than `start`.
    pub opened: Time,
    /// The first instant, from which the first return is due: before it everybody is at work.
    pub start: Time,
    /// The first instant after it.
    pub end: Time,
}

/// The intervals in which work is struck, of strikes of doctors or of nurses, by start, then strike; windows called off
/// are left out. Those of different strikes may overlap. `shifts` and `zone` are the employer's: a strike by shift start
/// strikes the shifts begun inside its window, whole; shifts that follow each other are one interval.
pub fn struck(strikes: &[Arc<Strike>], doctors: bool, shifts: &Shifts, zone: &Zone) -> Vec<Struck> {
    let of = strikes.iter().filter(|s| s.staff_group.is_doctors() == doctors);
    let windows = of.flat_map(|strike| strike.planned().map(move |window| (strike, window)));
    let mut found: Vec<Struck> = windows.flat_map(|(strike, window)| of_window(strike, window, shifts, zone)).collect();
    found.sort_by(|a, b| (a.start, &a.strike, a.window).cmp(&(b.start, &b.strike, b.window)));
    found
}

/// The shifts, or parts of shifts, that a window strikes: start, end and name of each, by start. By shift start they are
/// whole and may outlast the window; by the clock they are cut at its edges.
pub fn shifts_struck(strike: &Strike, window: &Window, shifts: &Shifts, zone: &Zone) -> Vec<(Time, Time, ShiftName)> {
    match strike.attribution {
        Attribution::Clock => shifts.parts(window.start, window.end, zone),
        Attribution::ShiftStart => shifts.starting_in(window.start, window.end, zone),
    }
}

fn of_window(strike: &Strike, window: &Window, shifts: &Shifts, zone: &Zone) -> Vec<Struck> {
    let interval = |(start, end)| Struck {
        strike: strike.id.clone(),
        mode: strike.mode,
        elective: strike.elective,
        window: window.id,
        opened: window.start,
        start,
        end,
    };
    let mut joined: Vec<(Time, Time)> = Vec::new();
    match strike.attribution {
        Attribution::Clock => joined.push((window.start, window.end)),
        Attribution::ShiftStart => {
            for (start, end, _) in shifts.starting_in(window.start, window.end, zone) {
                match joined.last_mut() {
                    Some(last) if start <= last.1 => last.1 = last.1.max(end),
                    _ => joined.push((start, end)),
                }
            }
        }
    }
    joined.into_iter().map(interval).collect()
}

/// How long struck shifts outlast a window; zero when they do not.
pub fn tail(struck: &[Struck], strike: &StrikeId, window: &Window) -> Span {
    let ends = struck.iter().filter(|s| s.strike == *strike && s.window == window.id).map(|s| s.end);
    ends.max().map_or(Span::ZERO, |end| (end - window.end).max(Span::ZERO))
}

/// The intervals in force at an instant, the one that began first in front.
pub fn in_force(struck: &[Struck], now: Time) -> impl Iterator<Item = &Struck> {
    struck.iter().take_while(move |s| s.start <= now).filter(move |s| now < s.end)
}

/// What is struck now and later. Intervals that overlap or follow on each other are one time, in which a return that was
/// missed stays so; before a new time whatever was due in those that are over no longer is.
pub fn from_now(struck: &[Struck], now: Time) -> &[Struck] {
    let (mut from, mut until) = (0, None);
    for (n, interval) in struck.iter().enumerate() {
        let apart = until.is_none_or(|until| until < interval.start);
        if apart && until.is_some_and(|until| now < until) {
            break;
        }
        if apart {
            from = n;
        }
        until = until.max(Some(interval.end));
    }
    if until.is_some_and(|until| now < until) { &struck[from..] } else { &[] }
}

/// The first instant after `now` at which a struck interval begins or ends, or a window with one opens.
pub fn next_edge(struck: &[Struck], now: Time) -> Option<Time> {
    struck.iter().flat_map(|s| [s.opened, s.start, s.end]).filter(|t| *t > now).min()
}

/// The first instant strictly after `after` from which a new return of cover is due: an interval begins, or it is one of the
/// policy's local times of day (minutes since midnight) strictly inside a struck interval.
pub fn next_return(struck: &[Struck], after: Time, minutes: &[u16], zone: &Zone) -> Option<Time> {
    struck.iter().filter_map(|s| next_of(s, after, minutes, zone)).min()
}

fn next_of(struck: &Struck, after: Time, minutes: &[u16], zone: &Zone) -> Option<Time> {
    if after < struck.start {
        return Some(struck.start);
    }
    after.next_local(minutes, zone).filter(|t| *t < struck.end)
}
