//! Which older version a stale overwrite was made from.

use std::fs;

use instep_safefile::Bases;

use crate::Place;

fn store(place: &Place, versions: &[&str]) -> Bases {
    let bases = Bases::open(place.at("bases")).expect("a store");
    for version in versions {
        bases.remember(version.as_bytes()).expect("remembered");
    }
    bases
}

/// After these versions, `written` must be seen as made from the one `age` back.
fn check(versions: &[&str], written: &str, age: usize) {
    let place = Place::new(crate::options());
    let found = store(&place, versions)
        .closest(written.as_bytes())
        .expect("a look");
    assert_eq!(found.map(|base| base.age), Some(age), "{written:?}");
}

#[test]
fn a_write_is_traced_to_the_version_it_was_made_from() {
    let versions = ["a\nb\n", "a\nb\nc\n", "a\nb\nc\nd\n"];
    check(&versions, "a\nb\nc\nd\ne\n", 0);
    check(&versions, "a\nb\nc\nd\n", 0);
    check(&versions, "a\nb\nc\n", 1);
    check(&versions, "a\nb\nmine\n", 2);
    check(&versions, "b\na\n", 2);
}

#[test]
fn nothing_remembered_gives_no_base() {
    let place = Place::new(crate::options());
    assert_eq!(store(&place, &[]).closest(b"a\n").unwrap(), None);
}

#[test]
fn sixteen_versions_are_kept_each_once() {
    let place = Place::new(crate::options());
    let versions: Vec<String> = (0..20)
        .map(|number| format!("version {number}\n"))
        .collect();
    let mut versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    versions.push("version 10\n");
    let recent = store(&place, &versions).recent().unwrap();
    assert_eq!(recent.len(), 16);
    assert_eq!(recent[0].bytes, b"version 10\n");
    assert_eq!(recent[15].bytes, b"version 4\n");
}

#[test]
fn a_damaged_version_is_passed_over() {
    let place = Place::new(crate::options());
    let bases = store(&place, &["a\n", "b\n"]);
    let newest = fs::read_dir(place.at("bases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max();
    fs::write(newest.unwrap(), b"torn").unwrap();
    let recent = bases.recent().unwrap();
    assert_eq!(recent.len(), 1);
    assert_eq!(recent[0].bytes, b"a\n");
}

#[test]
fn versions_are_listed_without_their_content_and_read_one_by_one() {
    let place = Place::new(crate::options());
    let bases = store(&place, &["a\n", "b\n"]);
    let slots = bases.list().unwrap();
    let ages: Vec<usize> = slots.iter().map(|slot| slot.age).collect();
    assert_eq!(ages, [0, 1]);
    assert_eq!(
        slots[1].sha256(),
        "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    );
    assert_eq!(bases.read(&slots[1]).unwrap().unwrap(), b"a\n");
    fs::remove_dir_all(place.at("bases")).unwrap();
    fs::create_dir(place.at("bases")).unwrap();
    assert_eq!(bases.read(&slots[0]).unwrap(), None);
}
