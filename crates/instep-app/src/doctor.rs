//! What is wrong, each with the command that mends it. It asks, and mends nothing by itself.

mod account;
mod checks;
mod mend;
pub(crate) mod pulse;
mod standing;
pub(crate) mod storage;
mod webhooks;

use instep_api::{CheckStatus, DoctorReply, Exit, Failure, SCHEMA_VERSION};

use crate::app::App;
use crate::{Places, config, say, service};

use checks::Checks;
pub use mend::mend;

/// Looks at program, storage, config and accounts; with `offline`, asks no service.
pub async fn doctor(places: &Places, offline: bool) -> DoctorReply {
    let mut checks = Checks::default();
    let version = env!("CARGO_PKG_VERSION");
    checks.ok("program", "program.version", format!("Instep {version}"));
    pulse::daemon(places, &mut checks);
    checks.0.extend(Box::pin(service::check(places)).await);
    for check in config::config_check(places).unwrap_or_default() {
        checks.0.push(check);
    }
    storage::modes(places, &mut checks);
    match config::load(places) {
        Ok(_) => match App::open(places).await {
            Ok(app) => {
                storage::storage(&app, &mut checks).await;
                pulse::spool(&app, &mut checks);
                for entry in &app.config.accounts {
                    account::check(&app, entry, offline, &mut checks).await;
                }
                app.close().await;
            }
            Err(failure) => {
                storage::space(places, &mut checks);
                let itself = failure.help == "instep doctor";
                let failure = match itself {
                    true => Failure {
                        help: format!("ls -l {}", say::quoted(places.data())),
                        ..failure
                    },
                    false => failure,
                };
                checks.failure("storage", "storage.hub", &failure);
            }
        },
        Err(_) => checks.note(
            "accounts",
            "accounts.unknown",
            "the accounts are looked at once the config is valid".to_owned(),
            "instep config edit".to_owned(),
        ),
    }
    DoctorReply {
        schema_version: SCHEMA_VERSION,
        mended: Vec::new(),
        checks: checks.0,
    }
}

/// How `doctor` and `config check` end: a problem of the config is told apart, as everywhere.
pub fn exit_of_checks(reply: &DoctorReply) -> Exit {
    let problems = reply
        .checks
        .iter()
        .filter(|check| check.status == CheckStatus::Problem);
    Exit::worst(problems.map(|check| match check.group.as_str() {
        "config" => Exit::Config,
        _ => Exit::Failed,
    }))
}
