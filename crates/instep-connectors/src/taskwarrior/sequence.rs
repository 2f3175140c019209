//! The number of the last operation that a database of 3 ever gave out. It is read from the file
//! itself, in the format that SQLite promises to keep (<https://sqlite.org/fileformat2.html>): the
//! library tells no such number, and it is the one that an undo, a sync and a purge leave as it is.
//!
//! Nothing is locked, waited for or written. A write-ahead log is not looked at, so that the number
//! may lag behind; it never runs ahead.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What a database begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// What the first page holds before its own header.
const FILE_HEADER: usize = 100;
/// The kinds of pages that a table is made of, and how long their headers are.
const INNER: (u8, usize) = (0x05, 12);
const LEAF: (u8, usize) = (0x0d, 8);
/// The two tables that are read have a handful of rows.
const MOST_PAGES: usize = 64;

/// The last number given out; `None` where the file cannot be understood, or is none.
pub(super) fn last_operation(database: &Path) -> Option<i64> {
    let pages = Pages::open(database)?;
    let schema = pages.rows(1)?;
    let is_sequence = |row: &&Row| row.is(0, b"table") && row.is(1, b"sqlite_sequence");
    let root = schema.iter().find(is_sequence)?.number(3)?;
    let sequences = pages.rows(u32::try_from(root).ok()?)?;
    let operations = sequences.iter().find(|row| row.is(0, b"operations"))?;
    operations.number(1)
}

/// A row: of each column its type, as a record has it, and its bytes.
struct Row(Vec<(u64, Vec<u8>)>);

impl Row {
    /// The columns of a record that begin in `payload`; a long one goes on in other pages.
    fn read(payload: &[u8]) -> Option<Self> {
        let (length, mut at) = number(payload)?;
        let length = usize::try_from(length).ok()?;
        let mut body = payload.get(length..)?;
        let mut columns = Vec::new();
        while at < length {
            let (kind, read) = number(payload.get(at..length)?)?;
            at += read;
            let Some((column, rest)) = body.split_at_checked(bytes_of(kind)?) else {
                break;
            };
            columns.push((kind, column.to_vec()));
            body = rest;
        }
        Some(Self(columns))
    }

    fn is(&self, column: usize, text: &[u8]) -> bool {
        let is_text = |kind: u64| kind >= 13 && kind % 2 == 1;
        let column = self.0.get(column);
        column.is_some_and(|(kind, bytes)| is_text(*kind) && bytes == text)
    }

    /// A whole number, which is stored in as few bytes as it needs.
    fn number(&self, column: usize) -> Option<i64> {
        match self.0.get(column)? {
            (8, _) => Some(0),
            (9, _) => Some(1),
            (1..=6, bytes) => {
                let sign = if *bytes.first()? >= 0x80 { -1 } else { 0 };
                let digit = |number: i64, byte: &u8| number << 8 | i64::from(*byte);
                Some(bytes.iter().fold(sign, digit))
            }
            _ => None,
        }
    }
}

/// How many bytes a column of this type takes.
fn bytes_of(kind: u64) -> Option<usize> {
    let bytes = match kind {
        0 | 8 | 9 => 0,
        1..=4 => kind,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => (kind - 12) / 2,
    };
    usize::try_from(bytes).ok()
}

/// The pages of a file.
struct Pages {
    file: File,
    size: usize,
}

impl Pages {
    fn open(database: &Path) -> Option<Self> {
        let file = File::open(database).ok()?;
        let mut header = [0; FILE_HEADER];
        file.read_exact_at(&mut header, 0).ok()?;
        let size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        (header.starts_with(MAGIC) && size >= 512).then_some(Self { file, size })
    }

    fn page(&self, number: u32) -> Option<Vec<u8>> {
        let before = u64::from(number.checked_sub(1)?) * self.size as u64;
        let mut page = vec![0; self.size];
        self.file.read_exact_at(&mut page, before).ok()?;
        Some(page)
    }

    /// Every row of the table that begins at page `root`.
    fn rows(&self, root: u32) -> Option<Vec<Row>> {
        let mut rows = Vec::new();
        let mut open = vec![root];
        let mut read = 0;
        while let Some(number) = open.pop() {
            read += 1;
            if read > MOST_PAGES {
                return None;
            }
            let page = self.page(number)?;
            let header = if number == 1 { FILE_HEADER } else { 0 };
            let kind = *page.get(header)?;
            let (_, length) = [INNER, LEAF].into_iter().find(|(of, _)| *of == kind)?;
            let cells = usize::from(u16::from_be_bytes(at(&page, header + 3)?));
            for cell in 0..cells {
                let cell = u16::from_be_bytes(at(&page, header + length + 2 * cell)?);
                let cell = usize::from(cell);
                if kind == INNER.0 {
                    open.push(u32::from_be_bytes(at(&page, cell)?));
                } else {
                    rows.push(row(page.get(cell..)?)?);
                }
            }
            if kind == INNER.0 {
                open.push(u32::from_be_bytes(at(&page, header + 8)?));
            }
        }
        Some(rows)
    }
}

/// The row of a leaf's cell: how long it is, its own number, and its record.
fn row(cell: &[u8]) -> Option<Row> {
    let (length, read) = number(cell)?;
    let (_, id) = number(cell.get(read..)?)?;
    let payload = cell.get(read + id..)?;
    let length = usize::try_from(length).ok()?.min(payload.len());
    Row::read(&payload[..length])
}

/// The bytes that stand at `place`.
fn at<const N: usize>(page: &[u8], place: usize) -> Option<[u8; N]> {
    page.get(place..)?.first_chunk().copied()
}

/// A number of one to nine bytes, seven bits in each, and how many it takes.
fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (read, byte) in bytes.iter().enumerate().take(9) {
        if read == 8 {
            return Some((number << 8 | u64::from(*byte), 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if *byte < 0x80 {
            return Some((number, read + 1));
        }
    }
    None
}
