//! The lines of the view: a label, and what stands beside it; never wider than a terminal of 100 columns.

use jiff::Timestamp;

use super::super::shown::clean;
use crate::client::{Moment, instant, pb};

/// Columns of a line.
pub(super) const COLUMNS: usize = 100;
/// Columns of a label.
pub(super) const LABEL: usize = 11;

/// What is being watched is in England, and so are its clocks.
const ZONE: &str = "Europe/London";

/// A line; what is too long is cut, and says so.
pub(super) fn line(label: &str, text: &str) -> String {
    cut(&format!("{label:<LABEL$}{}", clean(text)))
}

/// At most [`COLUMNS`] characters.
fn cut(text: &str) -> String {
    if text.chars().count() <= COLUMNS {
        return text.trim_end().to_owned();
    }
    let kept: String = text.chars().take(COLUMNS - 3).collect();
    format!("{}...", kept.trim_end())
}

/// Items joined by commas over at most so many lines; the first has the label, and the last is cut if it must be.
pub(super) fn wrapped(label: &str, items: &[String], most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        let full = lines.len() >= most;
        match lines.last_mut() {
            Some(line) if full || LABEL + line.chars().count() + item.chars().count() + 3 <= COLUMNS => {
                line.push_str(", ");
                line.push_str(item);
            }
            Some(line) => {
                line.push(',');
                lines.push(item.clone());
            }
            None => lines.push(item.clone()),
        }
    }
    lines.iter().enumerate().map(|(n, text)| line(if n == 0 { label } else { "" }, text)).collect()
}

/// `12,711`.
pub(super) fn thousands(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let groups: Vec<String> =
        digits.as_bytes().rchunks(3).rev().map(|group| group.iter().map(|b| char::from(*b)).collect()).collect();
    format!("{}{}", if n < 0 { "-" } else { "" }, groups.join(","))
}

/// `1 ward`, `2 wards`.
pub(super) fn counted(n: i32, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n.into()), if n == 1 { one } else { many })
}

/// `6 h 08 min`, `12 min`, `3 d 4 h`; under a minute in seconds.
pub(super) fn length(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {:02} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

/// `Tue 26 Apr 17:00`, on the clocks of England.
pub(super) fn moment(time: Option<Moment>) -> String {
    local(time, "%a %-d %b %H:%M")
}

/// As [`moment`]; on the day of another time the clock alone.
pub(super) fn near(time: Option<Moment>, other: Option<Moment>) -> String {
    let day = |t| local(t, "%F");
    if day(time) == day(other) { clock(time) } else { moment(time) }
}

/// `17:00`.
pub(super) fn clock(time: Option<Moment>) -> String {
    local(time, "%H:%M")
}

/// In a form of strftime.
pub(super) fn local(time: Option<Moment>, form: &str) -> String {
    let zoned = instant(time).and_then(|t: Timestamp| t.in_tz(ZONE).ok());
    zoned.map_or_else(|| "-".to_owned(), |t| t.strftime(form).to_string())
}

/// Seconds from one time to another.
pub(super) fn between(from: Option<Moment>, to: Option<Moment>) -> i64 {
    match (instant(from), instant(to)) {
        (Some(from), Some(to)) => to.as_second() - from.as_second(),
        _ => 0,
    }
}

/// `RJ1/A7`, `RJ1/GENMED`, `RJ1`.
pub(super) fn short(subject: &str) -> String {
    let bare = subject.strip_prefix("organisations/").unwrap_or(subject);
    bare.replacen("/wards/", "/", 1).replacen("/coverGroups/", "/", 1)
}

/// An enum value's name in small letters, without its prefix.
pub(super) fn words(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', " ")
}

/// A role, if there is one.
pub(super) fn role(value: i32) -> Option<String> {
    let role = pb::ResponderRole::try_from(value).ok().filter(|r| *r != pb::ResponderRole::Unspecified)?;
    Some(words(role.as_str_name(), "RESPONDER_ROLE_"))
}
