//! What a person should hear about their file although the sync went on. Nothing is decided here,
//! and no text of a task is ever part of it.

use std::fmt;
use std::path::PathBuf;

use instep_model::RemoteId;

/// An entry that cannot be read as a task. It is never written, moved or taken for deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAlone {
    /// Its place in the file, counted from 1.
    pub entry: usize,
    /// Its id, where that much could be read.
    pub id: Option<RemoteId>,
    /// Why.
    pub reason: String,
}

/// One piece of news about a file; its text is one plain sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The file is damaged or missing. Until the next save brings it back, the list is its newest
    /// good backup with everything that is known to be newer.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// The backup.
        from: PathBuf,
    },
    /// The file was damaged or missing and came back from a backup.
    Recovered {
        /// What was wrong, which backup was taken and where the damaged file lies now.
        story: String,
        /// How many later values and entries were put into it again.
        put_back: usize,
    },
    /// Another program wrote too late to become part of the file.
    Late {
        /// The file.
        path: PathBuf,
        /// Where its version lies, complete.
        aside: PathBuf,
    },
    /// An entry is left alone.
    LeftAlone {
        /// The file.
        path: PathBuf,
        /// Which entry, and why.
        entry: LeftAlone,
    },
    /// Entries are missing that may be among those without a readable id, so that no deletion
    /// is taken over until those are mended.
    DeletionsWait {
        /// The file.
        path: PathBuf,
        /// How many entries are missing.
        missing: usize,
    },
    /// A program saved what it had read before our last writes; what it took back without
    /// meaning to stays in the list.
    Stale {
        /// The file.
        path: PathBuf,
        /// How many values and entries it took back.
        put_back: usize,
    },
    /// The file lies on a network drive, where locks can be lost.
    NetworkDrive {
        /// The file.
        path: PathBuf,
    },
}

impl Notice {
    /// Whether it says how the entries stood at one look, so that a later look replaces it.
    pub(super) fn is_about_entries(&self) -> bool {
        matches!(self, Self::LeftAlone { .. } | Self::DeletionsWait { .. })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { path, reason, from } => write!(
                f,
                "{} is damaged ({reason}); the next sync brings it back from {}, \
                 with every later change that is known",
                path.display(),
                from.display()
            ),
            Self::Recovered { story, put_back: 0 } => f.write_str(story),
            Self::Recovered { story, put_back } => {
                write!(f, "{story}; {put_back} later changes were put in again")
            }
            Self::Late { path, aside } => write!(
                f,
                "another program wrote {} while it was saved; its version is kept as {}",
                path.display(),
                aside.display()
            ),
            Self::LeftAlone { path, entry } => write!(
                f,
                "entry {} of {} is left alone: {}",
                entry.entry,
                path.display(),
                entry.reason
            ),
            Self::DeletionsWait { path, missing } => write!(
                f,
                "{missing} {} gone from {}, but may be among those without an id; \
                 nothing is deleted until those have one",
                if *missing == 1 {
                    "entry is"
                } else {
                    "entries are"
                },
                path.display()
            ),
            Self::Stale { path, put_back } => write!(
                f,
                "{} was overwritten by a program that had read an older version; \
                 {put_back} changes that it took back are kept",
                path.display()
            ),
            Self::NetworkDrive { path } => write!(
                f,
                "{} lies on a network drive, where locks can be lost; \
                 changes of several computers are compared before each save",
                path.display()
            ),
        }
    }
}
