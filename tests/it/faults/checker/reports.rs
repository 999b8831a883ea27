//! What was receipted, and what was stored.

use std::collections::{BTreeMap, HashSet};

use wardwatch::domain::{Span, Time};
use wardwatch::wire::pb::{self, CauseKind, ReceiptOutcome};
use wardwatch::wire::to_time;

use crate::faults::history::History;

/// Receipts of what was durable before storage went may still be under way.
const UNDER_WAY: Span = Span::seconds(2);

pub fn r1_what_was_receipted_is_stored(history: &History) -> Vec<String> {
    let caused: HashSet<(&str, &str)> = history
        .truth
        .events
        .iter()
        .filter_map(|e| Some((e.cause.as_ref()?.report.as_str(), e.alert.as_ref()?.name.as_str())))
        .collect();
    // What time had done already when a report was judged is not the report's doing, and its receipt names it all the same.
    let by_time: HashSet<&str> = history
        .truth
        .events
        .iter()
        .filter(|e| e.cause.as_ref().is_some_and(|c| c.kind() == CauseKind::Timer))
        .filter_map(|e| Some(e.alert.as_ref()?.name.as_str()))
        .collect();
    let mut found = Vec::new();
    for written in &history.written {
        for (at, receipt) in written.exchanges.iter().flat_map(|x| &x.receipts) {
            let id = &receipt.report_id;
            if receipt.outcome() == ReceiptOutcome::Rejected {
                if !written.wrong.contains(id) {
                    found.push(format!("R1: a good report was rejected: {receipt:?}"));
                }
                continue;
            }
            match (history.truth.stored.get(id), written.reports.get(id)) {
                (None, _) => found.push(format!(
                    "R1: {} was receipted {:?} at {at} and is not stored",
                    receipt.name,
                    receipt.outcome()
                )),
                (Some((stored, _)), Some(sent)) if !same(stored, sent) => {
                    found.push(format!("R1: {id} is stored otherwise than it was sent"));
                }
                _ => {}
            }
            for alert in &receipt.changed_alerts {
                let by_it = caused.contains(&(&receipt.name, alert)) || by_time.contains(alert.as_str());
                if receipt.outcome() == ReceiptOutcome::Accepted && !by_it {
                    found.push(format!("R1: {id} is said to have changed {alert}, and the log does not say so"));
                }
            }
        }
    }
    found
}

/// The order of red flags and the like does not matter here: the load sends none.
fn same(stored: &pb::StaffingReport, sent: &pb::StaffingReport) -> bool {
    (stored.patients, stored.nursing, &stored.medical_cover, &stored.source, stored.observed_time)
        == (sent.patients, sent.nursing, &sent.medical_cover, &sent.source, sent.observed_time)
}

pub fn r2_one_receipt_each_in_order(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for exchange in history.written.iter().flat_map(|w| &w.exchanges) {
        if exchange.receipts.len() > exchange.sent.len() {
            found.push("R2: a stream has more receipts than reports".to_owned());
        }
        for (n, (sent, (_, receipt))) in exchange.sent.iter().zip(&exchange.receipts).enumerate() {
            if *sent != receipt.report_id {
                found.push(format!("R2: receipt {n} of a stream is of {}, not of {sent}", receipt.report_id));
            }
        }
    }
    found
}

pub fn r2_sent_again_counts_once(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (id, (_, times)) in history.truth.stored.iter().filter(|(_, (_, times))| *times != 1) {
        found.push(format!("R2: {id} is stored {times} times"));
    }
    let sent: HashSet<&String> = history.written.iter().flat_map(|w| w.reports.keys()).collect();
    let wrong: HashSet<&String> = history.written.iter().flat_map(|w| &w.wrong).collect();
    for id in history.truth.stored.keys().filter(|id| !sent.contains(id) || wrong.contains(id)) {
        found.push(format!("R2: {id} is stored and nobody sent it, or it was wrong"));
    }
    // Whatever the order of arrival, and however often it was sent: the newest is current.
    let mut newest: BTreeMap<(&str, i32), (Time, i64, &str)> = BTreeMap::new();
    for (id, (report, _)) in &history.truth.stored {
        let subject = if report.ward.is_empty() { &report.cover_group } else { &report.ward };
        let key = (to_time(report.observed_time.unwrap_or_default()).unwrap_or_default(), report.revision, id.as_str());
        for block in blocks(report) {
            let current = newest.entry((subject, block)).or_insert(key);
            *current = key.max(*current);
        }
    }
    for ((subject, block), (_, _, id)) in newest {
        let current = history.truth.current.get(subject).and_then(|blocks| blocks.get(&block));
        if current.map(String::as_str) != Some(id) {
            found.push(format!("R2: of {subject} block {block} the newest is {id}, and current is {current:?}"));
        }
    }
    found
}

fn blocks(report: &pb::StaffingReport) -> impl Iterator<Item = i32> {
    let there = [
        (report.patients.is_some(), pb::BlockKind::Patients),
        (report.nursing.is_some(), pb::BlockKind::Nursing),
        (report.medical_cover.is_some(), pb::BlockKind::MedicalCover),
    ];
    there.into_iter().filter(|(there, _)| *there).map(|(_, kind)| kind.into())
}

pub fn r4_nothing_is_receipted_while_storage_is_down(history: &History) -> Vec<String> {
    let mut found = Vec::new();
    for (trouble, down) in history.troubles.iter().filter_map(|t| Some((t, t.storage_down.clone()?))) {
        let during = down.start + UNDER_WAY..down.end;
        let receipts = history.written.iter().flat_map(|w| &w.exchanges).flat_map(|x| &x.receipts);
        for (at, receipt) in receipts.filter(|(at, r)| during.contains(at) && r.outcome() != ReceiptOutcome::Rejected) {
            found.push(format!(
                "R4: {} was receipted at {at}, while {} since {}",
                receipt.report_id, trouble.kind, trouble.from
            ));
        }
    }
    found
}
