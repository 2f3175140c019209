//! The chores of this workspace: `cargo xtask ci | tidy | bench | sim`.

fn main() {}
