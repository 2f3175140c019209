//! Whether a database may be an older copy of itself that was put back.

/// Times of files and tasks that are no further apart say nothing.
pub(super) const SLACK_SECS: i64 = 2;

/// What tells of an older copy that was put back, beside the state of the files.
#[derive(Default)]
pub(super) struct Age {
    /// How many tasks of last time are not there.
    pub(super) missing: usize,
    /// Whether any differs from last time and says that it was changed earlier.
    pub(super) differs: bool,
    /// The second of the latest change that any task tells of.
    pub(super) newest: i64,
}

impl Age {
    /// Whether there is less than last time. Without that an older copy does no harm.
    pub(super) fn is_less(&self) -> bool {
        self.differs || self.missing > 0
    }

    /// Whether files that were last written in second `written` can hold this from before: a clock
    /// that was set back leaves tasks that tell of later changes.
    pub(super) fn fits(&self, written: i64) -> bool {
        self.newest <= written + SLACK_SECS
    }
}
