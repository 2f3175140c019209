//! What one service holds less finely is no contradiction to what another holds more finely (S2).

use instep_model::{AccountId, Field, Fields, Task, Value};

use crate::projection::Projection;

/// An account that holds a task already, and how it sees tasks.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// How its service sees tasks.
    pub projection: Projection<'a>,
}

/// The values of `remote`, met for the first time, of which the hub knows only what a service made
/// of them: the hub's value came from one of `holders`, and each of them would show the remote's
/// value just as it shows the hub's. Each comes as the hub would hold it.
pub fn finer(
    projection: &Projection,
    hub: &Task,
    remote: &Fields,
    holders: &[Holder],
) -> Vec<(Field, Value)> {
    let elements = [
        Field::Tags,
        Field::Depends,
        Field::Parent,
        Field::Annotations,
    ];
    let mut finer = Vec::new();
    for (field, shown) in remote.iter().filter(|(it, _)| !elements.contains(it)) {
        let Some(known) = hub.fields.get(field).filter(|_| projection.merges(field)) else {
            continue;
        };
        let giver = hub
            .provenance
            .get(&field)
            .and_then(|it| it.account.as_ref());
        let is_given = holders.iter().any(|one| Some(one.account) == giver);
        let Some(lifted) = projection.lift(field, Some(known), Some(shown)) else {
            continue;
        };
        let alike = |one: &Holder| {
            let sees = |value: &Value| {
                let alone = Fields::new().with(field, value.clone());
                one.projection.project(&alone).get(field).cloned()
            };
            !one.projection.merges(field) || sees(known) == sees(&lifted)
        };
        if lifted != *known && is_given && holders.iter().all(alike) {
            finer.push((field, lifted));
        }
    }
    finer
}
