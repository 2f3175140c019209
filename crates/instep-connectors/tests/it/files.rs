//! The files connector on real files.

mod backup;
mod bench;
mod bytes;
mod held;
mod keys;
mod laws;
mod looks;
mod odd;
mod others;
mod stale;
mod suite;
