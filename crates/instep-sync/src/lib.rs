//! The decisions of a sync: merge, plan, adoption, guard and backoff, as pure functions.
