//! The first set-up: config, hub, and Taskwarrior where there is one. Run again, it only adds.

use instep_api::{AccountAdd, Failure, InitReply, InitRequest, SCHEMA_VERSION};
use instep_model::Kind;

use crate::app::App;
use crate::notice::{advice, failed, remark};
use crate::{Places, account, config, hook, say};

/// Makes config and hub where they are missing, and adds Taskwarrior where it is found and no
/// account covers it. Asks nothing.
///
/// # Errors
/// When the config that is there is not valid, or nothing can be written.
pub async fn init(places: &Places, request: &InitRequest) -> Result<InitReply, Failure> {
    let timezone = request.timezone.clone().unwrap_or_else(config::system_zone);
    if config::zone_named(&timezone).is_none() {
        return Err(say::usage(
            "unknown_timezone",
            format!("there is no time zone `{timezone}`"),
            "it is named like Europe/Berlin",
            "instep init --timezone NAME",
        ));
    }
    let fresh = config::start(places, &timezone)?;
    let app = App::open(places).await?;
    let mut reply = InitReply {
        schema_version: SCHEMA_VERSION,
        config: places.config().display().to_string(),
        hub: places.hub().display().to_string(),
        accounts: Vec::new(),
        notes: app.notes().iter().cloned().map(remark).collect(),
    };
    if !fresh && app.config.timezone != timezone && request.timezone.is_some() {
        let text = format!("the time zone stays {}", app.config.timezone);
        reply.notes.push(advice(text, "instep config edit"));
    }
    let kinds = app.config.accounts.iter().map(|entry| entry.account.kind);
    if !kinds.into_iter().any(|kind| kind == Kind::Taskwarrior) {
        let wanted = AccountAdd {
            kind: Kind::Taskwarrior.to_string(),
            ..AccountAdd::default()
        };
        match account::add(&app, &wanted).await {
            Ok(added) => reply.accounts.push(added),
            Err(failure) => reply.notes.push(failed(&failure)),
        }
    }
    if !request.no_hook {
        install_hooks(places, &mut reply).await?;
    }
    app.close().await;
    Ok(reply)
}

/// Puts the hook in place where Taskwarrior is an account; what stands in its way is told.
async fn install_hooks(places: &Places, reply: &mut InitReply) -> Result<(), Failure> {
    let config = config::load(places)?;
    let accounts = config.accounts.iter();
    for entry in accounts.filter(|entry| entry.account.kind == Kind::Taskwarrior) {
        let name = &entry.account.name;
        reply
            .notes
            .extend(match hook::install(places, &config, entry).await {
                Ok(view) => match (view.fix, view.changed) {
                    (Some(fix), _) => Some(advice(format!("{name}: {}", view.message), fix)),
                    (None, true) => Some(remark(format!(
                        "{name}: Taskwarrior tells of changes at once by its hook {}",
                        view.file.unwrap_or_default()
                    ))),
                    (None, false) => None,
                },
                Err(failure) => Some(failed(&failure)),
            });
    }
    Ok(())
}
