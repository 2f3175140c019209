//! Tests of the doubles through their public API and over the wire.

mod binary;
mod faults;
mod replay;
mod todoist;
mod wire_cases;
