//! The engine under one seed: fake remotes, faults, a driven clock and an oracle of its own.
//!
//! A schedule is drawn from a seed and played against the real engine. Nothing here reads a
//! clock, starts a thread or opens a socket, so that a seed always tells the same story.

mod bugs;
mod chance;
mod coverage;
mod executor;
mod ledger;
mod meanwhile;
mod oracle;
mod outside;
mod owners;
mod person;
mod play;
mod processes;
mod rehearse;
mod schedule;
mod setting;
mod shown;
mod shrink;
mod stage;
mod take_back;
mod world;

/// Schedules make and drop small values all the time; this allocator makes them a third faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use bugs::Bug;
pub use coverage::Coverage;
pub use play::{Outcome, play};
pub use schedule::Schedule;
pub use shrink::shrink;
pub use stage::Breach;
