use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::client::pb::{self, ReceiptOutcome};

/// What became of the reports so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub accepted: u64,
    pub superseded: u64,
    pub duplicate: u64,
    pub rejected: u64,
    /// Rejections by reason.
    reasons: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts a receipt; says why if it is a rejection.
    pub(super) fn count(&mut self, receipt: &pb::ReportReceipt) -> Option<String> {
        match receipt.outcome() {
            ReceiptOutcome::Accepted => self.accepted += 1,
            ReceiptOutcome::Superseded => self.superseded += 1,
            ReceiptOutcome::Duplicate => self.duplicate += 1,
            ReceiptOutcome::Rejected | ReceiptOutcome::Unspecified => {
                let error = receipt.error.clone().unwrap_or_default();
                let reason = super::shown::bare(error.reason().as_str_name(), "REJECT_REASON_");
                self.reject(reason);
                return Some(rejection(receipt, reason, &error));
            }
        }
        None
    }

    /// Counts something that never became a report.
    pub(super) fn reject(&mut self, reason: &str) {
        self.rejected += 1;
        *self.reasons.entry(reason.to_owned()).or_default() += 1;
    }

    /// Reports in all.
    pub(super) fn reports(&self) -> u64 {
        self.accepted + self.superseded + self.duplicate + self.rejected
    }

    /// The summary for people.
    pub(super) fn text(&self, elapsed: Duration) -> String {
        let mut text = format!(
            "{} reports in {:.1} s ({} reports/s): {} accepted, {} superseded, {} duplicate, {} rejected",
            self.reports(),
            elapsed.as_secs_f64(),
            self.rate(elapsed),
            self.accepted,
            self.superseded,
            self.duplicate,
            self.rejected
        );
        if !self.reasons.is_empty() {
            let reasons: Vec<_> = self.reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
            text = format!("{text} ({})", reasons.join(", "));
        }
        if self.reasons.contains_key("TOO_OLD") {
            text += "\n--shift-to-now moves a day of the past to end now";
        }
        text
    }

    /// The summary as one JSON object.
    pub(super) fn json(&self, elapsed: Duration) -> String {
        let summary = json!({
            "reports": self.reports(), "accepted": self.accepted, "superseded": self.superseded,
            "duplicate": self.duplicate, "rejected": self.rejected, "reasons": self.reasons,
            "seconds": elapsed.as_secs_f64(), "reportsPerSecond": self.rate(elapsed),
        });
        summary.to_string()
    }

    fn rate(&self, elapsed: Duration) -> u128 {
        u128::from(self.reports()) * 1_000_000 / elapsed.as_micros().max(1)
    }
}

/// Why a report was rejected, on one line: every field, or the message.
fn rejection(receipt: &pb::ReportReceipt, reason: &str, error: &pb::ReportError) -> String {
    let fields: Vec<_> = error.violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
    let why = if fields.is_empty() { error.message.clone() } else { fields.join("; ") };
    super::shown::clean(&format!("report {}: {reason}: {why}", receipt.report_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::json;

    #[test]
    fn a_rejection_says_which_report_which_field_and_why() {
        let text = r#"{"reportId":"r1","outcome":"RECEIPT_OUTCOME_REJECTED","error":{"reason":"REJECT_REASON_NEGATIVE",
            "message":"no","violations":[{"field":"patients.bedded","description":"is -1; a count is 0 or more"}]}}"#;
        let mut tally = Tally::default();
        let why = tally.count(&json::from_str(text).unwrap()).unwrap();
        assert_eq!(why, "report r1: NEGATIVE: patients.bedded: is -1; a count is 0 or more");
        let text = tally.text(Duration::from_millis(500));
        let expected =
            "1 reports in 0.5 s (2 reports/s): 0 accepted, 0 superseded, 0 duplicate, 1 rejected (1 NEGATIVE)";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_day_too_old_is_told_of_its_remedy() {
        let mut tally = Tally::default();
        tally.reject("TOO_OLD");
        assert!(tally.text(Duration::from_secs(1)).contains("--shift-to-now"));
    }
}
