//! The Todoist double through its HTTP surface: every case of the contract, by its id in a test's
//! name, and the official SDKs as clients.

mod adding;
mod client;
mod commands;
mod completing;
mod faults;
mod listing;
mod oauth;
mod receiver;
mod sdks;
mod syncing;
mod things;
mod transport;
mod updating;
mod webhooks;
mod words;

/// The contract's cases: a theme and how many it has, counted from 1.
const CASES: &[(&str, usize)] = &[
    ("auth", 2),
    ("path", 3),
    ("err", 1),
    ("lim", 4),
    ("add", 18),
    ("get", 4),
    ("upd", 10),
    ("mov", 3),
    ("clo", 6),
    ("reo", 2),
    ("del", 2),
    ("lst", 7),
    ("cmp", 2),
    ("shape", 6),
    ("syn", 14),
    ("cmd", 18),
    ("lab", 2),
    ("prj", 1),
    ("sec", 1),
    ("com", 1),
    ("idm", 1),
    ("wh", 4),
    ("oau", 2),
];

const SOURCES: &[&str] = &[
    include_str!("todoist/adding.rs"),
    include_str!("todoist/commands.rs"),
    include_str!("todoist/completing.rs"),
    include_str!("todoist/listing.rs"),
    include_str!("todoist/oauth.rs"),
    include_str!("todoist/syncing.rs"),
    include_str!("todoist/things.rs"),
    include_str!("todoist/transport.rs"),
    include_str!("todoist/updating.rs"),
    include_str!("todoist/webhooks.rs"),
];

#[test]
fn every_case_of_the_contract_has_a_test() {
    let has = |id: &str| {
        let head = format!("#[tokio::test]\nasync fn {id}_");
        SOURCES.iter().any(|source| source.contains(&head))
    };
    let ids = CASES.iter();
    let ids = ids.flat_map(|(theme, count)| (1..=*count).map(move |at| format!("t_{theme}_{at}")));
    let missing: Vec<String> = ids.filter(|id| !has(id)).collect();
    assert!(missing.is_empty(), "no test for {missing:?}");
}
