//! The log file: whole lines that several processes append to one file, which nobody but its owner can
//! read, which never grows without end, and for which nothing ever stops. What is logged is decided
//! by whoever logs it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Error, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use instep_api::{Exit, Failure};
use instep_safefile::create_private_dir;
use rustix::fs::OFlags;

use crate::{Places, say};

/// A file that would become longer is moved aside.
const MAX_BYTES: u64 = 5 << 20;

/// Files that are kept: the one that is written to, and `.1` to `.4`, the youngest first.
const FILES: u32 = 5;

const FILE_MODE: u32 = 0o600;

/// The log file of an instance. It is opened for each line, so that whatever another process, or a
/// person, did to it meanwhile holds from the next line on.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    max_bytes: u64,
    /// Lines that could not be written since the last one that could.
    lost: AtomicU64,
}

impl LogFile {
    /// The log file of these places; nothing is made yet.
    pub fn of(places: &Places) -> Self {
        Self::at(places.state().join("instep.log"), MAX_BYTES)
    }

    /// A log file with this name that is moved aside before it grows beyond `max_bytes`.
    pub fn at(path: PathBuf, max_bytes: u64) -> Self {
        let lost = AtomicU64::new(0);
        Self {
            path,
            max_bytes,
            lost,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file and its directory where they are missing.
    ///
    /// # Errors
    /// When lines could not be written: something else bears its name, it is somebody else's, or the
    /// drive does not take it.
    pub fn prepare(&self) -> Result<(), Failure> {
        if let Some(dir) = self.path.parent() {
            create_private_dir(dir)
                .map_err(|error| say::from_safefile("there can be no log file", &error))?;
        }
        match self.open() {
            Ok(_) => Ok(()),
            Err(error) => Err(self.refused(&error)),
        }
    }

    fn refused(&self, error: &Error) -> Failure {
        let path = say::quoted(&self.path);
        let help = match error.kind() {
            ErrorKind::StorageFull => "df -h".to_owned(),
            _ => format!("ls -ld {path}; if it is not yours to keep: mv {path} {path}.odd"),
        };
        Failure::new(
            Exit::Failed,
            "no_log_file",
            format!("{} cannot be the log file", self.path.display()),
            error.to_string(),
            help,
        )
    }

    /// Opens the file for one line.
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        // Neither follows a link nor waits for whoever reads from a pipe.
        let careful = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        options.append(true).create(true).mode(FILE_MODE);
        let opened = options.custom_flags(careful).open(&self.path);
        let file = opened.map_err(|error| match error.raw_os_error() {
            Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => odd("a link"),
            Some(code) if code == rustix::io::Errno::NXIO.raw_os_error() => odd("a pipe"),
            _ => error,
        })?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(odd("no file"));
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(odd("another user's"));
        }
        // A second name may stand in a directory that others can look into.
        if found.nlink() > 1 {
            return Err(odd("a file with a second name"));
        }
        if found.mode() & 0o777 != FILE_MODE {
            file.set_permissions(Permissions::from_mode(FILE_MODE))?;
        }
        Ok(file)
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut file = self.open()?;
        let length = file.metadata()?.len();
        if length > 0 && length + line.len() as u64 > self.max_bytes {
            self.move_aside(line.len() as u64)?;
            file = self.open()?;
        }
        let lost = self.lost.load(Ordering::Relaxed);
        if lost == 0 {
            return whole(&file, line);
        }
        // What was cut short, if anything was, ends here.
        let mut text = format!("\n({lost} lines of this process could not be written)\n");
        text.push_str(&String::from_utf8_lossy(line));
        whole(&file, text.as_bytes())?;
        self.lost.fetch_sub(lost, Ordering::Relaxed);
        Ok(())
    }

    /// Moves the file aside, and the older ones by one. One process does it at a time; the others go
    /// on with what is there.
    fn move_aside(&self, incoming: u64) -> io::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new("/"));
        let lock = File::open(dir)?;
        if lock.try_lock().is_err() {
            return Ok(());
        }
        let moved = self.move_if_full(incoming);
        // Closing it alone would not do: a child that is just being started has it open as well.
        lock.unlock()?;
        moved
    }

    fn move_if_full(&self, incoming: u64) -> io::Result<()> {
        let is_full = |found: fs::Metadata| found.len() + incoming > self.max_bytes;
        if !fs::symlink_metadata(&self.path).is_ok_and(is_full) {
            // Somebody else has just done it.
            return Ok(());
        }
        for older in (1..FILES).rev() {
            match fs::rename(self.numbered(older - 1), self.numbered(older)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                // It must not grow without end: the newest lines matter most.
                Err(_) if older == 1 => self.open()?.set_len(0)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        if number > 0 {
            name.push(format!(".{number}"));
        }
        PathBuf::from(name)
    }
}

/// Takes one line with each call, and never fails: whoever logs goes on.
impl Write for &LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.append(&one_line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line in which nothing ends it early or moves a terminal's cursor.
fn one_line(line: &[u8]) -> Vec<u8> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let plain = |byte: &u8| if byte.is_ascii_control() { b' ' } else { *byte };
    let mut safe: Vec<u8> = text.iter().map(plain).collect();
    safe.push(b'\n');
    safe
}

/// Writes all of it in one call, which is what keeps lines of several processes apart.
fn whole(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    match file.write(bytes)? {
        written if written == bytes.len() => Ok(()),
        _ => Err(Error::from(ErrorKind::WriteZero)),
    }
}

fn odd(what: &str) -> Error {
    Error::other(format!("it is {what}"))
}
