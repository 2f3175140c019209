//! The daemon's doors, through what it shows to the outside.

mod forged;
mod house;
mod service;
mod slow;
mod stands;
