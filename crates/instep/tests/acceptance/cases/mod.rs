//! What was promised, by theme. Each case starts from a home and a server of its own.

pub(crate) mod across;
pub(crate) mod bare;
pub(crate) mod breaker;
pub(crate) mod busy;
pub(crate) mod daemon;
pub(crate) mod edits;
pub(crate) mod guard;
pub(crate) mod kills;
pub(crate) mod lost;
pub(crate) mod meanwhile;
pub(crate) mod meeting;
pub(crate) mod put_back;
pub(crate) mod refused;
pub(crate) mod returns;
pub(crate) mod scope;
pub(crate) mod three;
pub(crate) mod undo;
pub(crate) mod unheard;
