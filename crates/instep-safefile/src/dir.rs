//! The system calls on one directory, made through its descriptor so that nobody can put another
//! directory under our feet. Everything a platform may do differently is here; nothing decides.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::error::Error;
use crate::stamp::Identity;

/// As many links as Linux itself follows.
const MAX_LINKS: usize = 40;

/// What the file system says about one name, links not followed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) identity: Identity,
    pub(crate) mode: u32,
    uid: u32,
    gid: u32,
    /// `None` for a regular file, otherwise what it is instead.
    pub(crate) oddity: Option<&'static str>,
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl Dir {
    pub(crate) fn open(path: &Path) -> io::Result<Dir> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Dir {
            fd: fs::open(path, flags, Mode::empty())?,
            path: path.to_path_buf(),
        })
    }

    /// The full path of `name`, for messages only.
    pub(crate) fn path_of(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    /// Turns a system error met at `name` into ours.
    pub(crate) fn fault(&self, name: &OsStr, source: io::Error) -> Error {
        Error::at(&self.path_of(name), source)
    }

    pub(crate) fn facts(&self, name: &OsStr) -> io::Result<Option<Facts>> {
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(facts_of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens for reading. Never waits for the other end of a pipe.
    pub(crate) fn open_read(&self, name: &OsStr) -> io::Result<File> {
        self.open_with(name, OFlags::RDONLY)
    }

    /// Opens a lock file, created if need be.
    pub(crate) fn open_lock(&self, name: &OsStr) -> io::Result<File> {
        self.open_with(name, OFlags::RDWR | OFlags::CREATE)
    }

    /// Opens a lock file that is there already.
    pub(crate) fn open_old_lock(&self, name: &OsStr) -> io::Result<File> {
        self.open_with(name, OFlags::RDWR)
    }

    /// Creates a file that must not be there yet.
    pub(crate) fn create_new(&self, name: &OsStr) -> io::Result<File> {
        self.open_with(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
    }

    fn open_with(&self, name: &OsStr, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(fs::openat(
            &self.fd,
            name,
            flags,
            Mode::RUSR | Mode::WUSR,
        )?))
    }

    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    /// Renames unless `to` exists; then the error is `AlreadyExists`.
    pub(crate) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        match fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            Err(error) if lacks_flags(error) => match self.facts(to)? {
                Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
                None => self.rename(from, to),
            },
            other => Ok(other?),
        }
    }

    /// Lets two files change names. `false` where the file system cannot do that.
    pub(crate) fn exchange(&self, one: &OsStr, other: &OsStr) -> io::Result<bool> {
        match fs::renameat_with(&self.fd, one, &self.fd, other, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(true),
            Err(error) if lacks_flags(error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn unlink(&self, name: &OsStr) -> io::Result<()> {
        Ok(fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// Makes the names in this directory survive a power cut.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match fs::fsync(&self.fd) {
            // Some network drives know no directory sync; their rename is safe by itself.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&self.fd)? {
            names.push(OsString::from_vec(entry?.file_name().to_bytes().to_vec()));
        }
        Ok(names)
    }

    /// Whether the directory lies on a network drive, where locks are emulated and can be lost.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_remote(&self) -> io::Result<bool> {
        // statfs(2): NFS, SMB, CIFS, SMB2, Coda, AFS, 9P, Ceph.
        const REMOTE: [u64; 8] = [
            0x6969,
            0x517b,
            0xff53_4d42,
            0xfe53_4d42,
            0x7375_7245,
            0x6b41_4653,
            0x0102_1997,
            0x00c3_6400,
        ];
        Ok(REMOTE.contains(&(fs::fstatfs(&self.fd)?.f_type as u64 & 0xffff_ffff)))
    }

    /// Not told apart on this platform.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn is_remote(&self) -> io::Result<bool> {
        Ok(false)
    }
}

pub(crate) fn facts_of_open(file: &File) -> io::Result<Facts> {
    Ok(facts_of(&fs::fstat(file)?))
}

// The widths of these fields differ between platforms.
#[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
fn facts_of(stat: &Stat) -> Facts {
    let oddity = match fs::FileType::from_raw_mode(stat.st_mode) {
        fs::FileType::RegularFile => None,
        fs::FileType::Directory => Some("a directory"),
        fs::FileType::Symlink => Some("a symbolic link"),
        fs::FileType::Fifo => Some("a pipe"),
        fs::FileType::Socket => Some("a socket"),
        _ => Some("a device"),
    };
    Facts {
        identity: Identity {
            dev: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: stat.st_size as u64,
            mtime_ns: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
        },
        mode: u32::from(stat.st_mode) & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        oddity,
    }
}

/// Gives `to` the owner, mode and extended attributes (ACLs are among them) of `from`, as far as
/// we may. What is not permitted is left out: a save must not fail over a foreign owner.
pub(crate) fn dress_like(to: &File, from: &File, facts: &Facts) -> io::Result<()> {
    let owner = (
        rustix::fs::Uid::from_raw(facts.uid),
        rustix::fs::Gid::from_raw(facts.gid),
    );
    let _ = fs::fchown(to, Some(owner.0), Some(owner.1))
        .or_else(|_| fs::fchown(to, None, Some(owner.1)));
    copy_attributes(to, from);
    set_mode(to, facts.mode)
}

pub(crate) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    Ok(fs::fchmod(file, Mode::from_raw_mode(mode as _))?)
}

/// Attributes longer than this are left behind.
const MAX_ATTRIBUTE_BYTES: usize = 64 * 1024;

fn copy_attributes(to: &File, from: &File) {
    let mut names = vec![0_u8; MAX_ATTRIBUTE_BYTES];
    let Ok(len) = fs::flistxattr(from, &mut names[..]) else {
        return;
    };
    for name in names[..len]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let mut value = vec![0_u8; MAX_ATTRIBUTE_BYTES];
        if let Ok(len) = fs::fgetxattr(from, name, &mut value[..]) {
            let _ = fs::fsetxattr(to, name, &value[..len], fs::XattrFlags::empty());
        }
    }
}

/// Whether a file or link with these facts was put there by us or by the system's owner.
pub(crate) fn trusted_owner(facts: &Facts) -> bool {
    facts.uid == geteuid().as_raw() || facts.uid == 0
}

/// Whether we own the file.
pub(crate) fn is_ours(facts: &Facts) -> bool {
    facts.uid == geteuid().as_raw()
}

/// This machine's name.
pub(crate) fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

fn lacks_flags(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::NOTSUP)
}

/// The real directory and name behind a path, every link followed once. The file itself need
/// not exist, its directory must.
pub(crate) fn resolve(path: &Path) -> Result<(Dir, OsString), Error> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Some(name) = path.file_name().map(OsStr::to_os_string) else {
            return Err(Error::NotAFile {
                path,
                found: "a directory",
            });
        };
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let parent = parent
            .canonicalize()
            .map_err(|source| no_dir(parent, source))?;
        let dir = Dir::open(&parent).map_err(|source| no_dir(&parent, source))?;
        let facts = dir
            .facts(&name)
            .map_err(|source| dir.fault(&name, source))?;
        if facts.is_none_or(|facts| facts.oddity != Some("a symbolic link")) {
            return Ok((dir, name));
        }
        let target = fs::readlinkat(&dir.fd, &name, Vec::new())
            .map_err(|source| dir.fault(&name, source.into()))?;
        path = parent.join(OsStr::from_bytes(target.as_bytes()));
    }
    Err(Error::NotAFile {
        path,
        found: "a loop of symbolic links",
    })
}

fn no_dir(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound => Error::Unreachable {
            path: path.to_path_buf(),
            source,
        },
        io::ErrorKind::NotADirectory => Error::NotAFile {
            path: path.to_path_buf(),
            found: "below something that is a file",
        },
        _ => Error::at(path, source),
    }
}
