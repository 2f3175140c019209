//! An account is limited to a project while tasks of others are on both sides, and widened again.

use serde_json::json;

use crate::compare::equal;
use crate::server::id_of;
use crate::world::{Version, World, text};

const CONFIG: &str = ".config/instep/config.toml";

/// S27: what lies outside is left alone on both sides, from the moment at which the scope is narrowed
/// and however much it is; what comes back is brought in step with all that was changed meanwhile.
pub(crate) fn s27_an_account_is_limited_to_a_project(version: Version) {
    let world = World::new(version);
    let task = |title: &str, project: &str| json!({ "description": title, "status": "pending", "project": project });
    let mut tasks = vec![
        task("stays", "Home"),
        task("edited", "Work"),
        task("moved", "Work"),
    ];
    tasks.extend((0..12).map(|n| task(&format!("deleted {n:02}"), "Work")));
    world.import(&tasks);
    world.settle();

    let wide = world.read(CONFIG);
    let kind = "kind = \"vikunja\"\n";
    let narrow = wide.replace(kind, &format!("{kind}project = [\"Home\"]\n"));
    assert_ne!(wide, narrow, "{wide}");
    world.write(CONFIG, &narrow);
    for task in world.server.tasks() {
        let title = task["title"].as_str().expect("a title");
        if title.starts_with("deleted") {
            world.server.delete(id_of(&task));
        }
    }
    retitle(&world, "edited", "edited there");
    world.settle();
    retitle(&world, "moved", "moved there");
    retitle(&world, "stays", "stays there");
    world.settle();
    let titles = titles(&world);
    assert_eq!(titles.len(), 15, "{titles:?}");
    for title in ["edited", "moved", "stays there", "deleted 00", "deleted 11"] {
        assert!(titles.contains(&title.to_owned()), "{title}: {titles:?}");
    }
    world.is_in_step();

    // One comes back by itself, the others with the scope.
    world.change(
        &world.row("moved"),
        &["modify", "project:Home", "due:2031-05-05"],
    );
    world.settle();
    assert_eq!(text(&world.row("moved there"), "project"), "Home");
    world.write(CONFIG, &wide);
    world.settle();
    let rows = equal(&world).rows;
    assert_eq!(rows.len(), 15, "{rows:#?}");
    assert_eq!(text(&world.row("edited there"), "project"), "Work");
    world.is_in_step();
}

fn retitle(world: &World, from: &str, to: &str) {
    let tasks = world.server.tasks();
    let found = tasks.iter().find(|task| task["title"] == from);
    let id = id_of(found.unwrap_or_else(|| panic!("{from} is in Vikunja")));
    world.server.patch(id, json!({ "title": to }));
}

fn titles(world: &World) -> Vec<String> {
    let rows = world.rows();
    rows.iter()
        .map(|row| text(row, "description").to_owned())
        .collect()
}
