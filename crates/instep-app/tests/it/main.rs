//! The use-cases as a person meets them: real `task`, a stand-in for Vikunja, a task file.

mod accept;
mod accounts;
mod checkup;
mod decisions;
mod faults;
mod health;
mod hook_call;
mod hub;
mod log_file;
mod meeting;
mod plant;
mod repair;
mod retry;
mod rounds;
mod silence;
mod spool;
mod webhooks;
mod world;
