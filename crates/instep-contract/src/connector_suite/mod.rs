//! What every connector must do, driven through the trait alone.
//!
//! Each case opens two or three clients of one remote, uses tasks of its own and looks only at
//! those, so that a remote which others use too will do. No case sleeps, and none is left out
//! except where the capability record says that the service lacks what it is about.

mod client;
mod content;
mod elements;
mod looks;
mod writes;

use instep_model::{TimeZone, Timestamp};

use crate::Connector;
use client::Client;

/// The remote that is put to the test.
pub struct Subject<F> {
    /// Opens one more client of it.
    pub open: F,
    /// Goes into every title, so that tasks of an earlier run are no part of this one.
    pub label: String,
    /// The zone that its connectors were given.
    pub zone: TimeZone,
    /// The present, by the remote's clock, or a little before.
    pub now: Timestamp,
}

/// How a case ended. One that fails panics with what it expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The connector did what the trait says.
    Held,
    /// The service lacks what the case is about.
    Lacking,
}

macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident => $run:path,)+) => {
        /// One thing that a connector promises.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Case {
            $($(#[$doc])* $name,)+
        }

        impl Case {
            /// Every case, in the order in which they build on each other.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
        }

        /// Runs one case.
        ///
        /// # Panics
        /// When the connector does not do what the trait says.
        pub async fn check<C: Connector, F: AsyncFn() -> C>(
            case: Case,
            subject: &Subject<F>,
        ) -> Outcome {
            let mut clients = Vec::new();
            for _ in 0..2 {
                clients.push(Client::new((subject.open)().await, subject, case));
            }
            let [first, second] = &mut clients[..] else {
                return Outcome::Lacking;
            };
            match case {
                $(Case::$name => $run(first, second).await,)+
            }
        }
    };
}

cases! {
    /// The record does not contradict itself.
    Record => content::record,
    /// What is made is observed and read as it was sent.
    Roundtrip => content::roundtrip,
    /// An update leaves everything else alone.
    OnlyWhatChanges => writes::only_what_changes,
    /// What another client changed in another field meanwhile stays.
    ForeignField => writes::foreign_field,
    /// What another client changed in the same field meanwhile is not overwritten.
    Stale => writes::stale,
    /// What holds the wanted value already is success.
    HeldAlready => writes::held_already,
    /// Whatever becomes of an item, it was made when it was made.
    Birth => writes::birth,
    /// An item that never was is gone, not an error of another kind.
    Unknown => writes::unknown,
    /// Deleting what is gone is success.
    DeleteTwice => writes::delete_twice,
    /// What is deleted can neither be read nor written, and is reported with evidence.
    Deleted => writes::deleted,
    /// Making what exists says so and changes nothing.
    AlreadyExists => writes::already_exists,
    /// A deleted task comes back under its id.
    Revives => writes::revives,
    /// Nothing to write is nothing done.
    EmptyBatch => writes::empty_batch,
    /// One bad item keeps no good one back, or where calls are atomic keeps back all.
    BadItem => writes::bad_item,
    /// Everything another client does is seen from the cursor on.
    Changes => looks::changes,
    /// A full look finds all there is.
    Complete => looks::complete,
    /// A quiet remote has little to tell, and a cursor can be used again.
    Quiet => looks::quiet,
    /// Reads answer in the order they were asked.
    Order => looks::order,
    /// A create whose answer was lost is found by its content.
    FindsCreate => looks::finds_create,
    /// A note whose answer was lost is found by its content.
    FindsNote => looks::finds_note,
    /// Tags come and go one by one.
    Tags => elements::tags,
    /// Tags of others stay when ours move.
    ForeignTag => elements::foreign_tag,
    /// Notes are written, changed and removed.
    Notes => elements::notes,
    /// Tasks come before others, and no longer.
    Depends => elements::depends,
    /// Tasks are parts of others, and no longer.
    Parent => elements::parent,
    /// Markers are carried.
    Markers => elements::markers,
    /// Tasks move into a collection that was made for them.
    Collections => elements::collections,
}
