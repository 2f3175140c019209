//! The daemon's doors, through what it shows to the outside.

mod forged;
mod house;
mod metrics;
mod service;
mod slow;
mod stands;
