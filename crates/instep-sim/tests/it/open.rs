//! What is known to break a promise still, by its cause. A cause that is mended must leave.

/// One cause: what is wrong, the seeds that meet it, and the kept schedules that do.
pub(crate) struct Open {
    pub(crate) what: &'static str,
    pub(crate) seeds: &'static [u64],
    pub(crate) kept: &'static [&'static str],
}

pub(crate) const OPEN: &[Open] = &[
    Open {
        what: "I4: each sighting of an open conflict records it again",
        seeds: &[],
        kept: &["short-9501"],
    },
    Open {
        what: "S27: what left the scope meanwhile goes there once more",
        seeds: &[1526],
        kept: &[],
    },
    Open {
        what: "I5: what was deleted in a database comes back, as an answer of it was once lost",
        seeds: &[],
        kept: &["3961"],
    },
];
