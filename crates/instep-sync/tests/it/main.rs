//! The decisions of a sync through their public face. Every property draws one task, perturbs it
//! into two related sides, and asks what a person would: is anything lost, doubled or restless?

mod adopt;
mod adopt_properties;
mod backoff;
mod breaker;
mod converge;
mod draw;
mod edited;
mod edits;
mod finer;
mod first_meeting;
mod guard;
mod lens;
mod links;
mod merge;
mod pair;
mod pair_elements;
mod push;
mod remote;
mod repeating;
mod services;
mod several;
mod spoken;
mod sync;
