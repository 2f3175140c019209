//! The number of the last operation that a database of 3 ever gave out. The library tells no such
//! number, and it is the one that an undo, a sync and a purge leave as it is, so that SQLite is
//! asked for it. Nothing is waited for or written.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// The last number given out; `None` where the file cannot be read now, or holds no operations.
pub(super) fn last_operation(database: &Path) -> Option<i64> {
    let readable = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(database, readable).ok()?;
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'operations'";
    database.query_row(sql, [], |row| row.get(0)).ok()
}
