//! Rounds of passes: observe, plan, apply (S8).
//!
//! The engine knows no service, no database and no runtime: `Connector`, `Store`, [`Clock`] and
//! [`Rng`] are its seams, and the pure decisions of `instep-sync` arrive as [`Decisions`].
//! Dropping a round at any await point leaves a state that the next round finishes.

mod aftermath;
mod confirm;
mod context;
mod create;
mod delete;
mod door;
mod doubt;
mod edit;
mod gate;
mod gone;
mod items;
mod journal;
mod keep;
mod left_out;
mod limits;
mod links;
mod look;
mod lost;
mod marker;
mod meanwhile;
mod meeting;
mod merge;
mod pass;
mod prerequisites;
mod push;
mod refusal;
mod rehearsal;
mod renumbered;
mod report;
mod round;
mod scope;
mod seams;
mod send;
mod sight;
mod single;
mod stop;
mod stranger;
mod turn;
mod undone;
mod update;

pub use door::Ping;
pub use doubt::{STILL_WORKING, STILL_WORKING_AFTER_TIMEOUT};
pub use edit::{EditError, Edited};
pub use gate::Gate;
pub use instep_model::{Need, NextTry, Trouble};
pub use instep_sync::{BreakerRule, Rate, Way, way};
pub use limits::Limits;
pub use rehearsal::{Rehearsal, is_invented};
pub use report::{
    AccountReport, Counts, LeftOut, Problem, ReportedChange, RoundReport, trouble_of,
};
pub use round::{Engine, Member, Peer, RoundOptions};
pub use seams::{Clock, Decisions, Rng};
pub use single::Start;
pub use turn::Begin;
