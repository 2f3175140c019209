//! The steps of a merge on their own: one value, a set, a map, lines of text.

use std::collections::{BTreeMap, BTreeSet};

use instep_sync::{Merged, merge_field, merge_lines, merge_map, merge_set};
use proptest::prelude::*;

use crate::draw;

fn set(text: &str) -> BTreeSet<char> {
    text.chars().collect()
}

#[test]
fn one_value() {
    let check = |base: Option<u8>, hub, remote, expected| {
        assert_eq!(
            merge_field(base, hub, remote),
            expected,
            "{base:?} {hub} {remote}"
        );
    };
    let conflict = |base, hub, remote| Merged::Conflict { base, hub, remote };
    check(Some(1), 1, 1, Merged::Agreed(1));
    check(Some(1), 2, 1, Merged::Agreed(2));
    check(Some(1), 1, 2, Merged::Agreed(2));
    check(Some(1), 2, 2, Merged::Agreed(2));
    check(Some(1), 2, 3, conflict(Some(1), 2, 3));
    check(None, 2, 2, Merged::Agreed(2));
    check(None, 2, 3, conflict(None, 2, 3));
}

#[test]
fn a_set() {
    let check = |base: Option<&str>, hub, remote, expected| {
        let merged = merge_set(base.map(set).as_ref(), &set(hub), &set(remote));
        assert_eq!(merged, set(expected), "{base:?} {hub} {remote}");
    };
    check(None, "ab", "bc", "abc");
    check(Some(""), "ab", "bc", "abc");
    check(Some("abc"), "ab", "bc", "b");
    check(Some("ab"), "abx", "aby", "abxy");
    check(Some("ab"), "", "ab", "");
    check(Some("ab"), "cd", "", "cd");
}

type Map = BTreeMap<u8, char>;

fn map(text: &str) -> Map {
    let pairs = text.split_whitespace().map(|pair| {
        let mut chars = pair.chars();
        let key = chars
            .next()
            .and_then(|key| key.to_digit(10))
            .expect("a digit");
        (
            u8::try_from(key).expect("a digit"),
            chars.next().expect("a value"),
        )
    });
    pairs.collect()
}

#[test]
fn a_map() {
    let check = |base: &str, hub: &str, remote: &str, expected: &str, conflicts: &[u8]| {
        let (merged, found) = merge_map(&map(base), &map(hub), &map(remote));
        assert_eq!(merged, map(expected), "{base} | {hub} | {remote}");
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), conflicts);
    };
    check("1a 2b", "1a 2b", "1a 2b", "1a 2b", &[]);
    check("1a 2b", "1x 2b", "1a 2y", "1x 2y", &[]);
    check("1a 2b", "1a", "2b", "", &[]);
    check("1a 2b", "1x", "2y", "1x 2y", &[]);
    check("1a", "1x", "1y", "1x", &[1]);
    check("", "1x", "1y 2z", "1x 2z", &[1]);
    check("", "1x 3w", "1x 2z", "1x 2z 3w", &[]);
    let (_, found) = merge_map(&map("1a"), &map("1x"), &map("1y"));
    assert_eq!(found.get(&1), Some(&(Some('a'), 'x', 'y')));
}

#[test]
fn lines() {
    let check = |base: &str, hub: &str, remote: &str, expected: Option<&str>| {
        assert_eq!(
            merge_lines(base, hub, remote).as_deref(),
            expected,
            "{hub:?} {remote:?}"
        );
    };
    check("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", Some("A\nb\nC\n"));
    check("a\nb\nc\n", "b\nc\n", "a\nb\nc\nd\n", Some("b\nc\nd\n"));
    check("a\nb\nc\n", "A\nb\nc\n", "x\nb\nc\n", None);
    check("a\n", "a\nb\n", "a\nc\n", None);
    check("", "a\n", "b\n", None);
    check("a\nb\nc\n", "A\nb\nc\n", "A\nb\nc\n", Some("A\nb\nc\n"));
}

fn lines_of() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(
        prop::sample::select(vec!["a", "b", "c", "d", "e", ""]),
        0..7,
    )
}

fn joined(lines: &[&str], end: bool) -> String {
    lines.join("\n") + if end { "\n" } else { "" }
}

fn count(text: &str, line: &str) -> usize {
    text.lines().filter(|one| *one == line).count()
}

proptest! {
    #![proptest_config(draw::tries(12_000))]

    #[test]
    fn a_set_merges_alike_from_both_sides(base in any::<u8>(), hub in any::<u8>(), remote in any::<u8>()) {
        let bits = |byte: u8| (0..8u8).filter(|bit| byte >> bit & 1 == 1).collect::<BTreeSet<_>>();
        let (base, hub, remote) = (bits(base), bits(hub), bits(remote));
        let merged = merge_set(Some(&base), &hub, &remote);
        prop_assert_eq!(&merge_set(Some(&base), &remote, &hub), &merged);
        prop_assert_eq!(merge_set(Some(&base), &base, &remote), remote.clone());
        prop_assert_eq!(merge_set(Some(&base), &hub, &hub), hub.clone());
        for element in hub.union(&remote).filter(|element| !base.contains(element)) {
            prop_assert!(merged.contains(element));
        }
        for element in &base {
            prop_assert_eq!(merged.contains(element), hub.contains(element) && remote.contains(element));
        }
        prop_assert_eq!(merge_set(None, &hub, &remote), hub.union(&remote).copied().collect());
    }

    #[test]
    fn a_map_merges_alike_from_both_sides(
        base in prop::collection::btree_map(0u8..5, 0u8..3, 0..5),
        hub in prop::collection::btree_map(0u8..5, 0u8..3, 0..5),
        remote in prop::collection::btree_map(0u8..5, 0u8..3, 0..5),
    ) {
        let (merged, conflicts) = merge_map(&base, &hub, &remote);
        let (other, others) = merge_map(&base, &remote, &hub);
        prop_assert_eq!(conflicts.keys().collect::<Vec<_>>(), others.keys().collect::<Vec<_>>());
        prop_assert_eq!(merged.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for (key, value) in &merged {
            let disputed = conflicts.contains_key(key);
            prop_assert_eq!(other.get(key) == Some(value), !disputed);
            if disputed {
                prop_assert_eq!(hub.get(key), Some(value));
            }
        }
        prop_assert_eq!(merge_map(&base, &base, &remote).0, remote.clone());
        prop_assert_eq!(merge_map(&base, &hub, &base).0, hub.clone());
    }

    #[test]
    fn merged_lines_lose_no_addition_and_no_agreement(
        base in lines_of(), hub in lines_of(), remote in lines_of(), ends in any::<[bool; 3]>(),
    ) {
        let [base, hub, remote] = [joined(&base, ends[0]), joined(&hub, ends[1]), joined(&remote, ends[2])];
        prop_assert_eq!(merge_lines(&base, &base, &remote), Some(remote.clone()));
        prop_assert_eq!(merge_lines(&base, &hub, &base), Some(hub.clone()));
        if let Some(merged) = merge_lines(&base, &hub, &remote) {
            for line in ["a", "b", "c", "d", "e"] {
                let (was, here, there) = (count(&base, line), count(&hub, line), count(&remote, line));
                let kept = count(&merged, line) > 0;
                if was == 0 && here.max(there) > 0 {
                    prop_assert!(kept, "{line:?} that was added was lost: {merged:?}");
                }
                // Of two equal lines each side may have kept another.
                if was == 1 && here.min(there) > 0 {
                    prop_assert!(kept, "{line:?} that both kept was lost: {merged:?}");
                }
            }
        }
    }
}
