//! The taskwarrior connector, against both versions of the program. A case number is that of the
//! list of cases every Taskwarrior connector has to pass.

mod age;
mod between;
mod concurrency;
mod content;
mod cut_off;
mod failures;
mod looks;
mod lost;
mod set_since;
mod single;
mod suite;
mod world;
