//! The nouns through their public face: texts that come back as they went, and what is refused.

mod canonical;
mod dates;
mod fields;
mod pairs;
mod scope;
mod unreadable;
mod words;
