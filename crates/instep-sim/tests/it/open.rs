//! What is known to break a promise still, by its cause. A cause that is mended must leave.

/// One cause: what is wrong, the seeds that meet it, and the kept schedules that do.
pub(crate) struct Open {
    pub(crate) what: &'static str,
    pub(crate) seeds: &'static [u64],
    pub(crate) kept: &'static [&'static str],
}

pub(crate) const OPEN: &[Open] = &[
    Open {
        what: "S29: an edit in the hub makes again what was deleted where nothing is read",
        seeds: &[
            323, 462, 705, 1585, 1670, 2065, 2130, 2356, 2373, 2559, 2627, 3030, 3103, 3112, 3355,
            3602, 3616, 3670, 3721, 3799, 3923, 3972,
        ],
        kept: &["short-462"],
    },
    Open {
        what: "S29: an edit where nothing is read brings a deleted task back",
        seeds: &[3156],
        kept: &["short-3156"],
    },
    Open {
        what: "I9: an account that is never read meets a hub that is still empty",
        seeds: &[487, 1796, 3702],
        kept: &["short-3702"],
    },
    Open {
        what: "S14: after an event a write of unknown outcome is sent again",
        seeds: &[157, 251, 671, 1131, 1771, 1976, 2161, 2181, 2852],
        kept: &["short-1771", "short-2852"],
    },
    Open {
        what: "S5: an event does not ask who answers",
        seeds: &[1049, 3803, 3930],
        kept: &["short-3803"],
    },
    Open {
        what: "S17: an event leads to writes over what was not read",
        seeds: &[],
        kept: &["short-10240"],
    },
    Open {
        what: "I1: a push that carries nothing hides an edit from a deletion",
        seeds: &[1594],
        kept: &["short-1594"],
    },
    Open {
        what: "I4: each sighting of an open conflict records it again",
        seeds: &[],
        kept: &["short-9501"],
    },
    Open {
        what: "S27: what is made again is made outside the scope too",
        seeds: &[363, 1526, 2699],
        kept: &["short-363"],
    },
    Open {
        what: "S28: a pair outside the scope keeps the others from being all",
        seeds: &[],
        kept: &["short-20612"],
    },
    Open {
        what: "S20: a project that a person made meanwhile parks what needs it",
        seeds: &[],
        kept: &["short-23369", "short-27361"],
    },
    Open {
        what: "I6: a store that fails now and then loses a task",
        seeds: &[],
        kept: &["short-6675"],
    },
    Open {
        what: "I5: what was deleted in a database comes back, as an answer of it was once lost",
        seeds: &[],
        kept: &["3961"],
    },
];
