//! The vikunja connector, always against the double, and against a real server where
//! `INSTEP_TEST_VIKUNJA_URL` and `INSTEP_TEST_VIKUNJA_TOKEN` name one.

mod age;
mod convert;
mod failures;
mod finds;
mod foreign;
mod kept;
mod labels;
mod looks;
mod markdown;
mod parallel;
mod post;
mod rights;
mod server;
mod suite;
mod sweep;
mod webhook;
mod writes;
