//! Which accounts a command is about, and their connectors; an account that cannot take part is
//! left out with its reason, and the others go on.

use std::path::Path;

use instep_api::Failure;
use instep_engine::Member;

use crate::account::twins;
use crate::app::App;
use crate::config::Entry;
use crate::connector::AnyConnector;
use crate::say;
use crate::wiring;

/// The accounts of a round.
#[derive(Debug)]
pub(crate) struct Choice<'a, C> {
    /// All that were asked for, in the order of the config.
    pub(crate) entries: Vec<&'a Entry>,
    /// Those that take part, in the same order.
    pub(crate) members: Vec<Member<C>>,
    /// Those that cannot, by their place in `entries`.
    pub(crate) refused: Vec<(usize, Failure)>,
}

impl App {
    /// The accounts of these names; all of them where none is named.
    pub(crate) fn entries(&self, names: &[String]) -> Result<Vec<&Entry>, Failure> {
        for name in names {
            self.entry(name)?;
        }
        let chosen = self.config.accounts.iter();
        let chosen: Vec<&Entry> = chosen
            .filter(|entry| names.is_empty() || names.contains(&entry.account.name))
            .collect();
        if chosen.is_empty() {
            return Err(say::usage(
                "no_accounts",
                "there is nothing to sync",
                "no account is set up yet",
                "instep account add taskwarrior",
            ));
        }
        Ok(chosen)
    }

    /// Connectors for these accounts; what is remembered of files lies below `state`.
    pub(crate) async fn choose<'a, C>(
        &'a self,
        entries: Vec<&'a Entry>,
        state: &Path,
        wrap: impl Fn(AnyConnector) -> C,
    ) -> Choice<'a, C> {
        let mut members = Vec::new();
        let mut refused = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let connected = match self.twin_of(entry).await {
                Some(twin) => Err(twins(&entry.account.name, &twin.account.name)),
                // What is remembered elsewhere is a rehearsal's.
                None if state == self.places.state() => self.connector(entry).await,
                None => {
                    let secrets = &self.secrets;
                    wiring::connect(&self.places, &self.config, secrets, entry, state).await
                }
            };
            match connected {
                Ok(connector) => members.push(Member {
                    account: entry.account.clone(),
                    connector: wrap(connector),
                }),
                Err(failure) => refused.push((at, failure)),
            }
        }
        Choice {
            entries,
            members,
            refused,
        }
    }
}
