//! What was typed, as what it means: requests to the app. Nothing is looked up or done here.

use std::path::PathBuf;
use std::time::Duration;

use clap_complete::Shell;
use instep_api::{
    AccountAdd, ConflictFilter, Exit, Failure, InitRequest, ListRequest, LogRequest, RepairRequest,
    Request, Resolution, RetryRequest, SecretSource, ServiceRequest, SyncRequest, TaskEdit,
};

use crate::args::{
    AccountCommand, Add, AddKind, AddScope, Cli, Command, ConfigCommand, ConflictCommand, Edit,
    Global, HookCommand, Install, Log, Secret, ServiceCommand, Sync, WebhookCommand,
};

/// One thing to do.
pub(crate) enum Plan {
    AtOnce(AtOnce),
    Config(ConfigPlan),
    Hook(HookPlan),
    Service(ServicePlan),
    App(AppPlan),
    Sync {
        request: SyncRequest,
        exit_code: bool,
    },
    Repair(RepairRequest),
    /// Tells how everything stands until a person stops it.
    Watch,
    Bugreport(Option<PathBuf>),
    /// What the daemon carries out where one runs.
    Run(Request),
    /// Runs the daemon.
    Serve {
        listen: Option<String>,
    },
    Doctor {
        offline: bool,
        fix: bool,
    },
    ConfigCheck,
    ConfigShow,
    ConfigPath,
}

/// What needs neither config nor hub.
pub(crate) enum AtOnce {
    Completions(Shell),
    Version,
}

/// What changes the config.
pub(crate) enum ConfigPlan {
    Init {
        request: InitRequest,
        service: Offer,
    },
    AccountAdd(Box<AccountAdd>),
    AccountLogin {
        name: String,
        secret: SecretSource,
    },
    AccountRename {
        old: String,
        new: String,
    },
    AccountRemove {
        name: String,
        forget: bool,
    },
    Edit,
}

/// One thing to do about the hooks, of one account or of all.
pub(crate) enum HookPlan {
    Install(Option<String>),
    Uninstall(Option<String>),
    Status(Option<String>),
}

/// What is done with the hub opened by this process.
pub(crate) enum AppPlan {
    AccountList,
    AccountShow(String),
    List(ListRequest),
    Show(String),
    Log(LogRequest),
    Conflicts(ConflictFilter),
    ConflictShow(String),
    WebhookInstall {
        account: Option<String>,
        public_url: Option<String>,
        rotate: bool,
    },
    WebhookList(Option<String>),
    WebhookRemove(Option<String>),
    Pause {
        account: Option<String>,
        for_secs: Option<u64>,
    },
    Resume(Option<String>),
    Ping(String),
    Map(String),
}

/// One thing to do about the service.
pub(crate) enum ServicePlan {
    Install(ServiceRequest),
    Print {
        request: ServiceRequest,
        launchd: bool,
    },
    Uninstall,
    Status,
    Logs {
        lines: usize,
    },
}

/// Whether something is set up that was not asked for by its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It is.
    Yes,
    /// Where a person is there to be asked, and says so.
    Ask,
    /// It is not.
    No,
}

/// Says what a command line means.
///
/// # Errors
/// When a span of time cannot be read.
// tidy: long because it is the one list of commands and what each means
pub(crate) fn plan(cli: Cli) -> Result<Plan, Failure> {
    let global = cli.global;
    Ok(match cli.command {
        Command::Init(init) => Plan::Config(ConfigPlan::Init {
            service: match (init.no_service, global.yes) {
                (true, _) => Offer::No,
                (false, true) => Offer::Yes,
                (false, false) => Offer::Ask,
            },
            request: InitRequest {
                yes: global.yes || global.no_input,
                timezone: init.timezone,
                no_hook: init.no_hook,
            },
        }),
        Command::Account(command) => account(command),
        Command::Sync(sync) => sync_plan(sync, &global)?,
        Command::Status(status) => match status.watch {
            true => Plan::Watch,
            false => Plan::Run(Request::Status),
        },
        Command::Serve(serve) => Plan::Serve {
            listen: serve.listen,
        },
        Command::List(list) => Plan::App(AppPlan::List(ListRequest {
            all: list.all,
            project: list.project,
            tag: list.tag,
            account: list.account,
        })),
        Command::Add(add) => add_plan(add),
        Command::Show(id) => Plan::App(AppPlan::Show(id.id)),
        Command::Done(id) => Plan::Run(Request::Done(id.id)),
        Command::Edit(edit) => edit_plan(edit),
        Command::Rm(id) => Plan::Run(Request::Remove(id.id)),
        Command::Restore(restore) => Plan::Run(Request::Restore(restore.collection)),
        Command::Repair(repair) => Plan::Repair(RepairRequest {
            accounts: repair.accounts,
            dry_run: repair.dry_run,
            yes: global.yes,
        }),
        Command::Retry(retry) => Plan::Run(Request::Retry(RetryRequest {
            account: retry.account,
            parked: retry.parked,
        })),
        Command::Log(log) => log_plan(log)?,
        Command::Conflicts(conflicts) => match conflicts.command {
            None => Plan::App(AppPlan::Conflicts(filter(conflicts.all))),
            Some(ConflictCommand::List { all }) => {
                Plan::App(AppPlan::Conflicts(filter(all || conflicts.all)))
            }
            Some(ConflictCommand::Show(id)) => Plan::App(AppPlan::ConflictShow(id.id)),
            Some(ConflictCommand::Resolve { id, keep, same_as }) => Plan::Run(Request::Resolve {
                id,
                how: match same_as {
                    Some(other) => Resolution::SameAs(other),
                    None => resolution(keep.unwrap_or_default()),
                },
            }),
        },
        Command::Push(id) => Plan::Run(Request::Push(id.id)),
        Command::Pull(pull) => Plan::Run(Request::Pull {
            account: pull.account,
            remote_id: pull.remote_id,
        }),
        Command::Webhook(command) => webhook(command),
        Command::Pause(pause) => Plan::App(AppPlan::Pause {
            account: pause.account,
            for_secs: pause
                .span
                .map(|text| span("--for", &text, None))
                .transpose()?,
        }),
        Command::Resume(resume) => Plan::App(AppPlan::Resume(resume.account)),
        Command::Ping(name) => Plan::App(AppPlan::Ping(name.name)),
        Command::Map(name) => Plan::App(AppPlan::Map(name.name)),
        Command::Hook(HookCommand::Install(of)) => Plan::Hook(HookPlan::Install(of.account)),
        Command::Hook(HookCommand::Uninstall(of)) => Plan::Hook(HookPlan::Uninstall(of.account)),
        Command::Hook(HookCommand::Status(of)) => Plan::Hook(HookPlan::Status(of.account)),
        Command::Doctor(doctor) => Plan::Doctor {
            offline: doctor.offline,
            fix: doctor.fix,
        },
        Command::Bugreport(bugreport) => Plan::Bugreport(bugreport.out),
        Command::Config(ConfigCommand::Edit) => Plan::Config(ConfigPlan::Edit),
        Command::Config(ConfigCommand::Check) => Plan::ConfigCheck,
        Command::Config(ConfigCommand::Show) => Plan::ConfigShow,
        Command::Config(ConfigCommand::Path) => Plan::ConfigPath,
        Command::Service(command) => Plan::Service(service(command)),
        Command::Completions(completions) => Plan::AtOnce(AtOnce::Completions(completions.shell)),
        Command::Version => Plan::AtOnce(AtOnce::Version),
    })
}

fn service(command: ServiceCommand) -> ServicePlan {
    match command {
        ServiceCommand::Install(Install {
            timer,
            unconfined,
            print,
            launchd,
        }) => {
            let request = ServiceRequest { timer, unconfined };
            match print {
                true => ServicePlan::Print { request, launchd },
                false => ServicePlan::Install(request),
            }
        }
        ServiceCommand::Uninstall => ServicePlan::Uninstall,
        ServiceCommand::Status => ServicePlan::Status,
        ServiceCommand::Logs { lines } => ServicePlan::Logs { lines },
    }
}

fn webhook(command: WebhookCommand) -> Plan {
    match command {
        WebhookCommand::Install {
            account,
            public_url,
            rotate,
        } => Plan::App(AppPlan::WebhookInstall {
            account,
            public_url,
            rotate,
        }),
        WebhookCommand::List { account } => Plan::App(AppPlan::WebhookList(account)),
        WebhookCommand::Remove { account } => Plan::App(AppPlan::WebhookRemove(account)),
    }
}

fn account(command: AccountCommand) -> Plan {
    match command {
        AccountCommand::Add(kind) => {
            Plan::Config(ConfigPlan::AccountAdd(Box::new(account_add(kind))))
        }
        AccountCommand::List => Plan::App(AppPlan::AccountList),
        AccountCommand::Show(name) => Plan::App(AppPlan::AccountShow(name.name)),
        AccountCommand::Login(login) => Plan::Config(ConfigPlan::AccountLogin {
            name: login.name,
            secret: secret(login.secret),
        }),
        AccountCommand::Rename(rename) => Plan::Config(ConfigPlan::AccountRename {
            old: rename.old,
            new: rename.new,
        }),
        AccountCommand::Remove(remove) => Plan::Config(ConfigPlan::AccountRemove {
            name: remove.name,
            forget: remove.forget,
        }),
    }
}

fn account_add(kind: AddKind) -> AccountAdd {
    match kind {
        AddKind::Taskwarrior(add) => AccountAdd {
            kind: "taskwarrior".to_owned(),
            taskrc: add.taskrc,
            program: add.program,
            ..scoped(add.scope)
        },
        AddKind::Vikunja(add) => AccountAdd {
            kind: "vikunja".to_owned(),
            url: Some(add.url),
            secret: Some(secret(add.secret)),
            ..scoped(add.scope)
        },
        AddKind::File(add) => AccountAdd {
            kind: "file".to_owned(),
            path: Some(add.path),
            format: Some(add.format),
            ..scoped(add.scope)
        },
    }
}

fn scoped(scope: AddScope) -> AccountAdd {
    AccountAdd {
        name: scope.name,
        direction: Some(scope.direction),
        projects: scope.project,
        tags: scope.tag,
        not_tags: scope.not_tag,
        ..AccountAdd::default()
    }
}

/// Clap sees to it that exactly one source was given.
fn secret(secret: Secret) -> SecretSource {
    match (secret.secret_file, secret.secret_env) {
        (Some(file), _) => SecretSource::File(file),
        (None, Some(variable)) => SecretSource::Env(variable),
        (None, None) => SecretSource::Command(secret.secret_command.unwrap_or_default()),
    }
}

/// How long to wait for an account that another instance runs, where that was said.
pub(crate) fn patience(global: &Global) -> Result<Option<Duration>, Failure> {
    let timeout = global.timeout.as_deref();
    let secs = timeout.map(|text| span("--timeout", text, Some(1)));
    Ok(secs.transpose()?.map(Duration::from_secs))
}

fn sync_plan(sync: Sync, global: &Global) -> Result<Plan, Failure> {
    let request = SyncRequest {
        accounts: sync.accounts,
        dry_run: sync.dry_run,
        full: sync.full,
        yes: global.yes,
        max_delete: sync.max_delete,
        anew: false,
    };
    Ok(Plan::Sync {
        request,
        exit_code: sync.exit_code,
    })
}

fn add_plan(add: Add) -> Plan {
    Plan::Run(Request::Add {
        to: add.to,
        edit: TaskEdit {
            title: Some(add.title),
            notes: add.notes,
            project: add.project,
            tags: add.tag,
            priority: add.priority,
            due: add.due,
            ..TaskEdit::default()
        },
    })
}

fn edit_plan(edit: Edit) -> Plan {
    Plan::Run(Request::Edit {
        id: edit.id,
        edit: TaskEdit {
            title: edit.title,
            notes: edit.notes,
            project: edit.project,
            tags: edit.tag,
            untags: edit.untag,
            priority: edit.priority,
            due: edit.due,
            status: edit.status,
        },
    })
}

fn log_plan(log: Log) -> Result<Plan, Failure> {
    let since_secs = log
        .since
        .map(|text| span("--since", &text, None))
        .transpose()?;
    Ok(Plan::App(AppPlan::Log(LogRequest {
        since_secs,
        task: log.task,
        account: log.account,
        operation: log.op,
        limit: log.limit,
    })))
}

fn filter(all: bool) -> ConflictFilter {
    match all {
        true => ConflictFilter::All,
        false => ConflictFilter::Undecided,
    }
}

fn resolution(keep: String) -> Resolution {
    match keep.as_str() {
        "hub" => Resolution::Hub,
        "both" => Resolution::Both,
        "newest" => Resolution::Newest,
        _ => Resolution::Account(keep),
    }
}

/// Seconds in a span such as `30m`; a bare number is so many times `bare`, where that may be.
fn span(flag: &str, text: &str, bare: Option<u64>) -> Result<u64, Failure> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" => bare,
        "s" => Some(1),
        "m" | "min" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        "w" => Some(604_800),
        _ => None,
    };
    let secs = unit.zip(digits.parse::<u64>().ok());
    secs.map(|(unit, number)| number.saturating_mul(unit))
        .ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "usage",
                format!("`{flag} {text}` is no span of time"),
                "a span is a number and s, m, h, d or w",
                format!("for example `{flag} 30m`"),
            )
        })
}
