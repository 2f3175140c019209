//! Which tasks an account takes part in (S27).

use std::collections::BTreeSet;

use instep_model::{
    Account, AccountId, ConflictPolicy, Direction, Field, Fields, Kind, ProjectPath, Scope, Value,
};

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn scope(projects: &str, tags: &str, not_tags: &str) -> Scope {
    Scope {
        projects: projects
            .split_whitespace()
            .map(|path| path.parse().expect("a path"))
            .collect(),
        tags: words(tags),
        not_tags: words(not_tags),
    }
}

fn check(scope: &Scope, project: &str, tags: &str, admitted: bool) {
    let fields = Fields::new()
        .with(Field::Project, project.parse().ok().map(Value::Path))
        .with(Field::Tags, Value::Tags(words(tags)));
    assert_eq!(
        scope.admits(&fields),
        admitted,
        "{scope:?} {project} {tags}"
    );
}

#[test]
fn s27_an_empty_scope_admits_everything() {
    check(&Scope::default(), "", "", true);
    check(&Scope::default(), "Home.Garden", "a b", true);
}

#[test]
fn s27_projects_admit_what_lies_below_them() {
    let home = scope("Home.Garden Work", "", "");
    check(&home, "Home.Garden", "", true);
    check(&home, "Home.Garden.Roses", "", true);
    check(&home, "Work", "", true);
    check(&home, "Home", "", false);
    check(&home, "Home.Gardening", "", false);
    check(&home, "", "", false);
}

#[test]
fn s27_tags_admit_and_shut_out() {
    let tagged = scope("", "a b", "private");
    check(&tagged, "", "a", true);
    check(&tagged, "", "b c", true);
    check(&tagged, "", "c", false);
    check(&tagged, "", "", false);
    check(&tagged, "", "a private", false);
    check(&scope("", "", "private"), "", "", true);
    check(&scope("", "", "private"), "", "private", false);
    check(&scope("Home", "a", ""), "Home", "", false);
    check(&scope("Home", "a", ""), "Home", "a", true);
    check(&scope("Home", "a", ""), "Work", "a", false);
}

#[test]
fn a_path_is_within_itself_and_its_parents() {
    let path = |text: &str| text.parse::<ProjectPath>().expect("a path");
    assert!(path("a.b").is_within(&path("a.b")));
    assert!(path("a.b").is_within(&path("a")));
    assert!(!path("a").is_within(&path("a.b")));
    assert!(!path("b.a").is_within(&path("a")));
}

#[test]
fn a_marker_carries_the_name_of_its_account() {
    let account = Account {
        id: AccountId::new("1"),
        name: "vikunja".to_owned(),
        kind: Kind::Vikunja,
        direction: Direction::default(),
        scope: Scope::default(),
        policy: ConflictPolicy::default(),
    };
    assert_eq!(account.marker(), "vikunja_id");
    assert_eq!(account.direction, Direction::Both);
    assert_eq!(account.policy, ConflictPolicy::Newest);
}
