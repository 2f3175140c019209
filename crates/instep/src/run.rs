//! Carries out a plan through `instep-app`, asking where a person is there to be asked.

use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory;
use instep_api::{
    AccountsReply, CompletionsReply, ConfigReply, DoctorReply, Exit, Failure, ListRequest,
    RemovedReply, RenamedReply, SCHEMA_VERSION, SyncReply, SyncRequest, VersionReply,
};
use instep_app::{App, Places};

use crate::answer::Answer;
use crate::manner::Manner;
use crate::plan::Plan;
use crate::progress::Bar;
use crate::{args, ask, config_edit, output, render};

/// Answers what needs neither config nor hub.
pub(crate) fn at_once(plan: &Plan) -> Option<Answer> {
    let schema_version = SCHEMA_VERSION;
    match plan {
        Plan::Version => Some(Answer::Version(VersionReply {
            schema_version,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })),
        Plan::Completions(shell) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut args::Cli::command(), "instep", &mut script);
            Some(Answer::Completions(CompletionsReply {
                schema_version,
                shell: shell.to_string(),
                script: String::from_utf8_lossy(&script).into_owned(),
            }))
        }
        _ => None,
    }
}

/// Carries out a plan.
///
/// # Errors
/// Whatever stopped the command as a whole.
pub(crate) async fn run(
    plan: Plan,
    config: Option<PathBuf>,
    patience: Option<Duration>,
    manner: &Manner,
) -> Result<Answer, Failure> {
    let places = Places::from_env(config)?;
    match plan {
        Plan::Init(request) => {
            let mut reply = instep_app::init(&places, &request).await?;
            if manner.may_ask {
                ask::more_accounts(&places, manner, &mut reply).await?;
            }
            Ok(Answer::Init(reply))
        }
        Plan::AccountAdd(request) => {
            let reply = instep_app::account_add(&places, &request).await?;
            Ok(Answer::Added(reply))
        }
        Plan::AccountLogin { name, secret } => {
            let reply = instep_app::account_login(&places, &name, secret).await?;
            Ok(Answer::Added(reply))
        }
        Plan::AccountRename { old, new } => {
            let notes = instep_app::account_rename(&places, &old, &new).await?;
            Ok(Answer::Renamed(RenamedReply {
                schema_version: SCHEMA_VERSION,
                before: old,
                name: new,
                notes,
            }))
        }
        Plan::AccountRemove { name, forget } => {
            instep_app::account_remove(&places, &name, forget).await?;
            Ok(Answer::Removed(RemovedReply {
                schema_version: SCHEMA_VERSION,
                name,
                forgotten: forget,
            }))
        }
        Plan::Doctor { offline } => Ok(Answer::Checked(instep_app::doctor(&places, offline).await)),
        Plan::ConfigEdit => config_edit::edit(&places, manner).map(Answer::ConfigEdited),
        Plan::ConfigCheck => {
            let checks = instep_app::config_check(&places)?;
            Ok(Answer::Checked(DoctorReply {
                schema_version: SCHEMA_VERSION,
                checks,
            }))
        }
        Plan::ConfigShow => {
            let text = instep_app::config_show(&places)?;
            Ok(Answer::Config(config_reply(&places, Some(text))))
        }
        Plan::ConfigPath => Ok(Answer::Config(config_reply(&places, None))),
        other => with_hub(other, &places, patience, manner).await,
    }
}

/// The config file and its text.
pub(crate) fn config_reply(places: &Places, text: Option<String>) -> ConfigReply {
    ConfigReply {
        schema_version: SCHEMA_VERSION,
        path: places.config().display().to_string(),
        text,
    }
}

async fn with_hub(
    plan: Plan,
    places: &Places,
    patience: Option<Duration>,
    manner: &Manner,
) -> Result<Answer, Failure> {
    let mut app = App::open(places).await?;
    if let Some(patience) = patience {
        app.wait_up_to(patience);
    }
    output::notes(app.notes(), manner);
    let answer = on_hub(plan, &app, manner).await;
    app.close().await;
    answer
}

async fn on_hub(plan: Plan, app: &App, manner: &Manner) -> Result<Answer, Failure> {
    Ok(match plan {
        Plan::Sync { request, exit_code } => sync(app, request, exit_code, manner).await?,
        Plan::Push(task) => synced(app.push(&task).await?, manner),
        Plan::Pull { account, remote_id } => synced(app.pull(&account, &remote_id).await?, manner),
        Plan::Restore(collection) => synced(app.restore(&collection).await?, manner),
        Plan::Status => Answer::Status(app.status().await?),
        Plan::List(request) => Answer::Tasks {
            reply: app.list(&request).await?,
            filter: filter(&request),
        },
        Plan::Show(id) => Answer::Task(app.show(&id).await?),
        Plan::Add { edit, to } => {
            let reply = app.add(&edit, to.as_deref()).await?;
            let notes = reply.carried.as_ref().map(|carried| &carried.notes);
            output::notes(notes.map_or(&[], Vec::as_slice), manner);
            Answer::Touched(reply)
        }
        Plan::Edit { id, edit } => Answer::Touched(app.edit(&id, &edit).await?),
        Plan::Done(id) => Answer::Touched(app.done(&id).await?),
        Plan::Remove(id) => Answer::Touched(app.remove(&id).await?),
        Plan::Log(request) => Answer::Log(app.log(&request).await?),
        Plan::Conflicts(filter) => Answer::Conflicts(app.conflicts(filter).await?),
        Plan::ConflictShow(id) => Answer::Conflict(app.conflict(&id).await?),
        Plan::Resolve { id, how } => Answer::Resolved(app.resolve(&id, &how).await?),
        Plan::AccountList => Answer::Accounts(AccountsReply {
            schema_version: SCHEMA_VERSION,
            accounts: app.accounts().await?,
        }),
        Plan::AccountShow(name) => Answer::Account(app.account_show(&name).await?),
        Plan::Map(name) => Answer::Map(app.account_show(&name).await?),
        _ => unreachable!("plans without a hub were carried out before"),
    })
}

/// What a list was asked for, in words.
fn filter(request: &ListRequest) -> String {
    let parts = [
        ("in the project", &request.project),
        ("with the tag", &request.tag),
        ("of the account", &request.account),
    ];
    let given = parts
        .into_iter()
        .filter_map(|(words, value)| Some(format!("{words} {}", value.as_deref()?)));
    given.collect::<Vec<_>>().join(", ")
}

/// Syncs; a person at a terminal sees what a first meeting would lead to and is asked once.
async fn sync(
    app: &App,
    request: SyncRequest,
    exit_code: bool,
    manner: &Manner,
) -> Result<Answer, Failure> {
    let reply = carry(app, &request, manner).await?;
    if request.dry_run {
        let exit = match exit_code {
            true => instep_app::exit_of_plan(&reply),
            false => instep_app::exit_of_sync(&reply),
        };
        output::notes(&reply.notes, manner);
        return Ok(Answer::Synced { reply, exit });
    }
    if !manner.may_ask || request.yes || !instep_app::waits_for_acceptance(&reply) {
        return Ok(synced(reply, manner));
    }
    let preview = SyncRequest {
        dry_run: true,
        ..request.clone()
    };
    let plan = carry(app, &preview, manner).await?;
    let exit = Exit::Fine;
    output::out(&render::plan_to_accept(&plan, manner));
    if !ask::yes("Do this?")? {
        return Ok(Answer::Synced { reply: plan, exit });
    }
    let accepted = SyncRequest {
        yes: true,
        ..request
    };
    Ok(synced(carry(app, &accepted, manner).await?, manner))
}

async fn carry(app: &App, request: &SyncRequest, manner: &Manner) -> Result<SyncReply, Failure> {
    let mut bar = Bar::new(manner.bar);
    let reply = app.sync(request, &mut |progress| bar.show(&progress)).await;
    bar.clear();
    reply
}

fn synced(reply: SyncReply, manner: &Manner) -> Answer {
    output::notes(&reply.notes, manner);
    let exit = instep_app::exit_of_sync(&reply);
    Answer::Synced { reply, exit }
}
