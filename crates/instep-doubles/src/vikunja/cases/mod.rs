//! Named wire cases: what a Vikunja of version 2.5.0 does, said in HTTP alone. The double and a
//! real server must both pass them. No case looks inside the double, and each makes projects of its
//! own, so that cases do not disturb one another.

mod access;
mod bulk;
mod filters;
mod kanban;
mod labels;
mod lists;
mod projects;
mod receiver;
mod relations;
mod repeating;
mod target;
mod updates;
mod v2;
mod webhook_delivery;
mod webhooks;

use std::future::Future;
use std::pin::Pin;

pub use target::Target;

/// Why a case ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The server does not do what the case says.
    #[error("{0}")]
    Failed(String),
    /// The case cannot be tried on this server.
    #[error("skipped: {0}")]
    Skipped(String),
}

/// How a case ended.
pub type Outcome = Result<(), Stop>;

type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// One named case.
#[derive(Clone, Copy)]
pub struct Case {
    /// Theme and name.
    pub name: &'static str,
    /// The numbers of the conformance list it covers.
    pub numbers: &'static [u32],
    run: for<'a> fn(&'a Target) -> Running<'a>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.name, self.numbers)
    }
}

impl Case {
    /// Runs the case, then deletes the projects it made.
    pub async fn run(&self, target: &Target) -> Outcome {
        let outcome = (self.run)(target).await;
        target.clean_up().await;
        outcome
    }
}

macro_rules! cases {
    ($($theme:ident::$name:ident [$($number:literal),*],)*) => {
        /// Every case, by theme.
        pub const ALL: &[Case] = &[$(Case {
            name: concat!(stringify!($theme), "::", stringify!($name)),
            numbers: &[$($number),*],
            run: |target| Box::pin($theme::$name(target)),
        },)*];
    };
}

cases! {
    updates::a_partial_update_resets_the_rest [1],
    updates::an_empty_update_resets_all_but_title_and_project [2],
    updates::dates_clear_by_null_and_zero_time_and_refuse_the_rest [3],
    updates::labels_in_an_update_are_echoed_and_not_stored [4],
    updates::labels_in_a_creation_are_not_stored [5],
    updates::a_task_needs_a_title [6],
    updates::the_whole_object_sent_back_changes_nothing [7],
    updates::reopening_clears_done_at [12],
    updates::staying_done_keeps_done_at [13],
    updates::moving_gives_a_new_index [14],
    updates::deleting_is_final [15],
    updates::reminders_follow_their_date [32],
    updates::a_reminder_needs_its_reference [33],
    updates::stamps_are_whole_seconds_except_in_responses_to_creation [49],
    updates::dates_come_in_the_service_zone [50],
    updates::the_body_id_wins_in_v1 [51],
    updates::a_stale_write_wins_without_a_conflict [56],
    updates::a_description_is_stored_verbatim [66],
    updates::attachments_are_added_silently [72],
    repeating::an_interval_rolls_to_the_future [8],
    repeating::a_partial_completion_ends_the_recurrence [9],
    repeating::monthly_keeps_the_day [10],
    repeating::from_now_starts_at_completion [11],
    repeating::bucket_and_bulk_completion_roll_too [70],
    filters::since_finds_done_ones_and_no_archived [16],
    filters::the_boundary_second [17],
    filters::a_bad_filter_is_refused [21],
    filters::a_second_edit_in_the_same_second_is_not_seen [57],
    filters::quotes_do_not_protect [68],
    filters::every_operator [18],
    lists::keyset_pages_are_ascending [18],
    lists::v1_caps_the_page_at_fifty [19],
    lists::a_page_past_the_end_is_empty [20],
    lists::v2_serves_large_pages [53],
    lists::comments_can_be_embedded [28],
    labels::adding_twice_is_refused [22],
    labels::bulk_replace_stamps_the_project_alone [23],
    labels::bulk_clear_is_silent [24],
    labels::detaching_what_is_not_attached_is_forbidden [25],
    labels::titles_are_not_unique_across_users [26],
    labels::renaming_and_deleting_touch_no_task [58],
    relations::a_subtask_is_seen_from_both_ends [27],
    relations::a_comment_moves_the_stamp_later [28],
    bulk::one_field_still_wipes_reminders_and_assignees [30],
    bulk::an_unknown_field_changes_nothing [31],
    bulk::creation_is_atomic [53],
    bulk::a_bulk_update_is_one_event_per_task [59],
    projects::an_archive_hides_its_tasks [34],
    projects::pseudo_projects_have_negative_ids [36],
    projects::pseudo_projects_are_on_every_page [73],
    projects::a_description_cannot_be_emptied [55],
    projects::an_identifier_is_unique [75],
    projects::a_task_change_stamps_its_project [23, 24],
    projects::deleting_takes_tasks_and_children [35],
    access::a_missing_scope_looks_like_a_bad_token [37],
    access::patch_needs_read_one [52],
    access::the_pre_auth_limit [54],
    access::losing_a_share_is_403 [67],
    access::favourites_are_per_user [69],
    access::parallel_writers_fail_on_sqlite [65],
    access::unknown_routes_and_methods [37],
    v2::a_patch_changes_one_field [52],
    v2::a_patch_without_change_writes_nothing [71],
    v2::an_etag_saves_the_body [71],
    v2::unknown_keys_are_refused [53],
    v2::if_match_is_ignored [56],
    v2::projects_can_be_patched [55],
    kanban::a_plain_bucket_move_stamps_nothing [60],
    webhooks::task_events_carry_the_whole_task [1, 2, 7, 15, 38],
    webhooks::each_action_has_its_events [22, 23, 24, 27, 28, 29],
    webhooks::a_moved_task_is_announced_in_its_new_project [14],
    webhooks::a_project_delete_is_announced_on_its_own_hooks [35],
    webhooks::a_parent_hook_hears_the_child [41],
    webhooks::secrets_are_never_shown [43],
    webhooks::the_second_api_manages_them_too [43],
    webhooks::an_archived_project_takes_webhooks [34, 43],
    webhooks::a_bot_is_its_own_doer [61],
    webhooks::a_lost_share_keeps_the_hook [74],
    webhook_delivery::the_signature_covers_the_raw_body [38],
    webhook_delivery::failures_are_retried_five_times [39],
    webhook_delivery::the_last_try_may_succeed [39],
    webhook_delivery::fast_updates_all_arrive [40],
    webhook_delivery::a_long_outage_loses_the_event [63],
    webhook_delivery::a_deleted_hook_is_silent [74],
}
