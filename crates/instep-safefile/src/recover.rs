//! Bringing a file to a usable state before anybody works on it: damaged files moved aside,
//! the newest good backup put in place, left-overs of a crash cleared. Runs only under the
//! exclusive lock; nothing a person wrote is deleted here.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::backup;
use crate::content::{self, Content, Temp};
use crate::dir::Dir;
use crate::error::{Error, Tried};
use crate::lock::Deadline;
use crate::names::{Leftover, aside_of, leftover_of, short};
use crate::options::Options;
use crate::stamp::sha256;
use crate::turn::Kind;

/// A damaged file must look the same for this many pauses: it may be a careless writer's, who is
/// not done yet.
const SETTLE_LOOKS: usize = 3;

const SETTLE_PAUSE: Duration = Duration::from_millis(50);

/// How often everything is looked at again because others keep changing it.
const MAX_ROUNDS: usize = 8;

/// How many names are tried for something moved aside within one second.
const MAX_ASIDES: usize = 1_000;

/// What was done to a file that was damaged or gone. Tell the person; its text is one plain
/// sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The file, which is good again.
    pub path: PathBuf,
    /// The backup its content came from.
    pub from: PathBuf,
    /// Where the damaged file was moved; `None` when there was no file.
    pub aside: Option<PathBuf>,
    /// What was wrong.
    pub reason: String,
}

impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, from) = (self.path.display(), self.from.display());
        match &self.aside {
            Some(aside) => write!(
                f,
                "{path} was damaged ({}) and was brought back from {from}; \
                 the damaged file is now {}",
                self.reason,
                aside.display()
            ),
            None => write!(f, "{path} was missing and was brought back from {from}"),
        }
    }
}

/// A usable file, or none at all.
pub(crate) struct Ready {
    pub(crate) content: Option<Content>,
    pub(crate) recovered: Option<Recovered>,
}

/// What is wrong with what was read; `None` when nothing is, or when there is nothing at all.
pub(crate) fn damage(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    content: Option<&Content>,
) -> Result<Option<String>, Error> {
    match content {
        Some(content) => Ok(options.judge(&content.bytes).err()),
        None if backup::any(dir, name, options)? => Ok(Some("it is missing".to_owned())),
        None => Ok(None),
    }
}

/// Reads the file as it is, with whatever lock the caller has; a damaged one is an error once it
/// stays so.
pub(crate) fn look(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    lock: Option<(Kind, &Deadline)>,
) -> Result<Option<Content>, Error> {
    for _ in 0..MAX_ROUNDS {
        let content = content::read(dir, name, options.max_bytes, lock)?;
        let Some(reason) = damage(dir, name, options, content.as_ref())? else {
            return Ok(content);
        };
        if settled(dir, name, content.as_ref())? {
            let path = dir.path_of(name);
            return Err(Error::Damaged { path, reason });
        }
    }
    Err(Error::Changed {
        path: dir.path_of(name),
    })
}

/// Reads the file under the exclusive lock and recovers it if need be.
pub(crate) fn load(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    deadline: &Deadline,
) -> Result<Ready, Error> {
    let lock = Some((Kind::Exclusive, deadline));
    for _ in 0..MAX_ROUNDS {
        let content = content::read(dir, name, options.max_bytes, lock)?;
        let Some(reason) = damage(dir, name, options, content.as_ref())? else {
            return Ok(Ready {
                content,
                recovered: None,
            });
        };
        if !settled(dir, name, content.as_ref())? {
            continue;
        }
        if let Some(recovered) = put_back(dir, name, options, content, reason)? {
            let content = content::read(dir, name, options.max_bytes, lock)?;
            return Ok(Ready {
                content,
                recovered: Some(recovered),
            });
        }
    }
    Err(Error::Changed {
        path: dir.path_of(name),
    })
}

/// Whether the damaged file stays as it is for a while.
fn settled(dir: &Dir, name: &OsStr, damaged: Option<&Content>) -> Result<bool, Error> {
    for _ in 0..SETTLE_LOOKS {
        std::thread::sleep(SETTLE_PAUSE);
        let now = dir.facts(name).map_err(|source| dir.fault(name, source))?;
        if now.map(|facts| facts.identity) != damaged.map(|content| content.stamp.identity) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Puts the newest good backup in the place of the damaged or missing file. `None` when somebody
/// changed the file meanwhile, so that the case must be judged anew.
fn put_back(
    dir: &Dir,
    name: &OsStr,
    options: &Options,
    damaged: Option<Content>,
    reason: String,
) -> Result<Option<Recovered>, Error> {
    let path = dir.path_of(name);
    let mut tried = vec![Tried {
        path: path.clone(),
        reason: reason.clone(),
    }];
    let Some((from, bytes)) = backup::newest_good(dir, name, options, &mut tried)? else {
        return Err(Error::Corrupt { path, tried });
    };
    let temp = Temp::write(dir, name, &bytes, damaged.as_ref(), options.mode)?;
    let mut aside = None;
    if let Some(damaged) = damaged {
        let moved = move_aside(dir, name, name, "damaged")?;
        if !is_still(dir, &moved, &damaged)? {
            // It was written after we judged it: it goes back and is judged again.
            return match dir.rename_new(&moved, name) {
                Ok(()) => Ok(None),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(dir.fault(name, error)),
            };
        }
        aside = Some(dir.path_of(&moved));
    }
    match dir.rename_new(temp.name(), name) {
        Ok(()) => temp.keep(),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(error) => return Err(dir.fault(name, error)),
    }
    dir.sync().map_err(|source| Error::OutcomeUnknown {
        path: path.clone(),
        source,
    })?;
    Ok(Some(Recovered {
        path,
        from,
        aside,
        reason,
    }))
}

fn is_still(dir: &Dir, moved: &OsStr, damaged: &Content) -> Result<bool, Error> {
    let size = damaged.stamp.size();
    match content::read(dir, moved, size, None) {
        Ok(now) => Ok(now.is_some_and(|now| now.stamp.same_content(&damaged.stamp))),
        Err(Error::TooLarge { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives `from` a name beside the file that nothing bears yet, and returns it.
pub(crate) fn move_aside(
    dir: &Dir,
    name: &OsStr,
    from: &OsStr,
    kind: &str,
) -> Result<OsString, Error> {
    let now = SystemTime::now();
    for attempt in 0..MAX_ASIDES {
        let to = aside_of(name, kind, now, attempt);
        match dir.rename_new(from, &to) {
            Ok(()) => return Ok(to),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(dir.fault(from, error)),
        }
    }
    Err(dir.fault(from, io::ErrorKind::AlreadyExists.into()))
}

/// Clears what a crash of ours left behind, after the file itself is known to be good. A
/// displaced file that holds something nobody has seen yet is moved aside as `NAME.late-…`;
/// where it lies now is returned.
pub(crate) fn sweep(dir: &Dir, name: &OsStr, options: &Options) -> Result<Vec<PathBuf>, Error> {
    let fault = |source| dir.fault(name, source);
    let mut late = Vec::new();
    for entry in dir.names().map_err(fault)? {
        match leftover_of(name, &entry) {
            None => {}
            Some(Leftover::Temp) => dir.unlink(&entry).map_err(fault)?,
            Some(Leftover::Swap { fresh, displaced }) => {
                let known = match content::read(dir, &entry, options.max_bytes, None)? {
                    Some(content) => {
                        let hash = short(&sha256(&content.bytes));
                        hash == fresh || hash == displaced
                    }
                    None => continue,
                };
                if known {
                    dir.unlink(&entry).map_err(fault)?;
                } else {
                    late.push(dir.path_of(&move_aside(dir, name, &entry, "late")?));
                }
            }
        }
    }
    Ok(late)
}
