//! The promises of contract.md section 2, checked over a recorded history. Each finding begins with the promise's id.

mod alerts;
mod reports;
mod streams;

use wardwatch::domain::Span;

use super::history::History;

/// What a busy machine may add to what we measure from outside.
const SLACK: Span = Span::seconds(3);
/// Everything wrong with a history; `clear_after` is the policy's.
pub fn check(history: &History, clear_after: Span) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(reports::r1_what_was_receipted_is_stored(history));
    found.extend(reports::r2_one_receipt_each_in_order(history));
    found.extend(reports::r2_sent_again_counts_once(history));
    found.extend(alerts::r3_one_open_episode(history));
    found.extend(reports::r4_nothing_is_receipted_while_storage_is_down(history));
    found.extend(streams::the_log_is_whole(history));
    for listened in &history.listened {
        for stream in &listened.streams {
            found.extend(streams::p_stream(history, listened, stream));
            found.extend(streams::h1_never_silent(history, listened, stream));
            found.extend(streams::r4_stays_open(history, stream));
        }
        found.extend(streams::p5_goes_on_where_it_was(listened));
    }
    found.extend(alerts::t1_by_time_alone(history, clear_after));
    found.extend(streams::d1_everyone_is_told(history));
    found.extend(alerts::a1_every_change_has_its_entry(history));
    found
}
