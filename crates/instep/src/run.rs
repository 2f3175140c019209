//! Carries out a plan through `instep-app`, asking where a person is there to be asked.

use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory;
use instep_api::{
    AccountsReply, CompletionsReply, ConfigReply, DoctorReply, Exit, Failure, ListRequest,
    RemovedReply, RenamedReply, RepairRequest, Reply, Request, SCHEMA_VERSION, SyncReply,
    SyncRequest, VersionReply,
};
use instep_app::{App, Daemon, Hub, Places};
use instep_daemon::Http;

use crate::answer::Answer;
use crate::manner::Manner;
use crate::plan::{AppPlan, AtOnce, ConfigPlan, HookPlan, Offer, Plan, ServicePlan};
use crate::progress::Bar;
use crate::{args, ask, config_edit, output, render, watch};

/// Answers what needs neither config nor hub.
pub(crate) fn at_once(plan: &AtOnce) -> Answer {
    let schema_version = SCHEMA_VERSION;
    match plan {
        AtOnce::Version => Answer::Version(VersionReply {
            schema_version,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }),
        AtOnce::Completions(shell) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut args::Cli::command(), "instep", &mut script);
            Answer::Completions(CompletionsReply {
                schema_version,
                shell: shell.to_string(),
                script: String::from_utf8_lossy(&script).into_owned(),
            })
        }
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
    let is_usual = config.is_none();
    let places = Places::from_env(config)?;
    match plan {
        Plan::AtOnce(plan) => Ok(at_once(&plan)),
        Plan::Config(plan) => {
            let answer = Box::pin(on_config(plan, &places, manner)).await?;
            output::notes(&reloaded(&places), manner);
            Ok(answer)
        }
        Plan::Hook(plan) => Box::pin(hooks(plan, &places)).await,
        Plan::Doctor { offline, fix } => Ok(Box::pin(doctor(&places, offline, fix)).await),
        Plan::ConfigCheck => {
            let checks = instep_app::config_check(&places)?;
            Ok(Answer::Checked(DoctorReply {
                schema_version: SCHEMA_VERSION,
                mended: Vec::new(),
                checks,
            }))
        }
        Plan::ConfigShow => {
            let text = instep_app::config_show(&places)?;
            Ok(Answer::Config(config_reply(&places, Some(text))))
        }
        Plan::ConfigPath => Ok(Answer::Config(config_reply(&places, None))),
        Plan::Serve { listen } => {
            let ready = |http: &Http| output::ready(http, manner);
            Box::pin(instep_daemon::serve(&places, listen.as_deref(), ready)).await?;
            Ok(Answer::Served)
        }
        Plan::Sync { request, exit_code } => {
            let hub = hub(&places, is_usual, patience, manner).await?;
            let answer = sync(&hub, request, exit_code, manner).await;
            hub.close().await;
            answer
        }
        Plan::Watch => Box::pin(watch::run(&places, is_usual, manner)).await,
        Plan::Bugreport(out) => Box::pin(bugreport(&places, out, manner)).await,
        Plan::Repair(request) => {
            let hub = hub(&places, is_usual, patience, manner).await?;
            let answer = repair(&hub, request, manner).await;
            hub.close().await;
            answer
        }
        Plan::Run(request) => {
            let hub = hub(&places, is_usual, patience, manner).await?;
            let reply = carry_out(&hub, &request, manner).await;
            hub.close().await;
            Ok(answer_to(&request, reply?, manner))
        }
        Plan::Service(plan) => Box::pin(service(plan, &places)).await,
        Plan::App(plan) => Box::pin(with_app(plan, &places, manner)).await,
    }
}

/// The way to the hub. A daemon has a config and a patience of its own: where others were named, the
/// hub is opened here.
async fn hub(
    places: &Places,
    is_usual: bool,
    patience: Option<Duration>,
    manner: &Manner,
) -> Result<Hub, Failure> {
    let hub = match (is_usual, patience) {
        (true, None) => Hub::open(places).await?,
        (_, patience) => {
            let mut app = App::open(places).await?;
            if let Some(patience) = patience {
                app.wait_up_to(patience);
            }
            Hub::Here(Box::new(app))
        }
    };
    output::notes(hub.notes(), manner);
    Ok(hub)
}

fn answer_to(request: &Request, reply: Reply, manner: &Manner) -> Answer {
    match (request, reply) {
        (_, Reply::Synced(reply)) => synced(reply, manner),
        (_, Reply::Status(reply)) => Answer::Status(reply),
        (_, Reply::Retried(reply)) => {
            let notes = reply.carried.as_ref().map(|carried| &carried.notes);
            output::notes(notes.map_or(&[], Vec::as_slice), manner);
            Answer::Retried(reply)
        }
        (Request::Resolve { .. }, Reply::Touched(reply)) => Answer::Resolved(*reply),
        (_, Reply::Touched(reply)) => {
            let notes = reply.carried.as_ref().map(|carried| &carried.notes);
            output::notes(notes.map_or(&[], Vec::as_slice), manner);
            Answer::Touched(*reply)
        }
    }
}

/// Carries out what changes the config.
async fn on_config(plan: ConfigPlan, places: &Places, manner: &Manner) -> Result<Answer, Failure> {
    Ok(match plan {
        ConfigPlan::Init { request, service } => {
            let mut reply = instep_app::init(places, &request).await?;
            if manner.may_ask {
                ask::more_accounts(places, manner, &mut reply).await?;
            }
            if service == Offer::Yes
                || service == Offer::Ask && wants_service(places, manner).await?
            {
                Box::pin(instep_app::service_with_init(places, &mut reply.notes)).await;
            }
            Answer::Init(reply)
        }
        ConfigPlan::AccountAdd(request) => {
            Answer::Added(instep_app::account_add(places, &request).await?)
        }
        ConfigPlan::AccountLogin { name, secret } => {
            Answer::Added(instep_app::account_login(places, &name, secret).await?)
        }
        ConfigPlan::AccountRename { old, new } => Answer::Renamed(RenamedReply {
            schema_version: SCHEMA_VERSION,
            notes: instep_app::account_rename(places, &old, &new).await?,
            before: old,
            name: new,
        }),
        ConfigPlan::AccountRemove { name, forget } => {
            let notes = instep_app::account_remove(places, &name, forget).await?;
            Answer::Removed(RemovedReply {
                schema_version: SCHEMA_VERSION,
                name,
                forgotten: forget,
                notes,
            })
        }
        ConfigPlan::Edit => Answer::ConfigEdited(config_edit::edit(places, manner)?),
    })
}

/// Looks for what is wrong, and where asked to mends first what is safe to mend.
async fn doctor(places: &Places, offline: bool, fix: bool) -> Answer {
    let mended = match fix {
        true => instep_app::mend(places).await,
        false => Vec::new(),
    };
    let reply = instep_app::doctor(places, offline).await;
    Answer::Checked(DoctorReply { mended, ..reply })
}

/// Gathers a report, and writes it to a file where one is named.
async fn bugreport(
    places: &Places,
    out: Option<PathBuf>,
    manner: &Manner,
) -> Result<Answer, Failure> {
    let mut report = instep_app::bugreport(places).await?;
    if let Some(path) = out {
        let text = match manner.json {
            true => output::json(&report),
            false => render::bugreport::text(&report),
        };
        instep_app::bugreport_save(&path, &text)?;
        report.file = Some(path.display().to_string());
    }
    Ok(Answer::Reported(Box::new(report)))
}

/// Has the daemon, where one runs, go by the config as it is by now; answers what to tell where it
/// does not.
fn reloaded(places: &Places) -> Vec<String> {
    let refused = Daemon::find(places).and_then(|daemon| daemon.reload().err());
    let told = |failure: Failure| format!("the daemon goes on as before: {}", failure.why);
    refused.map(told).into_iter().collect()
}

async fn hooks(plan: HookPlan, places: &Places) -> Result<Answer, Failure> {
    Ok(match plan {
        HookPlan::Install(name) => {
            Answer::Hooks(instep_app::hook_install(places, name.as_deref()).await?)
        }
        HookPlan::Uninstall(name) => {
            Answer::Hooks(instep_app::hook_uninstall(places, name.as_deref()).await?)
        }
        HookPlan::Status(name) => {
            Answer::HookStatus(instep_app::hook_status(places, name.as_deref()).await?)
        }
    })
}

async fn service(plan: ServicePlan, places: &Places) -> Result<Answer, Failure> {
    Ok(match plan {
        ServicePlan::Install(request) => {
            Answer::Service(instep_app::service_install(places, &request).await?)
        }
        ServicePlan::Print { request, launchd } => {
            Answer::ServiceText(instep_app::service_print(places, &request, launchd).await?)
        }
        ServicePlan::Uninstall => Answer::Service(instep_app::service_uninstall(places).await?),
        ServicePlan::Status => Answer::ServiceStatus(instep_app::service_status(places).await?),
        ServicePlan::Logs { lines } => {
            Answer::ServiceLogs(instep_app::service_logs(places, lines).await?)
        }
    })
}

/// Asks whether to set up a service, where one could be and a person is there to be asked.
async fn wants_service(places: &Places, manner: &Manner) -> Result<bool, Failure> {
    Ok(manner.may_ask
        && instep_app::service_fits(places).await
        && ask::yes("Keep everything in step by itself, as a service of your own systemd?")?)
}

/// The config file and its text.
pub(crate) fn config_reply(places: &Places, text: Option<String>) -> ConfigReply {
    ConfigReply {
        schema_version: SCHEMA_VERSION,
        path: places.config().display().to_string(),
        text,
    }
}

async fn with_app(plan: AppPlan, places: &Places, manner: &Manner) -> Result<Answer, Failure> {
    let app = App::open(places).await?;
    output::notes(app.notes(), manner);
    let opens = matches!(plan, AppPlan::Resume(_) | AppPlan::Ping(_));
    let configures = matches!(
        plan,
        AppPlan::WebhookInstall { .. } | AppPlan::WebhookRemove(_)
    );
    let installs = matches!(plan, AppPlan::WebhookInstall { .. });
    let mut answer = on_app(plan, &app).await;
    app.close().await;
    if opens && let Some(daemon) = Daemon::find(places) {
        daemon.try_again();
    }
    if let Ok(Answer::Webhooks(reply)) = &mut answer
        && installs
    {
        reply.notes.extend(instep_app::nobody_listens(places));
    }
    if configures {
        output::notes(&reloaded(places), manner);
    }
    answer
}

async fn on_app(plan: AppPlan, app: &App) -> Result<Answer, Failure> {
    Ok(match plan {
        AppPlan::Pause { account, for_secs } => {
            Answer::Paused(app.pause(account.as_deref(), for_secs).await?)
        }
        AppPlan::Resume(account) => Answer::Paused(app.resume(account.as_deref()).await?),
        AppPlan::Ping(name) => Answer::Pinged(app.ping(&name).await?),
        AppPlan::List(request) => Answer::Tasks {
            reply: app.list(&request).await?,
            filter: filter(&request),
        },
        AppPlan::Show(id) => Answer::Task(app.show(&id).await?),
        AppPlan::Log(request) => Answer::Log(app.log(&request).await?),
        AppPlan::Conflicts(filter) => Answer::Conflicts(app.conflicts(filter).await?),
        AppPlan::ConflictShow(id) => Answer::Conflict(app.conflict(&id).await?),
        AppPlan::AccountList => Answer::Accounts(AccountsReply {
            schema_version: SCHEMA_VERSION,
            accounts: app.accounts().await?,
        }),
        AppPlan::AccountShow(name) => Answer::Account(app.account_show(&name).await?),
        AppPlan::WebhookInstall {
            account,
            public_url,
            rotate,
        } => {
            let (account, url) = (account.as_deref(), public_url.as_deref());
            Answer::Webhooks(app.webhook_install(account, url, rotate).await?)
        }
        AppPlan::WebhookList(account) => Answer::Webhooks(app.webhooks(account.as_deref()).await?),
        AppPlan::WebhookRemove(account) => {
            Answer::Webhooks(app.webhook_remove(account.as_deref()).await?)
        }
        AppPlan::Map(name) => Answer::Map(app.account_show(&name).await?),
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
    hub: &Hub,
    request: SyncRequest,
    exit_code: bool,
    manner: &Manner,
) -> Result<Answer, Failure> {
    let reply = carry(hub, &request, manner).await?;
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
    let plan = carry(hub, &preview, manner).await?;
    let exit = Exit::Fine;
    output::out(&render::plan_to_accept(&plan, manner));
    if !ask::yes("Do this?")? {
        return Ok(Answer::Synced { reply: plan, exit });
    }
    let accepted = SyncRequest {
        yes: true,
        ..request
    };
    Ok(synced(carry(hub, &accepted, manner).await?, manner))
}

/// Finds pairs anew; a person at a terminal sees what that leads to and is asked once.
async fn repair(hub: &Hub, request: RepairRequest, manner: &Manner) -> Result<Answer, Failure> {
    let reply = carry_request(hub, &Request::Repair(request.clone()), manner).await?;
    let is_asked = manner.may_ask && !request.dry_run && instep_app::waits_for_acceptance(&reply);
    if !is_asked {
        return Ok(synced(reply, manner));
    }
    output::out(&render::repair_to_accept(&reply, manner));
    if !ask::yes("Do this?")? {
        let exit = Exit::Fine;
        return Ok(Answer::Synced { reply, exit });
    }
    let accepted = RepairRequest {
        yes: true,
        ..request
    };
    let reply = carry_request(hub, &Request::Repair(accepted), manner).await?;
    Ok(synced(reply, manner))
}

async fn carry(hub: &Hub, request: &SyncRequest, manner: &Manner) -> Result<SyncReply, Failure> {
    carry_request(hub, &Request::Sync(request.clone()), manner).await
}

async fn carry_request(
    hub: &Hub,
    request: &Request,
    manner: &Manner,
) -> Result<SyncReply, Failure> {
    match carry_out(hub, request, manner).await? {
        Reply::Synced(reply) => Ok(reply),
        _ => Err(Failure::new(
            Exit::Failed,
            "other_version",
            "the daemon answered with something else than a sync",
            "it is of another version than this command",
            "instep doctor",
        )),
    }
}

async fn carry_out(hub: &Hub, request: &Request, manner: &Manner) -> Result<Reply, Failure> {
    let mut bar = Bar::new(manner.bar);
    let mut show = |progress| bar.show(&progress);
    let reply = Box::pin(hub.carry_out(request, &mut show)).await;
    bar.clear();
    reply
}

fn synced(reply: SyncReply, manner: &Manner) -> Answer {
    output::notes(&reply.notes, manner);
    let exit = instep_app::exit_of_sync(&reply);
    Answer::Synced { reply, exit }
}
