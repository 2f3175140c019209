//! Task files: a JSON list of tasks kept through `instep-safefile`.
