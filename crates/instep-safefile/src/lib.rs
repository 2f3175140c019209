//! Files that are always one complete version: locks, atomic replace, backups, recovery.
