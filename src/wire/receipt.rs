use crate::domain::{BlockReceipt, FieldViolation, Outcome, Receipt, ReportError};
use crate::wire::{pb, timestamp_to};

/// A receipt as its message.
pub fn receipt_to(receipt: &Receipt) -> pb::ReportReceipt {
    let Receipt { key, report_id, outcome, changed, standing } = receipt;
    let (outcome, blocks, error) = outcome_to(outcome);
    let stored = error.is_none();
    pb::ReportReceipt {
        report_id: report_id.clone(),
        name: key.as_ref().filter(|_| stored).map(ToString::to_string).unwrap_or_default(),
        outcome: outcome.into(),
        blocks: blocks.iter().map(block_to).collect(),
        error,
        changed_alerts: changed.iter().map(ToString::to_string).collect(),
        status: standing.map_or(0, |(status, _)| pb::WardStatus::from(status).into()),
        freshness: standing.map_or(0, |(_, freshness)| pb::Freshness::from(freshness).into()),
    }
}

fn outcome_to(outcome: &Outcome) -> (pb::ReceiptOutcome, &[BlockReceipt], Option<pb::ReportError>) {
    match outcome {
        Outcome::Accepted(blocks) => (pb::ReceiptOutcome::Accepted, blocks, None),
        Outcome::Superseded(blocks) => (pb::ReceiptOutcome::Superseded, blocks, None),
        Outcome::Duplicate => (pb::ReceiptOutcome::Duplicate, &[], None),
        Outcome::Rejected(error) => (pb::ReceiptOutcome::Rejected, &[], Some(error_to(error))),
    }
}

fn error_to(error: &ReportError) -> pb::ReportError {
    let violations: Vec<_> = error.violations.iter().map(violation_to).collect();
    pb::ReportError {
        reason: violations.first().map(|v| v.reason).unwrap_or_default(),
        message: error.to_string(),
        violations,
    }
}

fn violation_to(violation: &FieldViolation) -> pb::FieldViolation {
    let FieldViolation { field, reason, description } = violation;
    pb::FieldViolation {
        field: field.clone(),
        reason: pb::RejectReason::from(*reason).into(),
        description: description.clone(),
    }
}

fn block_to(receipt: &BlockReceipt) -> pb::BlockReceipt {
    let outcome = if receipt.applied { pb::BlockOutcome::Applied } else { pb::BlockOutcome::Superseded };
    pb::BlockReceipt {
        block: pb::BlockKind::from(receipt.block).into(),
        outcome: outcome.into(),
        current_observed_time: Some(timestamp_to(receipt.current)),
    }
}
