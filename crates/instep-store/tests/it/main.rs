//! The hub database through its public API, on real files.

mod conformance;
mod damage;
mod failing;
mod keep;
mod leases;
mod listing;
mod lossless;
mod processes;
mod samples;
