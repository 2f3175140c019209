//! Two full sides meet for the first time: the preview says what will happen, and that happens.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::compare::{Before, Happened, equal};
use crate::world::{Version, World, account, size};

/// What a plan says will happen on the far side of an account.
fn planned(plan: &Value, account: &str) -> Happened {
    let titles = |wanted: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
        let plan = plan.as_array().expect("a plan").iter();
        let there = plan.filter(|step| step["account"] == account && step["side"] == "remote");
        let those = there.filter(|step| step["action"].as_str().is_some_and(wanted));
        those
            .filter_map(|step| Some(step["title"].as_str()?.to_owned()))
            .collect()
    };
    let made: BTreeSet<String> = titles(&|action| action == "create");
    // The labels of a new task follow its create as a step of their own.
    let changed: BTreeSet<String> = titles(&|action| action != "create");
    let changed = changed.difference(&made).cloned().collect();
    Happened { made, changed }
}

/// How many steps of a plan do this to the hub because of an account.
fn planned_for_hub(plan: &Value, account: &str, action: &str) -> usize {
    let plan = plan.as_array().expect("a plan").iter();
    let here = plan.filter(|step| step["account"] == account && step["side"] == "hub");
    here.filter(|step| step["action"] == action).count()
}

// tidy: long because the two sides, the plan and what came of it are one story
pub(crate) fn two_full_sides_that_share_half(version: Version) {
    let world = World::new(version);
    let half = size("INSTEP_TEST_TASKS", 40) / 2;
    let shared = |n: usize| format!("shared {n:05}");
    let here: Vec<Value> = (0..half)
        .flat_map(|n| {
            let mut same = json!({"description": shared(n), "status": "pending"});
            if n % 2 == 0 {
                same["project"] = "Both".into();
            }
            let own = json!({"description": format!("only here {n:05}"), "status": "pending", "tags": ["mine"]});
            [same, own]
        })
        .collect();
    world.import(&here);
    let project = world.server.make_project("Both", 0);
    let titled = |wanted: usize| -> Vec<Value> {
        let numbers = (0..half).filter(|n| n % 2 == wanted);
        numbers
            .map(|n| json!({"title": shared(n), "priority": 1 + n % 3}))
            .collect()
    };
    world.server.make_all(project, &titled(0));
    world.server.make_all(world.server.inbox(), &titled(1));
    let own: Vec<Value> = (0..half)
        .map(|n| json!({"title": format!("only there {n:05}")}))
        .collect();
    world.server.make_all(world.server.inbox(), &own);

    let before = Before::note(&world);
    let preview = world.told(&["sync", "-n", "--yes"]);
    let asking = world.instep(&["sync", "-n", "--json"]);
    assert_eq!(
        asking.code, 5,
        "a first meeting needs the person: {asking:#?}"
    );
    assert_eq!(
        preview["plan"],
        asking.json()["plan"],
        "twice the same plan"
    );
    before.rows_are_untouched(&world);
    before.tasks_are_untouched(&world);
    let asked = world.instep(&["sync"]);
    assert_eq!(asked.code, 5, "it asks before it creates: {asked:#?}");
    before.tasks_are_untouched(&world);

    // The hub has taken what is here; what is to happen on the far sides is the same.
    let plan = &world.told(&["sync", "-n", "--yes"])["plan"];
    for name in ["tw", "vikunja"] {
        assert_eq!(planned(plan, name), planned(&preview["plan"], name));
    }
    let reply = world.told(&["sync", "--yes"]);
    assert_eq!(
        before.happened_here(&world),
        planned(plan, "tw"),
        "said and done"
    );
    assert_eq!(
        before.happened_there(&world),
        planned(plan, "vikunja"),
        "said and done"
    );
    for name in ["tw", "vikunja"] {
        let made = &account(&reply, name)["hub"]["created"];
        assert_eq!(*made, planned_for_hub(plan, name, "create"), "{reply:#}");
    }
    let sides = equal(&world);
    assert_eq!((sides.rows.len(), sides.tasks.len()), (3 * half, 3 * half));
    world.is_in_step();
}
