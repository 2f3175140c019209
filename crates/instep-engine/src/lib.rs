//! Rounds of passes: observe, plan, apply.
