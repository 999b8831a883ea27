//! Short ways to say what a ward reports, and what came of it.

use std::sync::Arc;

use tonic::Status;
use uuid::Uuid;
use wardwatch::clock::ManualClock;
use wardwatch::domain::{Clock, Span, Time};
use wardwatch::wire::pb::{self, ReceiptOutcome, ReportReceipt, StaffingReport};
use wardwatch::wire::timestamp_to;

/// 08:00 UTC on the first day of the strike of 2016.
pub fn morning() -> Time {
    "2016-04-26T08:00:00Z".parse().unwrap()
}

/// A clock that stands at [`morning`].
pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(morning()))
}

/// Moves a clock on.
pub fn pass(clock: &ManualClock, minutes: i64) {
    clock.advance_to(clock.now() + Span::minutes(minutes));
}

/// The name of ward number `n` of RJ1.
pub fn ward(n: usize) -> String {
    format!("organisations/RJ1/wards/A{n}")
}

/// An adult inpatient ward of 20 beds that reports every hour.
pub fn adult(name: &str) -> pb::Ward {
    pb::Ward {
        name: name.to_owned(),
        kind: pb::WardKind::AdultInpatient.into(),
        beds: Some(20),
        report_every_minutes: Some(60),
        ..Default::default()
    }
}

/// A report with an id of its own and no block.
pub fn report(ward: &str, at: Time, source: &str) -> StaffingReport {
    StaffingReport {
        report_id: Uuid::new_v4().to_string(),
        ward: ward.to_owned(),
        observed_time: Some(timestamp_to(at)),
        source: source.to_owned(),
        ..Default::default()
    }
}

/// What the bed management system says.
pub fn beds(ward: &str, at: Time, bedded: i32) -> StaffingReport {
    let patients = Some(pb::Patients { bedded: Some(bedded), ..Default::default() });
    StaffingReport { patients, ..report(ward, at, "BEDS") }
}

/// What the roster says.
pub fn nurses(ward: &str, at: Time, registered: i32) -> StaffingReport {
    let nursing = Some(pb::Nursing { registered_nurses: Some(registered), ..Default::default() });
    StaffingReport { nursing, ..report(ward, at, "ROSTER") }
}

/// Both at once.
pub fn figures(ward: &str, at: Time, bedded: i32, registered: i32) -> StaffingReport {
    StaffingReport { nursing: nurses(ward, at, registered).nursing, ..beds(ward, at, bedded) }
}

/// Rule, code of the ward (or subject), severity.
pub fn told(alert: &pb::Alert) -> (String, String, pb::Severity) {
    let subject = alert.subject.rsplit('/').next().unwrap_or_default();
    (alert.rule.clone(), subject.to_owned(), alert.severity())
}

pub fn outcomes(receipts: &[ReportReceipt]) -> Vec<ReceiptOutcome> {
    receipts.iter().map(ReportReceipt::outcome).collect()
}

/// Field, reason and text of everything a rejection names.
pub fn violations(receipt: &ReportReceipt) -> Vec<(String, pb::RejectReason, String)> {
    assert_eq!(receipt.outcome(), ReceiptOutcome::Rejected, "{receipt:?}");
    let error = receipt.error.as_ref().expect("a rejection says why");
    error.violations.iter().map(|v| (v.field.clone(), v.reason(), v.description.clone())).collect()
}

/// The reason in an RPC error's details.
pub fn reason(status: &Status) -> String {
    use tonic_types::StatusExt;
    status.get_error_details().error_info().map(|i| i.reason.clone()).unwrap_or_default()
}

/// The fields an RPC error names.
pub fn fields(status: &Status) -> Vec<String> {
    use tonic_types::StatusExt;
    let details = status.get_error_details();
    details.bad_request().map(|b| b.field_violations.iter().map(|v| v.field.clone()).collect()).unwrap_or_default()
}
