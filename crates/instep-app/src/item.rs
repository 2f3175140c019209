//! What a person calls an item of a service by: its id, the beginning of a long one, or the address
//! at which a browser shows it. Nothing is taken or changed here.

use std::collections::BTreeSet;

use instep_api::Failure;
use instep_contract::{Connector, Look, Store};
use instep_model::{Kind, RemoteId};

use crate::app::App;
use crate::config::Entry;
use crate::connector::AnyConnector;
use crate::find::check_length;
use crate::overlap::host;
use crate::{config::Reach, say};

/// The length of an id that Taskwarrior gives.
const UUID_CHARS: usize = 36;

impl App {
    /// The id of the item that is called so in an account.
    ///
    /// # Errors
    /// When that is no id of this service, or the beginning of none or several.
    pub(crate) async fn item(
        &self,
        entry: &Entry,
        connector: &mut AnyConnector,
        typed: &str,
    ) -> Result<RemoteId, Failure> {
        let typed = typed.trim();
        match (entry.account.kind, &entry.reach) {
            (Kind::Taskwarrior, _) => self.begins_like(entry, connector, typed).await,
            (_, Reach::Vikunja { url, .. }) => of_vikunja(entry, url, typed),
            _ => Ok(RemoteId::new(typed)),
        }
    }

    /// The one item of a Taskwarrior whose id begins like this: one that is there now, or was.
    async fn begins_like(
        &self,
        entry: &Entry,
        connector: &mut AnyConnector,
        typed: &str,
    ) -> Result<RemoteId, Failure> {
        let name = &entry.account.name;
        let prefix = typed.to_ascii_lowercase();
        if prefix.len() == UUID_CHARS {
            return Ok(RemoteId::new(prefix));
        }
        check_length(&prefix, "task uuids")?;
        let pairs = self.hub.paired(&entry.account.id).await;
        let pairs = pairs.map_err(|error| say::from_store(&error))?;
        let look = async |to: &mut AnyConnector| to.observe(None, Look::Everything).await;
        let seen = self.ask(entry, connector, look).await?;
        let seen = seen.map_err(|error| say::from_connector(entry, &error, say::Met::Looking))?;
        let there = seen.tasks.into_iter().map(|task| task.id);
        let ids: BTreeSet<RemoteId> = there
            .chain(pairs.into_iter().map(|(id, _)| id))
            .filter(|id| id.as_str().starts_with(&prefix))
            .collect();
        match ids.len() {
            1 => Ok(ids.into_iter().next().unwrap_or(RemoteId::new(prefix))),
            0 => Err(unknown_item(
                typed,
                name,
                "no id there begins like that, and none that Instep knows of did",
            )),
            several => Err(say::usage(
                "ambiguous_item",
                format!("{several} tasks of {name} have an id that begins with {typed}"),
                "one is taken at a time",
                "give more of the id; `task uuids` tells all of them",
            )),
        }
    }
}

/// A task of Vikunja by its number, or by the address of its page.
fn of_vikunja(entry: &Entry, url: &str, typed: &str) -> Result<RemoteId, Failure> {
    let name = &entry.account.name;
    let number = match typed.strip_prefix(host(url)) {
        Some(page) => page.trim_matches('/').strip_prefix("tasks/"),
        None => Some(typed),
    };
    match number.filter(|number| is_number(number)) {
        Some(number) => Ok(RemoteId::new(number)),
        None => Err(unknown_item(
            typed,
            name,
            "a task of Vikunja is called by its id, which is the number in the address of its \
             page; the one behind a # counts within a project",
        )),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// There is no such item.
pub(crate) fn unknown_item(item: &str, account: &str, why: &str) -> Failure {
    say::usage(
        "unknown_item",
        format!("there is no {item} in {account}"),
        why,
        format!("for all that is new there: instep sync {account}"),
    )
}
