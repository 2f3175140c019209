//! Connectors against what they speak to: real programs, real files, and the doubles of servers.

mod files;
mod taskwarrior;
mod vikunja;
