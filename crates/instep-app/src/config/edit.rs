//! Changes of the config file that leave every comment and every line that they are not about
//! as it is. One writer at a time, through a lock beside the file.

use std::path::Path;
use std::time::Duration;

use instep_api::{Exit, Failure, SecretSource};
use instep_model::{Account, Direction};
use instep_safefile::{FileLock, create_private_dir, write_private};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

use super::{Entry, Reach, parse};
use crate::Places;
use crate::say;

/// How long another instance may take over the config.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

const OPENING: &str = "\
# Instep's settings. `instep config edit` opens this file, `instep config check` reads it through.
# Secrets are never in it: an account says where its secret comes from.

";

/// Makes the config file where there is none; answers whether it did.
pub(crate) fn start(places: &Places, timezone: &str) -> Result<bool, Failure> {
    let _lock = lock(places)?;
    if places.config().exists() {
        return Ok(false);
    }
    let mut document = DocumentMut::new();
    document["timezone"] = value(timezone);
    document["conflicts"] = value("newest");
    let text = format!("{OPENING}{document}");
    parse(places, &text)?;
    save(places, &text)?;
    Ok(true)
}

/// Adds an account at the end. Its name must still be free.
pub(crate) fn add_account(places: &Places, entry: &Entry) -> Result<(), Failure> {
    change(places, |document| {
        let accounts = document
            .entry("account")
            .or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        let accounts = accounts.as_array_of_tables_mut().ok_or_else(not_tables)?;
        let name = entry.account.name.as_str();
        if accounts.iter().any(|table| is_named(table, name)) {
            return Err(say::name_taken(name));
        }
        accounts.push(table_of(entry));
        Ok(())
    })
}

/// Removes an account; its comments go with it.
pub(crate) fn remove_account(places: &Places, name: &str) -> Result<(), Failure> {
    change(places, |document| {
        let accounts = document.get_mut("account");
        let accounts = accounts.and_then(Item::as_array_of_tables_mut);
        if let Some(accounts) = accounts {
            accounts.retain(|table| !is_named(table, name));
        }
        Ok(())
    })
}

/// Gives an account another name, also where a policy prefers it. Its id stays, and with it all that
/// is known of it.
pub(crate) fn rename_account(places: &Places, old: &str, new: &str) -> Result<(), Failure> {
    let prefers = format!("prefer:{old}");
    let prefer_anew = |table: &mut Table| {
        if table.get("conflicts").and_then(Item::as_str) == Some(prefers.as_str()) {
            set_text(table, "conflicts", &format!("prefer:{new}"));
        }
    };
    change(places, |document| {
        prefer_anew(document.as_table_mut());
        let accounts = document.get_mut("account");
        let accounts = accounts.and_then(Item::as_array_of_tables_mut);
        for table in accounts
            .into_iter()
            .flat_map(|accounts| accounts.iter_mut())
        {
            prefer_anew(table);
            if is_named(table, old) {
                set_text(table, "name", new);
            }
        }
        Ok(())
    })
}

/// Sets a text and leaves the comment behind it.
fn set_text(table: &mut Table, key: &str, text: &str) {
    let mut new = Value::from(text);
    if let Some(known) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = known.decor().clone();
    }
    table[key] = Item::Value(new);
}

/// Says where the secret of an account comes from.
pub(crate) fn set_secret(
    places: &Places,
    name: &str,
    secret: &SecretSource,
) -> Result<(), Failure> {
    change(places, |document| {
        let accounts = document.get_mut("account");
        let accounts = accounts.and_then(Item::as_array_of_tables_mut);
        for table in accounts
            .into_iter()
            .flat_map(|accounts| accounts.iter_mut())
        {
            if is_named(table, name) {
                table["secret"] = secret_item(secret);
            }
        }
        Ok(())
    })
}

/// Says where services reach the daemon.
pub(crate) fn set_public_url(places: &Places, url: &str) -> Result<(), Failure> {
    change(places, |document| {
        let daemon = document.entry("daemon").or_insert(toml_edit::table());
        match daemon.as_table_mut() {
            Some(table) => set_text(table, "public_url", url),
            None => daemon["public_url"] = value(url),
        }
        Ok(())
    })
}

/// Writes the file for its owner alone.
pub(crate) fn save(places: &Places, text: &str) -> Result<(), Failure> {
    write_private(places.config(), text.as_bytes())
        .map_err(|error| say::from_safefile("the config could not be written", &error))
}

fn change(
    places: &Places,
    edit: impl FnOnce(&mut DocumentMut) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let _lock = lock(places)?;
    let text = super::parse::read(places)?;
    // Whatever does not parse would be lost on the way: it is refused with its line.
    parse(places, &text)?;
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        Failure::new(
            Exit::Config,
            "config_invalid",
            "the config is not valid",
            error.message().to_owned(),
            "instep config edit",
        )
    })?;
    edit(&mut document)?;
    let text = document.to_string();
    parse(places, &text)?;
    save(places, &text)
}

fn lock(places: &Places) -> Result<FileLock, Failure> {
    let failed = |error: instep_safefile::Error| {
        say::from_safefile("the config could not be locked", &error)
    };
    if let Some(dir) = places.config().parent()
        && !dir.exists()
    {
        create_private_dir(dir).map_err(failed)?;
    }
    let mut name = places.config().file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let path = places.config().with_file_name(name);
    FileLock::acquire(path, LOCK_TIMEOUT).map_err(|error| failed(error.into()))
}

fn not_tables() -> Failure {
    Failure::new(
        Exit::Config,
        "config_invalid",
        "the config is not valid",
        "its accounts are not written as [[account]]",
        "instep config edit",
    )
}

fn is_named(table: &Table, name: &str) -> bool {
    table.get("name").and_then(Item::as_str) == Some(name)
}

fn table_of(entry: &Entry) -> Table {
    let mut table = Table::new();
    let Account {
        id,
        name,
        kind,
        direction,
        scope,
        ..
    } = &entry.account;
    table["id"] = value(id.as_str());
    table["name"] = value(name.as_str());
    table["kind"] = value(kind.to_string());
    match &entry.reach {
        Reach::Taskwarrior {
            program,
            taskrc,
            data,
            run_hooks,
        } => {
            if program != Path::new("task") {
                table["program"] = path_item(program);
            }
            if let Some(taskrc) = taskrc {
                table["taskrc"] = path_item(taskrc);
            }
            if let Some(data) = data {
                table["data"] = path_item(data);
            }
            if *run_hooks {
                table["run_hooks"] = value(true);
            }
        }
        Reach::Vikunja { url, secret } => {
            table["url"] = value(url.as_str());
            table["secret"] = secret_item(secret);
        }
        Reach::File {
            path,
            priority_high_is_one,
        } => {
            table["path"] = path_item(path);
            table["format"] = value("json");
            if *priority_high_is_one {
                table["priority_high_is_one"] = value(true);
            }
        }
    }
    if *direction != Direction::Both {
        table["direction"] = value(direction.to_string());
    }
    let lists: [(&str, Vec<String>); 3] = [
        (
            "project",
            scope.projects.iter().map(ToString::to_string).collect(),
        ),
        ("tag", scope.tags.iter().cloned().collect()),
        ("not_tag", scope.not_tags.iter().cloned().collect()),
    ];
    for (key, texts) in lists {
        if !texts.is_empty() {
            table[key] = value(texts.into_iter().collect::<Array>());
        }
    }
    table
}

fn path_item(path: &Path) -> Item {
    value(path.to_string_lossy().into_owned())
}

fn secret_item(secret: &SecretSource) -> Item {
    let (key, text) = match secret {
        SecretSource::File(path) => ("file", path.to_string_lossy().into_owned()),
        SecretSource::Env(name) => ("env", name.clone()),
        SecretSource::Command(command) => ("command", command.clone()),
    };
    let mut table = InlineTable::new();
    table.insert(key, Value::from(text));
    value(table)
}
