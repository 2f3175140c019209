//! The backups beside a file: packing, listing, rotating. Newest first: `NAME.backup`,
//! `NAME.backup.1`, `NAME.backup.2`. A backup is never changed in place, and none is dropped
//! unless a newer one was just verified.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::content::{self, Content, Temp};
use crate::dir::Dir;
use crate::error::{Error, Tried};
use crate::names::backup_of;
use crate::options::Options;
use crate::stamp::sha256;

/// Backups beyond this number are not looked for.
const MAX_BACKUPS: usize = 100;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// One backup as it lies beside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    pub(crate) path: PathBuf,
    pub(crate) number: usize,
    pub(crate) written: SystemTime,
    pub(crate) verdict: Result<Verified, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) len_bytes: u64,
    pub(crate) sha256: [u8; 32],
}

impl Backup {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// 0 for the newest.
    pub fn number(&self) -> usize {
        self.number
    }

    /// When it was written.
    pub fn written(&self) -> SystemTime {
        self.written
    }

    /// Length of the content in bytes, unpacked; `None` when it does not verify.
    pub fn len_bytes(&self) -> Option<u64> {
        self.verdict
            .as_ref()
            .ok()
            .map(|verified| verified.len_bytes)
    }

    /// What is wrong with it; `None` when it verifies.
    pub fn damage(&self) -> Option<&str> {
        self.verdict.as_ref().err().map(String::as_str)
    }
}

/// Looks at every backup there is, newest first.
pub(crate) fn list(dir: &Dir, name: &OsStr, options: &Options) -> Result<Vec<Backup>, Error> {
    let mut found = Vec::new();
    for number in numbers(dir, name, options)? {
        let file_name = backup_of(name, number);
        let facts = dir
            .facts(&file_name)
            .map_err(|source| dir.fault(&file_name, source))?;
        let since_epoch = facts.map_or(0, |facts| facts.identity.mtime_ns).max(0);
        let written =
            UNIX_EPOCH + Duration::from_nanos(u64::try_from(since_epoch).unwrap_or(u64::MAX));
        let verdict = open(dir, &file_name, options).map(|bytes| Verified {
            len_bytes: bytes.len() as u64,
            sha256: sha256(&bytes),
        });
        found.push(Backup {
            path: dir.path_of(&file_name),
            number,
            written,
            verdict,
        });
    }
    Ok(found)
}

/// Whether there is anything under a backup's name.
pub(crate) fn any(dir: &Dir, name: &OsStr, options: &Options) -> Result<bool, Error> {
    Ok(!numbers(dir, name, options)?.is_empty())
}

/// Place and content of the newest backup that verifies; those before it are added to `tried`.
pub(crate) fn newest_good(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    tried: &mut Vec<Tried>,
) -> Result<Option<(PathBuf, Vec<u8>)>, Error> {
    for number in numbers(dir, name, options)? {
        let file_name = backup_of(name, number);
        let path = dir.path_of(&file_name);
        match open(dir, &file_name, options) {
            Ok(bytes) => return Ok(Some((path, bytes))),
            Err(reason) => tried.push(Tried { path, reason }),
        }
    }
    Ok(None)
}

/// Reads, unpacks and judges one backup.
pub(crate) fn open(dir: &Dir, file_name: &OsStr, options: &Options) -> Result<Vec<u8>, String> {
    let content = content::read(dir, file_name, options.max_bytes, None)
        .map_err(|error| with_source(&error))?
        .ok_or("it is gone")?;
    let bytes = unpack(content.bytes, options.max_bytes).map_err(|error| error.to_string())?;
    options.judge(&bytes)?;
    Ok(bytes)
}

/// Copies `base` to the newest backup and moves the older ones down. Does nothing when the
/// newest backup already holds it.
pub(crate) fn rotate(
    dir: &Dir,
    name: &OsStr,
    base: &Content,
    options: &Options,
) -> Result<(), Error> {
    if options.backups == 0 {
        return Ok(());
    }
    let packed = pack(&base.bytes, options).map_err(|source| dir.fault(name, source))?;
    let newest = backup_of(name, 0);
    if holds(dir, &newest, &packed) {
        return Ok(());
    }
    let failed = |error: Error| match error {
        full @ Error::DiskFull { .. } => full,
        other => Error::BackupFailed {
            path: dir.path_of(name),
            reason: with_source(&other),
        },
    };
    let temp = Temp::write(dir, name, &packed, Some(base), options.mode).map_err(failed)?;
    if !holds(dir, temp.name(), &packed) {
        let reason = "the copy does not read back as it was written".to_owned();
        return Err(Error::BackupFailed {
            path: dir.path_of(name),
            reason,
        });
    }
    shift(dir, name, options.backups)
        .and_then(|()| dir.rename(temp.name(), &newest))
        .and_then(|()| dir.sync())
        .map_err(|source| failed(dir.fault(&newest, source)))?;
    temp.keep();
    Ok(())
}

/// Moves backups down by one until a free number takes up the slack, so that `NAME.backup`
/// becomes free. Without a free number the oldest is replaced; a single backup stays where it is
/// until the copy that is about to take its name does so in one step.
fn shift(dir: &Dir, name: &OsStr, keep: usize) -> io::Result<()> {
    let mut free = keep - 1;
    for number in 0..keep {
        match dir.facts(&backup_of(name, number))? {
            None => {
                free = number;
                break;
            }
            Some(facts) => {
                if let Some(found) = facts.oddity {
                    let path = dir.path_of(&backup_of(name, number));
                    return Err(io::Error::other(format!("{} is {found}", path.display())));
                }
            }
        }
    }
    for number in (0..free).rev() {
        dir.rename(&backup_of(name, number), &backup_of(name, number + 1))?;
    }
    Ok(())
}

/// The numbers of the backups that exist, whatever they are. More than are kept now may lie
/// there from earlier settings.
fn numbers(dir: &Dir, name: &OsStr, options: &Options) -> Result<Vec<usize>, Error> {
    let mut numbers = Vec::new();
    for number in 0..options.backups.clamp(10, MAX_BACKUPS) {
        let file_name = backup_of(name, number);
        if dir
            .facts(&file_name)
            .map_err(|source| dir.fault(&file_name, source))?
            .is_some()
        {
            numbers.push(number);
        }
    }
    Ok(numbers)
}

fn holds(dir: &Dir, file_name: &OsStr, packed: &[u8]) -> bool {
    let same_length = |len| len == packed.len() as u64;
    match dir.facts(file_name) {
        Ok(Some(facts)) if facts.oddity.is_none() && same_length(facts.identity.size) => {}
        _ => return false,
    }
    matches!(content::read(dir, file_name, packed.len() as u64, None),
        Ok(Some(content)) if content.bytes == packed)
}

/// Content that is a gzip file itself is packed once more, so that unpacking gives it back.
fn pack(bytes: &[u8], options: &Options) -> io::Result<Vec<u8>> {
    if bytes.len() as u64 <= options.gzip_above && !bytes.starts_with(&GZIP_MAGIC) {
        return Ok(bytes.to_vec());
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes)?;
    packer.finish()
}

fn unpack(stored: Vec<u8>, max_bytes: u64) -> io::Result<Vec<u8>> {
    if !stored.starts_with(&GZIP_MAGIC) {
        return Ok(stored);
    }
    let mut bytes = Vec::new();
    GzDecoder::new(&stored[..])
        .take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(io::Error::other(format!(
            "it is larger than {max_bytes} bytes"
        )));
    }
    Ok(bytes)
}

pub(crate) fn with_source(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
