//! The program as a person and a script meet it: whole outputs, exit codes, JSON.
//! Every case has a home of its own with a real `task` in it; nothing here looks inside.

mod asked;
mod audit;
mod canary;
mod door;
mod errors;
mod everyday;
mod full;
mod help;
mod home;
mod hook;
mod hook_faults;
mod hook_file;
mod hostile;
mod limits;
mod nix;
mod odd_input;
mod preview;
mod reread;
mod schema;
mod server;
mod service;
mod serving;
mod standing;
mod task_file;
mod trouble;
mod vikunja;
mod webhooks;
