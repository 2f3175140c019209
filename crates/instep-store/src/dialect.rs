//! The few places where databases differ. Everything else is one SQL text.

use std::path::Path;

/// Opens a transaction that means to write: it waits for its turn here, and never half-way. Its commit
/// is answered once it outlives power loss.
pub(crate) const BEGIN_WRITE: &str = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE";

/// The same; its commit outlives this process, but power loss only once a later one of the others does.
pub(crate) const BEGIN_LIGHT: &str = "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE";

/// Has what is no transaction wait for the disk again, after a light one.
pub(crate) const DURABLE_COMMITS: &str = "PRAGMA synchronous = FULL";

/// Sent once on a new connection. `FULL` is what makes an answer survive power loss: in
/// WAL mode `NORMAL` loses every commit since the last checkpoint.
pub(crate) const ON_CONNECT: &str = "\
    PRAGMA busy_timeout = 5000; \
    PRAGMA journal_mode = WAL; \
    PRAGMA synchronous = FULL; \
    PRAGMA fullfsync = 1; \
    PRAGMA foreign_keys = ON;";

/// Keeps a row that was read from moving before the commit; a SQLite writer is alone anyway.
pub(crate) const LOCK_ROWS: &str = "";

/// Answers one row saying `ok`, or rows saying what is damaged.
pub(crate) const QUICK_CHECK: &str = "PRAGMA quick_check(10)";

/// Answers a row for each reference that leads nowhere.
pub(crate) const REFERENCE_CHECK: &str = "PRAGMA foreign_key_check";

/// Writes a compact copy of the database to the path `$1`, which must not exist.
pub(crate) const COPY_TO: &str = "VACUUM INTO $1";

/// What a database said, as far as the next move depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Another writer was not finished in time: repeat the whole transaction.
    Busy,
    /// The file is damaged, or is no database.
    Damaged,
    /// No room is left.
    Full,
    /// The file may not be written, or not be opened.
    Denied,
    /// Anything else.
    Other,
}

/// `SQLITE_IOERR_SHMSIZE`.
const SHMSIZE: u32 = 4874;

/// Reads the refusal out of a SQLite result code, extended or not.
pub(crate) fn refusal(error: &sqlx::Error) -> Refusal {
    let code = error
        .as_database_error()
        .and_then(|error| error.code())
        .and_then(|code| code.parse::<u32>().ok());
    // No room for the shared index beside the file, which SQLite calls a fault of the disk.
    if code == Some(SHMSIZE) {
        return Refusal::Full;
    }
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => Refusal::Busy,
        Some(11 | 26) => Refusal::Damaged,
        Some(13) => Refusal::Full,
        Some(3 | 8 | 14 | 23) => Refusal::Denied,
        _ => Refusal::Other,
    }
}

/// Whether the database says that a table is not there yet.
pub(crate) fn is_missing_table(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.message().starts_with("no such table"))
}

/// The address of a database file that exists. `None` where the path is not Unicode.
pub(crate) fn url(path: &Path) -> Option<String> {
    let mut url = String::from("sqlite://");
    for byte in path.to_str()?.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => url.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => url.push(char::from(byte)),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url.push_str("?mode=rw");
    Some(url)
}
