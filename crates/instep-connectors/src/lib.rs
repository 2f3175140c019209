//! The services Instep speaks to: Taskwarrior, Vikunja and task files.
