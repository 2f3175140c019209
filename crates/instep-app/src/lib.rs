//! Config, wiring and use-cases: the one place where the parts are put together.
