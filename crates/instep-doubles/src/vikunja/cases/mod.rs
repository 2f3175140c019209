//! Named wire cases: what the double and a real server must both pass.
