//! Adding, re-opening and removing accounts. Nothing is written before the service was tried.

use std::path::PathBuf;

use instep_api::{
    AccountAdd, AccountAdded, Failure, HookState, NotesLine, SCHEMA_VERSION, SecretSource,
};
use instep_connectors::{taskwarrior, vikunja};
use instep_contract::{Connector, Look, Observation};
use instep_model::{Account, AccountId, ConflictPolicy, Direction, Kind};
use uuid::Uuid;

use crate::app::App;
use crate::config::{self, Config, Entry, Reach};
use crate::connector::AnyConnector;
use crate::notice::{advice, failed, remark};
use crate::overlap::{Covered, LeftBehind, file_exists};
use crate::rights::lacking;
use crate::scratch::scratch;
use crate::{Places, hook, say, secret, service, wiring};

/// Whether this can be the address of a server; whether one answers there is not asked.
///
/// # Errors
/// When it is none.
pub fn check_address(url: &str) -> Result<(), Failure> {
    match vikunja::host_of(url) {
        Some(_) => Ok(()),
        None => Err(say::usage(
            "no_address",
            format!("`{url}` is not the address of a Vikunja server"),
            "an address begins with http:// or https:// and names a host",
            "write it as `https://vikunja.example.org`",
        )),
    }
}

/// Adds an account after having tried it. Makes the config where there is none.
///
/// # Errors
/// When the request makes no sense, the service does not answer, or another account covers the
/// same place (S7). Nothing is written then.
pub async fn account_add(places: &Places, request: &AccountAdd) -> Result<AccountAdded, Failure> {
    config::start(places, &config::system_zone())?;
    let app = App::open(places).await?;
    let mut added = add(&app, request).await;
    app.close().await;
    if let Ok(added) = &mut added
        && added.kind == Kind::Taskwarrior.to_string()
    {
        added.notes.extend(hook_advice(places, &added.name).await);
    }
    added
}

pub(crate) async fn add(app: &App, request: &AccountAdd) -> Result<AccountAdded, Failure> {
    let places = &app.places;
    let mut entry = wanted(places, request)?;
    if app.config.entry(&entry.account.name).is_some() {
        return Err(say::name_taken(&entry.account.name));
    }
    let mut config = app.config.clone();
    config.accounts.push(entry.clone());
    let probed = probe(places, &config, &entry).await?;
    refuse_twin(app, &entry, &probed).await?;
    let before = app
        .left_behind(&entry, &probed.observation.identity)
        .await?;
    if let Some(before) = &before {
        entry.account.id.clone_from(&before.id);
    }
    config::add_account(places, &entry)?;
    let reopened = App::open(places).await?;
    let mut notes = Vec::from_iter(probed.lacking);
    notes.extend(after_adding(
        places,
        &reopened.config,
        &entry,
        before.as_ref(),
    ));
    reopened.close().await;
    notes.extend(Box::pin(service::behind(places)).await);
    Ok(AccountAdded {
        schema_version: SCHEMA_VERSION,
        name: entry.account.name,
        kind: entry.account.kind.to_string(),
        found: probed.found,
        notes,
    })
}

/// The account that is asked for.
fn wanted(places: &Places, request: &AccountAdd) -> Result<Entry, Failure> {
    let bad = |why: String| {
        say::usage(
            "bad_request",
            "the account cannot be added",
            why,
            "instep account add --help",
        )
    };
    let kind: Kind = request
        .kind
        .parse()
        .map_err(|_| bad(config::unknown_kind(&request.kind)))?;
    let reach = reach(places, request, kind)?;
    let name = request
        .name
        .clone()
        .unwrap_or_else(|| default_name(kind).to_owned());
    config::check_name(&name).map_err(bad)?;
    let direction = match request.direction.as_deref() {
        Some(text) => text
            .parse()
            .map_err(|error: instep_model::ParseError| bad(error.to_string()))?,
        None => Direction::Both,
    };
    let scope = config::scope(&request.projects, &request.tags, &request.not_tags).map_err(bad)?;
    let chance = Uuid::new_v4().simple().to_string();
    Ok(Entry {
        account: Account {
            id: AccountId::new(format!("{name}-{}", &chance[..6])),
            name,
            kind,
            direction,
            scope,
            policy: ConflictPolicy::Newest,
        },
        reach,
    })
}

fn default_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Taskwarrior => "tw",
        Kind::Vikunja => "vikunja",
        Kind::Todoist => "todoist",
        Kind::Caldav => "caldav",
        Kind::File => "file",
    }
}

fn reach(places: &Places, request: &AccountAdd, kind: Kind) -> Result<Reach, Failure> {
    let missing = |flag: &str, what: &str| {
        say::usage(
            "missing_flag",
            format!("an account of the kind {kind} needs {what}"),
            format!("{flag} is missing"),
            match kind {
                Kind::Vikunja => {
                    "instep account add vikunja --url URL --secret-file FILE".to_owned()
                }
                _ => format!("instep account add {kind} {flag}"),
            },
        )
    };
    match kind {
        Kind::Taskwarrior => {
            let taskrc = request.taskrc.as_ref().map(|path| places.absolute(path));
            Ok(Reach::Taskwarrior {
                program: match &request.program {
                    Some(program) if program.components().count() > 1 => places.absolute(program),
                    Some(program) => program.clone(),
                    None => PathBuf::from("task"),
                },
                data: match &taskrc {
                    Some(_) => None,
                    None => places.taskdata().map(|path| places.absolute(path)),
                },
                taskrc: Some(taskrc.unwrap_or_else(|| places.absolute(&places.taskrc()))),
                run_hooks: false,
            })
        }
        Kind::Vikunja => {
            let url = request.url.clone();
            let url = url.ok_or_else(|| missing("--url URL", "the address of the server"))?;
            let source = request.secret.clone();
            let source = source.ok_or_else(|| missing("--secret-file FILE", "an API token"))?;
            Ok(Reach::Vikunja {
                url,
                secret: absolute_secret(places, source)?,
            })
        }
        Kind::File => {
            config::check_format(request.format.as_deref()).map_err(|why| {
                say::usage(
                    "bad_request",
                    "the account cannot be added",
                    why,
                    "--format json",
                )
            })?;
            let path = request.path.as_ref();
            let path = path.ok_or_else(|| missing("--path FILE", "a file"))?;
            let path = places.absolute(path);
            secret::check(&SecretSource::File(path.clone()))?;
            Ok(Reach::File {
                path,
                priority_high_is_one: false,
            })
        }
        Kind::Todoist | Kind::Caldav => Err(say::usage(
            "unknown_kind",
            "the account cannot be added",
            config::unknown_kind(&request.kind),
            "instep account add --help",
        )),
    }
}

fn absolute_secret(places: &Places, source: SecretSource) -> Result<SecretSource, Failure> {
    let source = match source {
        SecretSource::File(path) => SecretSource::File(places.absolute(&path)),
        other => other,
    };
    secret::check(&source)?;
    Ok(source)
}

/// What trying an account found.
struct Probed {
    found: String,
    observation: Observation,
    /// What the secret may not do of what is needed.
    lacking: Option<NotesLine>,
}

/// Tries an account as the engine would, and writes nothing. Not through the door: the hub does not know
/// the account yet, or what it knows was met with another secret, which says nothing of this one; and a
/// person waits for the answer.
async fn probe(places: &Places, config: &Config, entry: &Entry) -> Result<Probed, Failure> {
    let secret = match entry.reach.secret() {
        Some(source) => Some(secret::read(source).await?),
        None => None,
    };
    let scratch = scratch(places)?;
    let failed = |error| say::from_connector(entry, &error, say::Met::Adding);
    let mut version = None;
    if let Some(settings) = wiring::taskwarrior_settings(places, config, &entry.reach) {
        version = Some(
            taskwarrior::detect(&settings)
                .await
                .map_err(failed)?
                .version,
        );
    }
    let mut connector = wiring::connect_with(
        places,
        config,
        secret,
        entry,
        scratch.path(),
        say::Met::Adding,
    )?;
    let exists = file_exists(&connector);
    let observation = connector
        .observe(None, Look::Everything)
        .await
        .map_err(failed)?;
    let tasks = say::count(observation.tasks.len(), "task");
    let found = match (version, exists) {
        (Some(version), _) => format!("Taskwarrior {version}, {tasks}"),
        (None, Some(false)) => "no file yet; it is made by the first sync".to_owned(),
        (None, _) => tasks,
    };
    // The account works for what the secret may do, and the server has just answered.
    let server = connector.server(entry.account.direction).await;
    let lacking = server.ok().flatten().and_then(|server| lacking(&server));
    let lacking = lacking.zip(entry.reach.secret()).map(|(lacking, source)| {
        let command = say::login_command(&entry.account.name, source);
        advice(format!("warning: {lacking}"), command)
    });
    Ok(Probed {
        found,
        observation,
        lacking,
    })
}

/// Refuses a second account for one place (S7).
async fn refuse_twin(app: &App, entry: &Entry, probed: &Probed) -> Result<(), Failure> {
    let new = Covered {
        entry: entry.clone(),
        identity: Some(probed.observation.identity.clone()),
        collections: probed.observation.collections.clone().unwrap_or_default(),
    };
    for other in &app.config.accounts {
        if other.account.kind != entry.account.kind {
            continue;
        }
        let mut known = app.covered(other).await;
        if known.identity.is_none()
            && let Some(seen) = look_at(app, other).await
        {
            known.identity = Some(seen.identity);
            known.collections = seen.collections.unwrap_or_default();
        }
        if new.meets(&known) {
            let other = &other.account.name;
            return Err(Failure {
                help: format!(
                    "limit `{other}` to a `project` of its own (instep config edit), then add this \
                     one with another --project"
                ),
                ..twins(&entry.account.name, other)
            });
        }
    }
    Ok(())
}

/// What an account of the config holds by now; `None` where it does not say.
async fn look_at(app: &App, entry: &Entry) -> Option<Observation> {
    let scratch = scratch(&app.places).ok()?;
    let (places, config) = (&app.places, &app.config);
    let connected = wiring::connect(places, config, &app.secrets, entry, scratch.path()).await;
    let mut connector = connected.ok()?;
    let look = async |to: &mut AnyConnector| to.observe(None, Look::Everything).await;
    app.ask(entry, &mut connector, look).await.ok()?.ok()
}

/// Two accounts for one place.
pub(crate) fn twins(name: &str, other: &str) -> Failure {
    Failure::new(
        instep_api::Exit::Config,
        "same_place",
        format!("`{name}` covers the same place as `{other}`"),
        "each change would be carried twice",
        format!("give the two different --project scopes, or: instep account remove {name}"),
    )
}

/// What has to follow a new account, and what there is to know.
fn after_adding(
    places: &Places,
    config: &Config,
    entry: &Entry,
    before: Option<&LeftBehind>,
) -> Vec<NotesLine> {
    let mut notes = Vec::new();
    if let Some(before) = before {
        notes.push(remark(taken_up(before)));
    }
    match wiring::declare_markers(places, config) {
        Ok(lines) if !lines.is_empty() => notes.push(remark(format!(
            "declared in your taskrc: {}",
            lines.join(", ")
        ))),
        Ok(_) => {}
        Err(failure) => notes.push(failed(&failure)),
    }
    if let Reach::Taskwarrior {
        run_hooks: false, ..
    } = entry.reach
    {
        notes.push(remark(
            "Instep's own writes run without your Taskwarrior hooks",
        ));
    }
    if config.accounts.len() > 1 {
        let which = if before.is_some() { "next" } else { "first" };
        let text = format!("see what the {which} sync would do");
        notes.push(advice(text, "instep sync -n"));
    }
    notes
}

/// How Taskwarrior tells of changes at once, where it does not yet.
async fn hook_advice(places: &Places, name: &str) -> Option<NotesLine> {
    let config = config::load(places).ok()?;
    let view = hook::look(places, &config, config.entry(name)?)
        .await
        .ok()?;
    let text = "let Taskwarrior tell of changes at once";
    (view.state == HookState::Missing).then(|| advice(text, format!("instep hook install {name}")))
}

/// What is told of an account that was removed and is back.
fn taken_up(before: &LeftBehind) -> String {
    let pairs = say::count(before.pairs, "pair");
    let verb = if before.pairs == 1 { "is" } else { "are" };
    let name = &before.name;
    format!("its {pairs} {verb} remembered from when it was here as `{name}`")
}

/// Gives an account another secret, after having tried it.
///
/// # Errors
/// When there is no such account, it has no secret, or the service rejects it.
pub async fn account_login(
    places: &Places,
    name: &str,
    source: SecretSource,
) -> Result<AccountAdded, Failure> {
    let config = config::load(places)?;
    let known = config.entry(name);
    let mut entry = known
        .cloned()
        .ok_or_else(|| say::unknown_account(name, &config.names()))?;
    let source = absolute_secret(places, source)?;
    match &mut entry.reach {
        Reach::Vikunja { secret, .. } => secret.clone_from(&source),
        Reach::Taskwarrior { .. } | Reach::File { .. } => {
            return Err(say::usage(
                "no_secret",
                format!("`{name}` has no secret"),
                format!("an account of the kind {} needs none", entry.account.kind),
                format!("instep account show {name}"),
            ));
        }
    }
    let probed = probe(places, &config, &entry).await?;
    config::set_secret(places, name, &source)?;
    Ok(AccountAdded {
        schema_version: SCHEMA_VERSION,
        name: name.to_owned(),
        kind: entry.account.kind.to_string(),
        found: probed.found,
        notes: probed
            .lacking
            .into_iter()
            .chain([advice("carry on", format!("instep sync {name}"))])
            .collect(),
    })
}

/// Calls an account by another name; all that is known of it stays. Answers what else there is to
/// know.
///
/// # Errors
/// When there is no such account, or the new name cannot be used or is in use.
pub async fn account_rename(
    places: &Places,
    old: &str,
    new: &str,
) -> Result<Vec<NotesLine>, Failure> {
    let config = config::load(places)?;
    let known = config.entry(old);
    let known = known.ok_or_else(|| say::unknown_account(old, &config.names()))?;
    let bad = |why: String| {
        let help = format!("instep account rename {old} NEW");
        say::usage("bad_request", "the account cannot be called so", why, help)
    };
    config::check_name(new).map_err(bad)?;
    if new != old && config.entry(new).is_some() {
        return Err(bad(format!("there is an account `{new}` already")));
    }
    config::rename_account(places, old, new)?;
    let app = App::open(places).await?;
    let declared = wiring::declare_markers(places, &app.config);
    app.close().await;
    let mut notes: Vec<NotesLine> = declared.err().iter().map(failed).collect();
    // The name of its marker is made from the account's.
    if known.account.kind.is_marked() && new != old {
        notes.push(remark(format!(
            "tasks that Taskwarrior has already keep the attribute `{old}_id`; others get `{new}_id`"
        )));
    }
    Ok(notes)
}

/// Removes an account from the config. Its pairs stay for 90 days, so that adding the same place
/// again finds them; with `forget`, they go at once. No task is touched on either side. Its webhooks
/// go with it, as far as its service lets them; answers what there is to know of that.
///
/// # Errors
/// When there is no such account.
pub async fn account_remove(
    places: &Places,
    name: &str,
    forget: bool,
) -> Result<Vec<NotesLine>, Failure> {
    let config = config::load(places)?;
    let known = config.entry(name);
    let known = known.ok_or_else(|| say::unknown_account(name, &config.names()))?;
    let id = known.account.id.clone();
    let mut notes = Vec::new();
    // A hub that cannot be opened is told of below.
    if let Ok(app) = App::open(places).await {
        notes = Box::pin(app.part_with_webhooks(known)).await;
        app.close().await;
    }
    config::remove_account(places, name)?;
    let app = App::open(places).await?;
    let forgotten = match forget {
        true => app.hub.forget_account(&id).await,
        false => Ok(()),
    };
    app.close().await;
    forgotten.map_err(|error| say::from_store(&error))?;
    Ok(notes)
}
