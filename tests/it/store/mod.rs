//! One list of cases, each run on SQLite and on PostgreSQL, and a few that concern only one of them.

mod activity;
mod audit;
mod commits;
mod context;
mod fixture;
mod lists;
mod log;
mod past;
mod postgres_only;
mod reads;
mod register;
mod retention;
mod sqlite_only;

use fixture::Fresh;

/// Makes two tests of every case: one on each store.
macro_rules! on_both_stores {
    ($($room:ident { $($case:ident,)* })*) => {
        mod on_sqlite {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::store::$room::$case(&crate::store::Fresh::sqlite().await).await;
                })*
            })*
        }
        mod on_postgres {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some(fresh) = crate::store::Fresh::postgres().await {
                        crate::store::$room::$case(&fresh).await;
                    }
                })*
            })*
        }
    };
}

on_both_stores! {
    commits {
        a_commit_is_seen_whole_by_everyone,
        a_write_on_a_stale_etag_leaves_no_trace,
        a_check_verifies_the_etag_and_changes_nothing,
        a_subject_has_at_most_one_open_episode_of_a_rule,
        an_episode_may_end_and_its_successor_rise_in_one_commit,
        touched_subjects_are_due_at_once_and_have_a_new_etag,
        a_loser_touches_nobody,
        a_touched_winner_is_due_at_once_whatever_it_wrote,
        a_later_next_check_may_be_set_or_withdrawn,
        due_subjects_come_longest_due_first,
        an_impossible_row_is_refused_and_the_rest_goes_on,
        a_batch_of_a_thousand_wards_commits_whole,
        what_was_committed_survives_a_restart,
        a_database_of_the_version_before_is_brought_up_with_all_it_holds,
        after_closing_everything_is_unavailable,
    }
    log {
        positions_have_no_gaps_with_four_writers_on_stale_etags,
        commits_register_changes_activity_and_trimming_get_along,
        the_time_of_the_log_never_falls,
        the_events_of_one_input_are_never_split,
        an_input_larger_than_the_limit_comes_whole,
        reading_goes_on_where_it_stopped,
        another_tag_at_the_place_is_another_history,
        the_place_for_a_time_is_just_before_its_first_event,
        the_events_of_one_alert_come_in_order,
    }
    register {
        a_registered_ward_is_found_with_its_first_state,
        registering_again_touches_the_subject_and_keeps_its_state,
        a_change_from_an_old_generation_conflicts,
        of_two_changes_at_once_one_wins,
        only_newer_rows_are_loaded,
        a_ward_without_its_organisation_is_refused,
        the_register_makes_further_subjects_due,
    }
    context {
        a_strike_is_kept_version_by_version,
        only_newer_versions_are_loaded_by_name_and_then_version,
        a_version_that_is_there_is_refused_and_with_it_the_whole_change,
        a_strike_changed_from_an_old_generation_leaves_no_version,
        a_strike_changed_by_four_at_once_loses_no_version,
        a_strike_makes_thousands_of_subjects_due,
        register_and_strikes_are_loaded_in_one_view,
        a_cover_group_is_registered_like_a_ward,
        what_only_a_later_version_knows_is_left_out,
        nobody_can_change_a_strike_that_was_written,
    }
    reads {
        summaries_are_those_of_wards_and_cover_groups,
        summaries_are_found_by_number_whatever_they_are_of,
        a_survey_holds_every_subject_and_the_head,
        a_survey_is_of_one_position_of_the_log,
    }
    activity {
        corrections_replace_and_what_is_not_reported_stays_unknown,
        the_last_of_two_figures_in_one_call_counts,
        activity_is_listed_by_organisation_day_and_category,
        activity_makes_its_organisation_due_and_leaves_an_audit_entry,
        activity_of_many_organisations_is_stored_whole,
    }
    audit {
        an_action_without_an_event_leaves_its_entry,
        entries_with_and_without_events_keep_their_order,
        the_audit_is_listed_by_time_and_subject,
        pages_of_the_audit_join_whatever_is_asked_for,
    }
    past {
        an_alert_is_shown_by_its_last_event_by_then,
        what_had_ended_by_then_is_left_out_of_what_was_open,
        alerts_of_the_past_are_filtered_by_what_never_changes,
        pages_of_the_past_join_in_both_directions,
        a_place_that_is_gone_or_of_another_history_is_said_to_be_so,
    }
    lists {
        open_alerts_come_in_raise_order_with_the_place_of_the_log,
        alerts_are_filtered_by_every_field,
        forecasts_are_left_out_when_nobody_asks_for_them,
        eight_digits_name_an_alert,
        pages_join_without_gap_or_overlap_in_both_directions,
        reports_are_found_by_their_keys,
        reports_of_a_ward_are_listed_page_by_page,
    }
    retention {
        old_events_go_and_the_newest_stays,
        a_place_before_the_trimmed_edge_is_expired,
        the_trimmed_edge_itself_is_a_place_to_resume,
        trimming_never_splits_an_input,
        a_time_before_the_trimmed_edge_is_expired,
        ended_alerts_go_with_their_last_event_and_open_ones_stay,
        old_reports_go_a_few_at_a_time,
        nobody_can_change_the_audit_trail,
        strikes_activity_and_the_audit_are_kept,
    }
}
