//! The services Instep speaks to, one folder each: `mod.rs` is the connector, `client.rs` its
//! transport, `wire.rs` the service's shapes, `convert.rs` both directions between them and ours.
//!
//! Nothing here merges, retries, sleeps or touches the hub database.

pub mod files;
mod signature;
pub mod taskwarrior;
pub mod vikunja;
