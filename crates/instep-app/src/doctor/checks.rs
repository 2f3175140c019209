//! The list that checks are put on.

use instep_api::{Check, CheckStatus, Failure};

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Checks(pub(super) Vec<Check>);

impl Checks {
    pub(super) fn add(
        &mut self,
        group: &str,
        id: &str,
        status: CheckStatus,
        message: String,
        fix: Option<String>,
    ) {
        self.0.push(Check {
            id: id.to_owned(),
            group: group.to_owned(),
            status,
            message,
            fix,
        });
    }

    pub(super) fn ok(&mut self, group: &str, id: &str, message: String) {
        self.add(group, id, CheckStatus::Ok, message, None);
    }

    pub(super) fn note(&mut self, group: &str, id: &str, message: String, fix: String) {
        self.add(group, id, CheckStatus::Note, message, Some(fix));
    }

    pub(super) fn problem(&mut self, group: &str, id: &str, message: String, fix: String) {
        self.add(group, id, CheckStatus::Problem, message, Some(fix));
    }

    pub(super) fn failure(&mut self, group: &str, id: &str, failure: &Failure) {
        let message = format!("{}: {}", failure.what, failure.why);
        self.problem(group, id, message, failure.help.clone());
    }
}
