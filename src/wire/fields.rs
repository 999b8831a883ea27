use std::fmt::Display;
use std::str::FromStr;

use prost_types::Timestamp;

use crate::domain::{FieldViolation, RejectReason, ReportError, Time};
use crate::wire::to_time;

/// Fields of a request that are wrong: path, and what with the remedy. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidFields(pub Vec<(String, String)>);

/// Collects everything wrong with a message, so that a sender learns it all at once.
#[derive(Debug, Default)]
pub struct Violations {
    prefix: String,
    found: Vec<FieldViolation>,
}

/// No ward has so many of anything; above it a count is absurd on its face.
pub const MOST: i32 = 9_999;

impl Violations {
    /// For a message that stands at `prefix`, such as `wards[3].`.
    pub fn at(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), found: Vec::new() }
    }
    /// Notes one.
    pub fn add(&mut self, field: &str, reason: RejectReason, description: impl Into<String>) {
        self.found.push(FieldViolation::new(format!("{}{field}", self.prefix), reason, description));
    }
    /// An optional count.
    pub fn count(&mut self, field: &str, value: Option<i32>) -> Option<u32> {
        self.bounded(field, value, MOST)
    }
    /// An optional count with a greatest value.
    pub fn bounded(&mut self, field: &str, value: Option<i32>, most: i32) -> Option<u32> {
        let value = value?;
        if value > most {
            self.add(field, RejectReason::Implausible, format!("{value} is not plausible: at most {most}"));
        }
        u32::try_from(value)
            .inspect_err(|_| {
                self.add(
                    field,
                    RejectReason::Negative,
                    format!("{value} is negative: send 0, or leave it out if unknown"),
                );
            })
            .ok()
    }
    /// A count that must be there.
    pub fn required(&mut self, field: &str, value: Option<i32>) -> u32 {
        match value {
            None => self.add(field, RejectReason::Missing, "is required: send 0 if there are none"),
            Some(negative) if negative < 0 => {
                let text = format!("{negative} is negative: send 0 if there are none");
                self.add(field, RejectReason::Negative, text);
            }
            Some(_) => return self.count(field, value).unwrap_or_default(),
        }
        0
    }
    /// A count that is part of another one.
    pub fn part(&mut self, field: &str, part: Option<u32>, whole_name: &str, whole: u32) {
        if let Some(part) = part.filter(|p| *p > whole) {
            let text = format!("{part} is more than the {whole} of {whole_name}, of which it is a part");
            self.add(field, RejectReason::Implausible, text);
        }
    }
    /// Notes that a field is not there.
    pub fn missing(&mut self, field: &str) {
        self.add(field, RejectReason::Missing, "is required");
    }
    /// Text that must parse.
    pub fn parse<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        if text.is_empty() {
            self.missing(field);
            return None;
        }
        self.parse_optional(field, text)
    }
    /// Text that must parse unless it is empty.
    pub fn parse_optional<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        if text.is_empty() {
            return None;
        }
        text.parse().map_err(|e: T::Err| self.add(field, RejectReason::Malformed, e.to_string())).ok()
    }
    /// An instant that must be there.
    pub fn time(&mut self, field: &str, value: Option<Timestamp>) -> Option<Time> {
        if value.is_none() {
            self.missing(field);
        }
        self.time_optional(field, value)
    }
    /// An instant that may be absent.
    pub fn time_optional(&mut self, field: &str, value: Option<Timestamp>) -> Option<Time> {
        let time = to_time(value?);
        if time.is_none() {
            self.add(field, RejectReason::Malformed, "is not an instant between the years 1970 and 9999");
        }
        time
    }
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
    /// All that was found, as a report's error.
    pub fn into_report_error(self) -> Option<ReportError> {
        (!self.found.is_empty()).then_some(ReportError { violations: self.found })
    }
    /// All that was found, as a request's.
    pub fn into_fields(self) -> Vec<(String, String)> {
        self.found.into_iter().map(|v| (v.field, v.description)).collect()
    }
}
