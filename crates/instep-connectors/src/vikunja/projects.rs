//! The tree of projects as last listed: paths of titles, and the inbox that is no project (S20).
//! Nothing here sends anything.

use std::collections::BTreeMap;

use instep_model::{Collection, CollectionId, ProjectPath};

/// What a path needs of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub title: String,
    /// 0 at the root.
    pub parent: i64,
    pub archived: bool,
}

/// All projects that the user can see, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Projects {
    nodes: BTreeMap<i64, Node>,
    inbox: i64,
}

/// Deeper trees are cut at the root: no person builds them, and a circle ends here.
const MAX_DEPTH: usize = 64;

impl Projects {
    pub(super) fn new(nodes: impl IntoIterator<Item = (i64, Node)>, inbox: i64) -> Self {
        Self {
            nodes: nodes.into_iter().collect(),
            inbox,
        }
    }

    /// Where a project stands; `None` for the inbox. What lies in the inbox stands at the root.
    pub(super) fn path(&self, id: i64) -> Option<ProjectPath> {
        let mut titles = Vec::new();
        let mut at = id;
        while let Some(node) = self.nodes.get(&at) {
            if at == self.inbox || titles.len() >= MAX_DEPTH {
                break;
            }
            titles.push(if node.title.trim().is_empty() {
                format!("#{at}")
            } else {
                node.title.clone()
            });
            at = node.parent;
        }
        ProjectPath::new(titles.into_iter().rev())
    }

    /// The project that stands at `path`; of several, the oldest.
    pub(super) fn find(&self, path: &ProjectPath) -> Option<i64> {
        self.all_at(path).next()
    }

    /// Every project that stands at `path`, oldest first.
    pub(super) fn all_at<'a>(&'a self, path: &'a ProjectPath) -> impl Iterator<Item = i64> + 'a {
        self.nodes
            .keys()
            .copied()
            .filter(|id| *id != self.inbox && self.path(*id).as_ref() == Some(path))
    }

    /// Whether a project is archived; `None` when it is not known.
    pub(super) fn is_archived(&self, id: i64) -> Option<bool> {
        self.nodes.get(&id).map(|node| node.archived)
    }

    /// Adds a project that was just made.
    pub(super) fn insert(&mut self, id: i64, node: Node) {
        self.nodes.insert(id, node);
    }

    pub(super) fn collections(&self) -> Vec<Collection> {
        self.nodes
            .iter()
            .map(|(id, node)| Collection {
                id: collection_id(*id),
                path: self.path(*id),
                archived: node.archived,
            })
            .collect()
    }
}

/// The engine's name for a project.
pub(super) fn collection_id(id: i64) -> CollectionId {
    CollectionId::new(id.to_string())
}
