//! Merging one value: the generic three-way step, sets by element, text by line.

use std::collections::{BTreeMap, BTreeSet};

/// What became of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged<T> {
    /// Both sides can have this.
    Agreed(T),
    /// Both sides moved, and differently.
    Conflict {
        /// What both had agreed on, if ever.
        base: Option<T>,
        /// The hub's value.
        hub: T,
        /// The remote's value.
        remote: T,
    },
}

/// Merges one field. `base` is `None` when the sides never agreed on it.
pub fn merge_field<T: Eq>(base: Option<T>, hub: T, remote: T) -> Merged<T> {
    if hub == remote {
        return Merged::Agreed(hub);
    }
    match base {
        Some(base) if base == hub => Merged::Agreed(remote),
        Some(base) if base == remote => Merged::Agreed(hub),
        base => Merged::Conflict { base, hub, remote },
    }
}

/// Merges a set by element: what either side added is in, what either side removed is out.
/// Without a base nothing was removed: the union.
pub fn merge_set<T: Ord + Clone>(
    base: Option<&BTreeSet<T>>,
    hub: &BTreeSet<T>,
    remote: &BTreeSet<T>,
) -> BTreeSet<T> {
    let Some(base) = base else {
        return hub.union(remote).cloned().collect();
    };
    hub.union(remote)
        .filter(|element| {
            let removed =
                base.contains(element) && !(hub.contains(element) && remote.contains(element));
            !removed
        })
        .cloned()
        .collect()
}

/// For each key whose values conflict: the base's value, the hub's, the remote's.
pub type ValueConflicts<K, V> = BTreeMap<K, (Option<V>, V, V)>;

/// Merges a map by key. A value that one side removed while the other changed it stays, changed.
/// Keys whose two values stand against each other come back beside the result, which keeps the
/// hub's value for them.
pub fn merge_map<K: Ord + Clone, V: Eq + Clone>(
    base: &BTreeMap<K, V>,
    hub: &BTreeMap<K, V>,
    remote: &BTreeMap<K, V>,
) -> (BTreeMap<K, V>, ValueConflicts<K, V>) {
    let mut merged = BTreeMap::new();
    let mut conflicts = BTreeMap::new();
    let keys: BTreeSet<&K> = hub.keys().chain(remote.keys()).collect();
    for key in keys {
        let base = base.get(key);
        let kept = match (hub.get(key), remote.get(key)) {
            (Some(hub), Some(remote)) => {
                match merge_field(base.cloned(), hub.clone(), remote.clone()) {
                    Merged::Agreed(value) => Some(value),
                    Merged::Conflict { base, hub, remote } => {
                        conflicts.insert(key.clone(), (base, hub.clone(), remote));
                        Some(hub)
                    }
                }
            }
            (Some(only), None) | (None, Some(only)) => (base != Some(only)).then(|| only.clone()),
            (None, None) => None,
        };
        if let Some(value) = kept {
            merged.insert(key.clone(), value);
        }
    }
    (merged, conflicts)
}

/// Merges text by line, when the two edits do not touch.
pub fn merge_lines(base: &str, hub: &str, remote: &str) -> Option<String> {
    diffy::merge(base, hub, remote).ok()
}
