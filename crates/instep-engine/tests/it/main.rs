//! Rounds of the real engine over fake services: what arrives, what stays, and what stops.

mod bench;
mod deletions;
mod door;
mod events;
mod faults;
mod left_out;
mod links;
mod meanwhile;
mod meeting;
mod one_way;
mod put_back;
mod refusals;
mod scope;
mod single;
mod travel;
mod turns;
mod unanswered;
mod undone;
