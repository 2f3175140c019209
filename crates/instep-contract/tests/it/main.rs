//! The contract's own tests: its fakes and its in-memory store keep what the suites ask of all.

mod connector_fake;
mod connector_faults;
mod store_memory;
