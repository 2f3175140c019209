//! The whole program between a real Taskwarrior, of both versions, and a Vikunja: what a person
//! was promised, one case after another. Where `INSTEP_TEST_VIKUNJA_URL` and
//! `INSTEP_TEST_VIKUNJA_TOKEN` are set the cases use that server and empty it first; else each
//! has a double of its own. `INSTEP_TEST_TASKS` and `INSTEP_TEST_KILLS` set the sizes.

mod cases;
mod compare;
mod http;
mod proxy;
mod seeds;
mod server;
mod world;

/// Makes a test of each case on both versions of Taskwarrior.
macro_rules! on_both {
    ($($room:ident::$case:ident,)*) => {
        mod on_2_6 {
            $(#[test] fn $case() { crate::cases::$room::$case(crate::world::Version::Two); })*
        }
        mod on_3 {
            $(#[test] fn $case() { crate::cases::$room::$case(crate::world::Version::Three); })*
        }
    };
}

on_both! {
    across::everything_in_taskwarrior_goes_across,
    across::everything_in_vikunja_goes_across,
    kills::a_kill_at_any_moment,
    kills::a_kill_while_a_request_is_under_way,
    kills::a_kill_between_answer_and_commit,
    kills::what_is_taken_back_after_a_kill_stays_taken_back,
    kills::lost_answers,
    kills::false_answers,
    kills::two_and_five_syncs_at_once,
    busy::a_deletion_while_the_server_is_busy,
    busy::s16_an_edit_where_a_deletion_waits,
    busy::s16_an_edited_entry_where_a_deletion_waits,
    daemon::what_is_typed_is_there_at_once,
    daemon::what_changes_there_is_here_at_once,
    daemon::a_tag_whose_label_was_changed_finds_another,
    undo::what_an_undo_takes_along_is_put_back,
    unheard::what_is_typed_without_a_hook_is_noticed,
    unheard::what_is_taken_back_is_noticed,
    unheard::what_a_hook_told_and_is_taken_back_is_noticed,
    unheard::what_is_purged_is_noticed,
    unheard::what_another_program_writes_is_noticed,
    unheard::what_a_sync_pulls_is_noticed,
    daemon::many_at_once_are_there_once,
    daemon::a_daemon_that_is_killed_loses_nothing,
    daemon::the_command_line_goes_by_the_daemon,
    guard::half_of_the_tasks_vanish,
    guard::vanished_tasks_are_brought_back,
    guard::a_project_is_emptied,
    guard::an_empty_new_server,
    guard::deletions_one_by_one,
    guard::few_deletions_go_through,
    meanwhile::what_is_taken_back_at_once_crosses,
    meanwhile::s01_an_edit_typed_while_we_write_crosses,
    meanwhile::an_edit_overwritten_by_a_write_that_is_killed_crosses,
    meanwhile::an_edit_overwritten_before_a_lock_crosses,
    meeting::two_full_sides_that_share_half,
    breaker::s33_a_server_that_is_down_costs_nothing,
    breaker::a_ping_finds_out_at_once,
    breaker::the_environment_sets_it,
    breaker::a_pause_holds_until_it_ends,
    breaker::a_daemon_heeds_a_pause_and_its_end,
    breaker::a_daemon_heeds_a_ping,
    refused::a_project_is_archived_and_opened,
    refused::one_refused_task_is_asked_for,
    returns::an_account_is_removed_and_added_again,
    scope::s27_an_account_is_limited_to_a_project,
    bare::what_is_set_elsewhere_arrives_in_a_bare_entry,
    bare::an_older_file_takes_no_later_key_away,
    three::edits_on_three_sides_converge,
    three::s16_an_edit_beats_a_delete_among_three,
    edits::each_field_travels_alone,
    edits::each_field_travels_beside_another,
    edits::a_delete_travels,
    edits::the_loser_of_a_conflict_is_kept,
    put_back::an_older_vikunja,
    put_back::an_older_vikunja_that_gives_its_ids_out_anew,
    put_back::an_older_taskwarrior,
    put_back::an_older_directory_of_taskwarrior,
    put_back::an_older_taskwarrior_written_over,
    put_back::an_older_hub,
    lost::the_hub_is_lost,
    lost::what_one_side_holds_more_finely_survives,
    three::the_hub_is_lost_beside_new_titles,
}
