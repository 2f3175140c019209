//! A service held in memory, with clients, faults and a person who edits it directly.
//!
//! It models what a service promises and every way in which that goes wrong on the wire.
//! It never reads a clock, never draws a random number, and never merges anything.

mod carry;
mod connector;
mod hold;
mod person;
mod profile;
mod state;
mod world;

pub use connector::FakeConnector;
pub use person::{Copy, FakeRemote, Reinstall};
pub use profile::Profile;
pub use state::Effect;
pub use world::{Call, Calm, Fault, Moment, World};
