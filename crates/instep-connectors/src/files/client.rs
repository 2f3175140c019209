//! Reading and saving one file through its lock, backups and recovery. Blocks the calling thread;
//! what a read or a save means for a sync is not decided here.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use instep_contract::{Applied, ConnectorError};
use instep_model::{Operation, RemoteId, RemoteTask};
use instep_safefile::{Error, Options, Recovered, Recovery, SafeFile, Saved};

use super::Settings;
use super::cursor::Look;
use super::fault::{missing, setup, sort, unplaced};
use super::format::{Document, Refusal};
use super::notice::Notice;
use super::versions::{Found, Ledger, Versions};

/// Longer files are refused: sixteen versions of them are remembered.
const MAX_BYTES: u64 = 64 << 20;

/// How often a file that is damaged again and again is brought back for one save.
const MAX_RECOVERIES: usize = 3;

/// How a file looks that was there and is missing now.
const MISSING: Look = Look {
    dev: 0,
    inode: 0,
    size: 0,
    mtime_ns: 0,
};

/// A file of tasks and what is remembered about it.
#[derive(Debug)]
pub(super) struct Client {
    settings: Settings,
    file: Result<SafeFile, String>,
}

/// A file as it was read.
pub(super) struct Seen {
    /// How it looked; `None` where there is no file yet.
    pub(super) look: Option<Look>,
    /// Whether an equal look later proves that it is the same.
    pub(super) settled: bool,
    /// Its entries, with what a stale overwrite took back.
    pub(super) document: Document,
    /// Whether the file itself lacks some of that.
    pub(super) behind: bool,
    /// The rest of the memory.
    pub(super) ledger: Ledger,
    pub(super) news: Vec<Notice>,
}

/// The content a look works from.
struct Held {
    bytes: Vec<u8>,
    look: Look,
    /// Whether it is a backup's, which the file need not hold yet.
    recovered: bool,
    /// Whether the file itself is damaged.
    damaged: bool,
    news: Vec<Notice>,
}

/// What a save did.
pub(super) struct Stored {
    pub(super) answers: Vec<Result<Applied, ConnectorError>>,
    pub(super) news: Vec<Notice>,
}

/// One try to carry a batch out in memory.
struct Attempt {
    answers: Vec<Result<Applied, ConnectorError>>,
    before: Vec<u8>,
    fresh: Vec<u8>,
    /// How many things came back that the file had lost.
    put_back: Option<usize>,
    /// Whether it was an older version that only lacked keys.
    older: bool,
    recovered: bool,
    /// The highest id there was before.
    highest: i64,
}

/// Why a change was not made.
enum Stop {
    File(Error),
    Connector(ConnectorError),
    /// There is no file, and nothing to make one for.
    Nothing(Vec<Result<Applied, ConnectorError>>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::File(error)
    }
}

impl Client {
    pub(super) fn new(settings: Settings) -> Self {
        let format = settings.format;
        let options = Options::default()
            .max_bytes(MAX_BYTES)
            .lock_timeout(settings.lock_timeout)
            .recovery(Recovery::WhenAsked)
            .verify(move |bytes| format.verify(bytes));
        let file = SafeFile::open(&settings.path, options).map_err(|error| error.to_string());
        Self { settings, file }
    }

    fn file(&self) -> Result<&SafeFile, ConnectorError> {
        let help = "set the account's path to a file";
        self.file
            .as_ref()
            .map_err(|reason| setup(reason.clone(), help))
    }

    /// Where the file really lies, every link followed; it need not exist, its directory must.
    pub(super) fn real_path(&self) -> Result<PathBuf, ConnectorError> {
        let path = self.file()?.path();
        if let Ok(real) = path.canonicalize() {
            return Ok(real);
        }
        let target = follow(path);
        let (parent, name) = (target.parent(), target.file_name());
        match (parent.map(Path::canonicalize), name) {
            (Some(Ok(parent)), Some(name)) => Ok(parent.join(name)),
            _ => Err(setup(
                format!("{} cannot be reached", path.display()),
                "mount the drive or create the directory; until then nothing counts as deleted",
            )),
        }
    }

    /// How the file looks now, without opening it.
    pub(super) fn look(&self) -> Result<Option<Look>, ConnectorError> {
        let path = self.file()?.path();
        Ok(std::fs::metadata(path).ok().map(|file| Look::of(&file)))
    }

    pub(super) fn is_on_network_drive(&self) -> bool {
        let file = self.file.as_ref();
        file.is_ok_and(|file| file.is_on_network_drive().unwrap_or(false))
    }

    fn versions(&self) -> Result<Versions, ConnectorError> {
        Versions::open(&self.settings.private_dir).map_err(sort)
    }

    fn parse(&self, bytes: &[u8]) -> Result<Document, String> {
        let high_is_one = self.settings.priority_high_is_one;
        self.settings.format.parse(bytes, high_is_one)
    }

    /// Reads the whole file. A file that is not there is an empty list, unless it `existed`;
    /// without a word about that, the memory decides. Nothing is written beside the file: a
    /// damaged one is answered from its backup and stays as it is (I19).
    pub(super) fn load(&self, existed: Option<bool>) -> Result<Seen, ConnectorError> {
        let versions = self.versions()?;
        let mut ledger = versions.ledger();
        let existed = existed.unwrap_or_else(|| versions.any());
        let Some(held) = self.held(&versions, &ledger, existed)? else {
            return Ok(Seen {
                look: None,
                settled: false,
                document: self.parse(&[]).map_err(malformed)?,
                behind: false,
                ledger,
                news: Vec::new(),
            });
        };
        tracing::debug!(
            file = %self.settings.path.display(),
            bytes = held.bytes.len(),
            "read the task file"
        );
        let mut news = held.news;
        let found = self.parse(&held.bytes).map_err(malformed)?;
        let facts = Found {
            bytes: &held.bytes,
            document: &found,
            recovered: held.recovered,
        };
        let rebased = versions
            .rebased(&ledger, facts, |bytes| self.parse(bytes).ok())
            .map_err(sort)?;
        let behind = held.damaged || rebased.is_some();
        let document = match rebased {
            Some(rebased) => {
                if !held.recovered {
                    news.push(self.stale(rebased.put_back));
                }
                rebased.apply(found)
            }
            None => {
                if !held.damaged {
                    versions.remember(&held.bytes).map_err(sort)?;
                }
                found
            }
        };
        if !held.recovered && ledger.leave_recovery() {
            versions.set_ledger(&ledger).map_err(sort)?;
        }
        Ok(Seen {
            look: Some(held.look),
            settled: held.look.is_settled(SystemTime::now()),
            document,
            behind,
            ledger,
            news,
        })
    }

    /// What the file holds, or else its newest good backup; `None` where there is neither yet.
    fn held(
        &self,
        versions: &Versions,
        ledger: &Ledger,
        existed: bool,
    ) -> Result<Option<Held>, ConnectorError> {
        let file = self.file()?;
        match file.read() {
            Ok(read) => Ok(Some(Held {
                recovered: ledger.is_recovered(&read.bytes),
                damaged: false,
                look: Look {
                    dev: read.stamp.dev(),
                    inode: read.stamp.inode(),
                    size: read.stamp.size(),
                    mtime_ns: read.stamp.mtime_ns(),
                },
                news: {
                    let told = read.recovered.map(|recovered| Notice::Recovered {
                        story: recovered.to_string(),
                        put_back: 0,
                    });
                    told.into_iter().chain(self.late(&read.late)).collect()
                },
                bytes: read.bytes,
            })),
            Err(Error::Missing { path }) if existed => Err(missing(&path)),
            Err(Error::Missing { .. }) => Ok(None),
            Err(Error::Damaged { path, reason }) => {
                let (from, bytes) = file.newest_backup().map_err(sort)?;
                if existed && !versions.any() {
                    return Err(unplaced(&path, &reason, &from));
                }
                Ok(Some(Held {
                    bytes,
                    look: self.look()?.unwrap_or(MISSING),
                    recovered: true,
                    damaged: true,
                    news: vec![Notice::Damaged { path, reason, from }],
                }))
            }
            Err(error) => Err(sort(error)),
        }
    }

    /// Brings a damaged file back. What comes back is written down first, so that whoever finds
    /// it, even after a crash in between, knows it for what it is.
    fn bring_back(
        &self,
        versions: &Versions,
        ledger: &mut Ledger,
        existed: bool,
        damage: (&Path, &str),
    ) -> Result<Option<Recovered>, ConnectorError> {
        let file = self.file()?;
        let (from, bytes) = file.newest_backup().map_err(sort)?;
        if existed && !versions.any() {
            return Err(unplaced(damage.0, damage.1, &from));
        }
        ledger.expect_recovered(&bytes);
        versions.set_ledger(ledger).map_err(sort)?;
        file.recover().map_err(sort)
    }

    /// Carries out a batch in one save, from what the file holds at that moment; a stale
    /// overwrite is set right on the way, and a damaged file brought back. An operation that is
    /// refused keeps no other one back. A deletion of an entry that was read goes by what it held.
    pub(super) fn save(
        &self,
        (batch, read): (&[Operation], &HashMap<RemoteId, RemoteTask>),
        existed: Option<bool>,
        floor: i64,
    ) -> Result<Stored, ConnectorError> {
        let file = self.file()?;
        let versions = self.versions()?;
        let mut ledger = versions.ledger();
        let existed = existed.unwrap_or_else(|| versions.any());
        let floor = floor.max(ledger.highest);
        let mut recovered = None;
        for _ in 0..MAX_RECOVERIES {
            let mut last = None;
            let saved = file.update::<Stop>(|before| {
                if before.is_empty() && existed {
                    return Err(Stop::Connector(missing(file.path())));
                }
                let attempt = self.attempt((&versions, &ledger), (batch, read), before, floor)?;
                let fresh = attempt.fresh.clone();
                last = Some(attempt);
                Ok(fresh)
            });
            if let Err(Stop::File(Error::Damaged { path, reason })) = &saved {
                let damage = (path.as_path(), reason.as_str());
                recovered = self
                    .bring_back(&versions, &mut ledger, existed, damage)?
                    .or(recovered);
                continue;
            }
            return self.stored(&versions, ledger, batch, (saved, last), recovered);
        }
        Err(ConnectorError::Busy)
    }

    /// Remembers a save and words what there is to say about it.
    fn stored(
        &self,
        versions: &Versions,
        mut ledger: Ledger,
        batch: &[Operation],
        done: (Result<Saved, Stop>, Option<Attempt>),
        recovered: Option<Recovered>,
    ) -> Result<Stored, ConnectorError> {
        let (saved, attempt) = match done {
            (Ok(saved), Some(attempt)) => (saved, attempt),
            (Err(Stop::Nothing(answers)), _) => {
                return Ok(Stored {
                    answers,
                    news: Vec::new(),
                });
            }
            (Err(Stop::Connector(error)), _) => return Err(error),
            (Err(Stop::File(error)), _) => return Err(sort(error)),
            (Ok(_), None) => return Err(malformed("nothing was tried".to_owned())),
        };
        let mut news = self.late(&saved.late);
        match (attempt.put_back, recovered.or(saved.recovered)) {
            (put_back, Some(recovered)) => news.push(Notice::Recovered {
                story: recovered.to_string(),
                put_back: put_back.unwrap_or(0),
            }),
            (Some(put_back), None) if !attempt.recovered => news.push(self.stale(put_back)),
            _ => {}
        }
        let left = ledger.leave_recovery();
        tracing::debug!(
            file = %self.settings.path.display(),
            bytes = attempt.fresh.len(),
            written = saved.written,
            "saved the task file"
        );
        if saved.written {
            ledger.see(attempt.highest);
            ledger.note_completed(attempt.older.then_some(attempt.before.as_slice()));
            note_ids(&mut ledger, batch, &attempt.answers);
            let kept = versions
                .remember_ours(&mut ledger, &attempt.before, &attempt.fresh)
                .and_then(|()| versions.set_ledger(&ledger));
            warn_of(kept);
        } else if left {
            warn_of(versions.set_ledger(&ledger));
        }
        Ok(Stored {
            answers: attempt.answers,
            news,
        })
    }

    fn attempt(
        &self,
        (versions, ledger): (&Versions, &Ledger),
        (batch, read): (&[Operation], &HashMap<RemoteId, RemoteTask>),
        before: &[u8],
        floor: i64,
    ) -> Result<Attempt, Stop> {
        let found = self.parse(before).map_err(stopped)?;
        let facts = Found {
            bytes: before,
            document: &found,
            recovered: ledger.is_recovered(before),
        };
        let recovered = facts.recovered;
        let rebased = versions.rebased(ledger, facts, |bytes| self.parse(bytes).ok())?;
        let put_back = rebased.as_ref().map(|rebased| rebased.put_back);
        let older = rebased.as_ref().is_some_and(|rebased| rebased.older);
        let mut document = match rebased {
            Some(rebased) => rebased.apply(found),
            None => found,
        };
        let highest = document.highest();
        let floor = floor.max(highest);
        let answers: Vec<_> = batch
            .iter()
            .map(|operation| carry_out(&mut document, operation, read, floor))
            .collect();
        let makes = |(operation, answer): (&Operation, &Result<_, _>)| {
            matches!(operation, Operation::Create(_)) && answer.is_ok()
        };
        if before.is_empty() && !batch.iter().zip(&answers).any(makes) {
            return Err(Stop::Nothing(answers));
        }
        let fresh = document.text();
        if !document.reads_back(&fresh) {
            return Err(stopped("the new text would not read back".to_owned()));
        }
        Ok(Attempt {
            answers,
            before: before.to_vec(),
            fresh: fresh.into_bytes(),
            put_back,
            older,
            recovered,
            highest,
        })
    }

    /// Writes down what a look or a look-up learned about given ids.
    pub(super) fn keep_ledger(&self, change: impl FnOnce(&mut Ledger)) -> Result<(), Error> {
        let versions = Versions::open(&self.settings.private_dir)?;
        let before = versions.ledger();
        let mut ledger = before.clone();
        change(&mut ledger);
        if ledger == before {
            return Ok(());
        }
        versions.set_ledger(&ledger)
    }

    fn stale(&self, put_back: usize) -> Notice {
        Notice::Stale {
            path: self.settings.path.clone(),
            put_back,
        }
    }

    fn late(&self, late: &[PathBuf]) -> Vec<Notice> {
        let told = late.iter().map(|aside| Notice::Late {
            path: self.settings.path.clone(),
            aside: aside.clone(),
        });
        told.collect()
    }
}

/// The save itself stands; without the memory the next stale overwrite looks like an edit.
fn warn_of(kept: Result<(), Error>) {
    if let Err(error) = kept {
        tracing::warn!(%error, "the version just saved could not be remembered");
    }
}

fn malformed(what: String) -> ConnectorError {
    ConnectorError::Malformed { what }
}

fn stopped(what: String) -> Stop {
    Stop::Connector(malformed(what))
}

/// The path at the end of a link whose target does not exist yet.
fn follow(path: &Path) -> PathBuf {
    match (std::fs::read_link(path), path.parent()) {
        (Ok(target), Some(parent)) => parent.join(target),
        _ => path.to_path_buf(),
    }
}

/// Writes down which ids a save gave and which it took out.
fn note_ids(ledger: &mut Ledger, batch: &[Operation], answers: &[Result<Applied, ConnectorError>]) {
    for (operation, answer) in batch.iter().zip(answers) {
        let Ok(applied) = answer else { continue };
        let id = applied.id.as_str();
        match operation {
            Operation::Create(_) => {
                ledger.created.insert(id.to_owned());
                ledger.see(id.parse().unwrap_or(0));
            }
            Operation::Delete { .. } => {
                ledger.deleted.insert(id.to_owned());
            }
            _ => {}
        }
    }
}

fn carry_out(
    document: &mut Document,
    operation: &Operation,
    read: &HashMap<RemoteId, RemoteTask>,
    floor: i64,
) -> Result<Applied, ConnectorError> {
    let stored = match operation {
        Operation::Create(draft) => document.create(draft, floor),
        Operation::Update { id, edit } => document.update(id, edit),
        // An edit that came after the reading beats a deletion that did not know it (S16).
        Operation::Delete { id } if was_edited(document, read.get(id)) => Err(Refusal::Stale),
        Operation::Delete { id } => match document.delete(id) {
            Ok(()) | Err(Refusal::Gone) => return Ok(Applied::done(id.clone())),
            Err(refusal) => Err(refusal),
        },
        _ => Err(Refusal::Rejected {
            field: None,
            reason: "this file holds no such thing of its own".to_owned(),
        }),
    };
    match stored {
        Ok(task) => Ok(Applied {
            held: Some(task.clone()),
            ..Applied::done(task.id)
        }),
        Err(refusal) => Err(refused(refusal, operation.target())),
    }
}

/// Whether an entry holds something else than when it was read.
fn was_edited(document: &Document, read: Option<&RemoteTask>) -> bool {
    let now = read.and_then(|read| document.get(&read.id).ok());
    now.zip(read)
        .is_some_and(|(now, read)| !now.same_content(read))
}

pub(super) fn refused(refusal: Refusal, id: Option<&RemoteId>) -> ConnectorError {
    match (refusal, id) {
        (Refusal::Gone, Some(id)) => ConnectorError::Gone { id: id.clone() },
        (Refusal::Stale, Some(id)) => ConnectorError::Stale { id: id.clone() },
        (Refusal::Rejected { field, reason }, _) => ConnectorError::Rejected { field, reason },
        (Refusal::Gone | Refusal::Stale, None) => malformed("a new task cannot be gone".to_owned()),
    }
}
