//! First meetings, previews, and a hub that was lost.

use instep_api::{Exit, SyncRequest};
use instep_app::exit_of_sync;
use serde_json::json;

use super::world::{World, code};

#[tokio::test]
async fn two_full_sides_meet_only_when_a_person_agrees() {
    for major in [2, 3] {
        let world = World::paired(major).await;
        world
            .make_on_both_sides(&["Shared one", "Shared two"])
            .await;
        world.task(&["add", "Only here"]);
        world.make_there(json!({ "title": "Only there" })).await;
        let before = world.writes();

        let asked = world.ask(SyncRequest::default()).await;
        assert_eq!(exit_of_sync(&asked), Exit::NeedsYou);
        assert_eq!(
            (asked.outcome.as_str(), code(&asked, "vikunja").as_str()),
            ("needs_you", "first_meeting")
        );
        let preview = world.plan().await;
        assert_eq!(preview.outcome, "needs_you");
        // Taskwarrior met an empty hub before; of Vikunja nothing is told as done.
        let told = asked.shown.changes.iter();
        let mut done = told.map(|change| change.account.as_str());
        assert!(done.all(|account| account == "tw"), "{asked:#?}");
        let shown = asked.shown.proposed.iter();
        let shown: Vec<&str> = shown.map(|entry| entry.title.as_str()).collect();
        assert_eq!(shown, ["Only there", "Only here"]);
        assert_eq!(
            world.plan().await.plan,
            preview.plan,
            "two previews say the same"
        );
        assert_eq!(world.writes(), before, "nothing was written");
        assert_eq!((world.exported().len(), world.listed().await.len()), (3, 3));

        let done = world
            .ask(SyncRequest {
                yes: true,
                ..SyncRequest::default()
            })
            .await;
        assert_eq!(done.outcome, "in_step", "{done:#?}");
        let shape = |entries: &[instep_api::PlanEntry]| -> Vec<_> {
            let entries = entries.iter();
            entries
                .map(|entry| {
                    (
                        entry.account.clone(),
                        entry.side.clone(),
                        entry.action.clone(),
                        entry.title.clone(),
                    )
                })
                .collect()
        };
        assert_eq!(
            shape(&preview.plan.expect("a plan")),
            shape(&done.shown.changes),
            "it did what it said"
        );
        let titles = ["Shared one", "Shared two", "Only here", "Only there"];
        for title in titles {
            let here = world.in_taskwarrior(title).expect(title);
            let there = world.in_vikunja(title).await.expect(title);
            assert_eq!(here["vikunja_id"], there["id"].to_string(), "{title}");
        }
        assert_eq!(world.plan().await.plan, Some(Vec::new()));
    }
}

#[tokio::test]
async fn a_plan_is_what_the_sync_does_and_writes_nothing() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.task(&["add", "Bank"]);
    world.sync().await;
    world.task(&["Rent", "modify", "priority:H"]);
    world.task(&["Bank", "done"]);
    world.task(&["add", "New here", "project:Home.Garden", "+green"]);
    world.make_there(json!({ "title": "New there" })).await;
    let writes = world.writes();
    let stamp = || std::fs::read(world.path("tasks/pending.data")).expect("the data");
    let data = stamp();

    let plan = world.plan().await;
    let again = world.plan().await;
    assert_eq!(plan.plan, again.plan);
    assert_eq!(
        (world.writes(), stamp() == data),
        (writes, true),
        "a plan writes nothing"
    );
    let plan = plan.plan.expect("a plan");
    let find = |title: &str, side: &str, account: &str| {
        let mut found = plan.iter();
        let found = found
            .find(|entry| entry.title == title && entry.side == side && entry.account == account);
        found.map(|entry| entry.action.as_str())
    };
    assert_eq!(find("Rent", "remote", "vikunja"), Some("update"));
    assert_eq!(find("Bank", "remote", "vikunja"), Some("complete"));
    assert_eq!(find("New here", "remote", "vikunja"), Some("create"));
    assert_eq!(find("New there", "remote", "tw"), Some("create"));

    let done = world.sync().await;
    let shape = |entries: &[instep_api::PlanEntry]| -> Vec<_> {
        let entries = entries.iter();
        entries
            .map(|entry| {
                (
                    entry.account.clone(),
                    entry.side.clone(),
                    entry.action.clone(),
                    entry.title.clone(),
                )
            })
            .collect()
    };
    assert_eq!(shape(&plan), shape(&done.shown.changes));
    assert_eq!(world.plan().await.plan, Some(Vec::new()));
}

#[tokio::test]
async fn a_lost_hub_finds_every_pair_again() {
    for major in [2, 3] {
        let world = World::paired(major).await;
        for title in ["One", "Two", "Three"] {
            world.task(&["add", title, "project:Work"]);
        }
        world.sync().await;
        let writes = world.writes();
        let lost = std::fs::read_dir(world.places.data()).expect("the data directory");
        for file in lost
            .filter_map(Result::ok)
            .filter(|file| file.path().is_file())
        {
            std::fs::remove_file(file.path()).expect("removed");
        }

        let app = world.open().await;
        assert!(app.notes()[0].contains("was missing"), "{:?}", app.notes());
        app.close().await;
        let reply = world.sync().await;
        assert_eq!(world.writes(), writes, "{reply:#?}");
        assert_eq!((world.exported().len(), world.listed().await.len()), (3, 3));
        assert_eq!(world.plan().await.plan, Some(Vec::new()));
    }
}

#[tokio::test]
async fn a_damaged_hub_is_kept_beside_a_new_one() {
    let world = World::paired(2).await;
    world.task(&["add", "One"]);
    world.sync().await;
    std::fs::write(world.places.hub(), "no database at all").expect("damaged");
    let app = world.open().await;
    assert!(app.notes()[0].contains("damaged"), "{:?}", app.notes());
    app.close().await;
    world.sync().await;
    assert_eq!((world.exported().len(), world.listed().await.len()), (1, 1));
    let kept = std::fs::read_dir(world.places.data()).expect("the data directory");
    let kept = kept.filter_map(Result::ok).find(|file| {
        file.file_name()
            .to_string_lossy()
            .starts_with("hub.db.damaged-")
    });
    let kept = std::fs::read_to_string(kept.expect("a copy").path()).expect("its text");
    assert_eq!(kept, "no database at all");
}
