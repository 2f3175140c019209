//! What every [`Store`] promises, as cases that each implementation runs.
//!
//! A case takes a way to open an empty store, and panics where a promise is broken. Nothing
//! here reads a clock or sleeps: time is an argument, as it is in the trait.
//!
//! ```
//! use instep_contract::MemoryStore;
//!
//! async fn open() -> MemoryStore {
//!     MemoryStore::new()
//! }
//!
//! macro_rules! run {
//!     ($($case:ident)*) => { $(
//!         #[tokio::test]
//!         async fn $case() {
//!             instep_contract::store_suite::$case(open).await;
//!         }
//!     )* };
//! }
//! instep_contract::for_each_store_case!(run);
//! ```

mod access;
mod account;
mod events;
mod lease;
mod merge;
mod outbox;
mod pairs;
mod queue;
mod sample;
mod sight;

use std::future::Future;

use instep_model::{AccountId, Conflict, JournalEntry, Review};

pub use access::*;
pub use account::*;
pub use events::*;
pub use lease::*;
pub use merge::*;
pub use outbox::*;
pub use pairs::*;
pub use queue::*;
pub use sight::*;

use crate::{Store, StoreError};

/// What the suite has to see of a store beyond what the engine asks of it.
pub trait Inspect: Store {
    /// The whole journal, oldest first.
    fn journal_lines(&self) -> impl Future<Output = Result<Vec<JournalEntry>, StoreError>> + Send;

    /// Every conflict, in any order.
    fn known_conflicts(&self) -> impl Future<Output = Result<Vec<Conflict>, StoreError>> + Send;

    /// The matters for review of an account, in any order.
    fn open_reviews(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Vec<Review>, StoreError>> + Send;
}

/// Calls the macro `$run` with the name of every case.
#[macro_export]
macro_rules! for_each_store_case {
    ($run:ident) => {
        $run! {
            a_lease_is_held_by_one
            a_released_lease_can_be_claimed
            a_lease_that_ran_out_is_taken_over
            a_commit_renews_its_lease
            a_lease_taken_over_commits_nothing
            releasing_a_lost_lease_changes_nothing
            leases_of_two_accounts_are_apart
            a_new_task_is_stored_whole
            a_write_counts_the_version
            a_write_from_another_version_is_stale
            a_new_task_that_exists_is_stale
            two_writes_of_one_task_in_a_batch_follow_each_other
            a_batch_with_a_failing_step_stores_nothing
            a_pair_of_an_unknown_task_is_refused
            a_merge_without_a_lease_is_a_persons
            many_tasks_in_one_batch_are_all_stored
            conflicts_and_journal_are_kept_in_order
            hints_are_replaced_for_each_task
            a_pair_is_found_by_either_id
            a_pair_is_stored_whole
            a_remote_item_is_paired_once
            two_new_pairs_of_one_item_are_refused
            pairs_can_swap_in_one_batch
            an_unpaired_item_can_be_paired_again
            accounts_pair_the_same_ids_apart
            unpaired_tasks_have_no_remote_item
            what_no_look_has_shown_is_named
            conflicts_that_wait_are_found_by_their_pair
            another_scope_makes_everything_work
            a_cursor_is_replaced_where_there_is_one
            what_is_about_to_be_sent_is_known_of_its_pair
            cursors_are_forgotten_and_nothing_else
            a_deleted_task_leaves_nothing_to_decide
            paired_names_what_is_not_gone
            dependents_are_found_from_the_other_end
            a_merge_can_wake_dependents
            work_comes_in_order_of_place
            woken_work_keeps_its_place
            done_work_is_gone
            work_woken_meanwhile_is_not_done
            old_work_cannot_finish_new_work
            a_wake_outlives_a_done_beside_it
            work_waits_for_its_next_attempt
            a_wake_ends_the_wait
            wake_refused_takes_what_waits_and_what_is_parked
            wake_all_takes_the_living_and_the_paired
            intents_are_numbered_and_listed_in_order
            an_intent_carries_exactly_what_is_sent
            doubt_is_remembered
            a_settled_intent_is_gone
            a_failing_push_settles_nothing
            many_ends_in_one_push_are_all_stored
            a_collection_that_was_made_is_known
            an_account_starts_with_nothing
            an_observation_is_remembered
            who_answers_is_known_before_the_first_look_ends
            reviews_are_added_and_replaced
            a_decided_review_is_forgotten
            trouble_is_set_and_cleared
            the_guard_counts_by_collection_and_since
            approval_wakes_what_was_held
            an_epoch_ends_with_its_pairs
            a_dormant_account_counts_for_nothing_and_returns
            events_come_in_the_order_in_which_they_were_told
            an_event_told_again_is_one_and_outlives_its_end
            a_delivery_counts_once
            a_delivery_from_the_future_is_no_longer_known
            only_known_accounts_are_told_of
            events_end_with_their_epoch
            an_account_may_be_called_at_first
            access_is_stored_whole
            access_is_stored_from_its_newest_version_only
            access_outlives_an_epoch
        }
    };
}
