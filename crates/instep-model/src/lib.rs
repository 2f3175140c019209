//! The nouns of Instep: tasks, accounts, mappings, changes and conflicts.
