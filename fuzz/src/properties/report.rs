use prost::Message as _;

use super::is_an_error_of_one_line;
use crate::domain::ReportError;
use crate::wire::{self, pb};

/// Most things that can be wrong with one report: four with each of 50 red flags, nine with each of nine grades, and
/// one or two with each field beside.
const MOST_VIOLATIONS: usize = 400;
/// The longest text: every national red flag is named.
const LONGEST: usize = 700;

/// A report from the wire is refused by field and reason, or its canonical bytes say the same again.
///
/// # Panics
/// If not.
pub fn report(bytes: &[u8]) {
    let Ok(message) = pb::StaffingReport::decode(bytes) else { return };
    let report = match wire::report_from(message) {
        Ok(report) => report,
        Err(error) => return refused(&error),
    };
    let stored = wire::encode_report(&report);
    let again = pb::StaffingReport::decode(stored.clone()).expect("canonical bytes are a message");
    assert!(again.encoded_len() == stored.len(), "and nothing beside");
    let again = wire::report_from(again).expect("a report that was valid once is valid");
    assert_eq!(again, report, "stored and read again it says the same");
    let twice = wire::encode_report(&again);
    assert_eq!(twice, stored, "one report has one form");
    assert_eq!(wire::digest(&twice), wire::digest(&stored));
    let shown = wire::decode_report(stored).expect("stored bytes are shown");
    let grades = shown.medical_cover.iter().flat_map(|cover| &cover.grades);
    assert!(
        grades.into_iter().all(|g| g.absent_industrial_action.is_none() && g.absent_other.is_none()),
        "nobody is shown why doctors were absent"
    );
}

/// A refusal names a field and says what is wrong with it, and is not much longer than what it refuses.
pub(super) fn refused(error: &ReportError) {
    assert!(!error.violations.is_empty(), "a refusal has a reason");
    assert!(error.violations.len() <= MOST_VIOLATIONS, "{} violations", error.violations.len());
    for violation in &error.violations {
        let path = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'[' | b']');
        assert!(!violation.field.is_empty() && violation.field.bytes().all(path), "a field's path: {violation:?}");
        is_an_error_of_one_line(&violation.description, LONGEST);
    }
}
