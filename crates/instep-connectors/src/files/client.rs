//! Reading and saving one file through its lock, backups and recovery. Blocks the calling thread;
//! what a read or a save means for a sync is not decided here.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use instep_contract::{Applied, ConnectorError};
use instep_model::{Operation, RemoteId};
use instep_safefile::{Error, Options, Recovered, SafeFile};

use super::Settings;
use super::cursor::Look;
use super::fault::{missing, setup, sort};
use super::format::{Document, Refusal};
use super::notice::Notice;
use super::versions::{Ledger, Versions};

/// Longer files are refused: sixteen versions of them are remembered.
const MAX_BYTES: u64 = 64 << 20;

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
    stale: Option<usize>,
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
    /// without a word about that, the memory decides.
    pub(super) fn load(&self, existed: Option<bool>) -> Result<Seen, ConnectorError> {
        let file = self.file()?;
        let versions = self.versions()?;
        let ledger = versions.ledger();
        let read = match file.read() {
            Ok(read) => read,
            Err(Error::Missing { path }) => {
                if existed.unwrap_or_else(|| versions.any()) {
                    return Err(missing(&path));
                }
                let document = self.parse(&[]).map_err(malformed)?;
                return Ok(Seen {
                    look: None,
                    settled: false,
                    document,
                    behind: false,
                    ledger,
                    news: Vec::new(),
                });
            }
            Err(error) => return Err(sort(error)),
        };
        let mut news = self.news(read.recovered.as_ref(), &read.late);
        let found = self.parse(&read.bytes).map_err(malformed)?;
        let look = Look {
            dev: read.stamp.dev(),
            inode: read.stamp.inode(),
            size: read.stamp.size(),
            mtime_ns: read.stamp.mtime_ns(),
        };
        let rebased = versions
            .rebased(&ledger, &read.bytes, &found, |bytes| self.parse(bytes).ok())
            .map_err(sort)?;
        let behind = rebased.is_some();
        let document = match rebased {
            Some(rebased) => {
                news.push(Notice::Stale {
                    path: file.path().to_path_buf(),
                    put_back: rebased.put_back,
                });
                rebased.document
            }
            None => {
                versions.remember(&read.bytes).map_err(sort)?;
                found
            }
        };
        Ok(Seen {
            look: Some(look),
            settled: look.is_settled(SystemTime::now()),
            document,
            behind,
            ledger,
            news,
        })
    }

    /// Carries out a batch in one save, from what the file holds at that moment; a stale
    /// overwrite is set right on the way. An operation that is refused keeps no other one back.
    pub(super) fn save(
        &self,
        batch: &[Operation],
        existed: Option<bool>,
        floor: i64,
    ) -> Result<Stored, ConnectorError> {
        let file = self.file()?;
        let versions = self.versions()?;
        let mut ledger = versions.ledger();
        let existed = existed.unwrap_or_else(|| versions.any());
        let floor = floor.max(ledger.highest);
        let mut last = None;
        let saved = file.update::<Stop>(|before| {
            if before.is_empty() && existed {
                return Err(Stop::Connector(missing(file.path())));
            }
            let attempt = self.attempt(&versions, &ledger, batch, before, floor)?;
            let fresh = attempt.fresh.clone();
            last = Some(attempt);
            Ok(fresh)
        });
        let (saved, attempt) = match (saved, last) {
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
        let mut news = self.news(saved.recovered.as_ref(), &saved.late);
        news.extend(attempt.stale.map(|put_back| Notice::Stale {
            path: file.path().to_path_buf(),
            put_back,
        }));
        if saved.written {
            ledger.see(attempt.highest);
            note_created(&mut ledger, batch, &attempt.answers);
            let kept = versions
                .remember_ours(&mut ledger, &attempt.before, &attempt.fresh)
                .and_then(|()| versions.set_ledger(&ledger));
            if let Err(error) = kept {
                // The save itself stands; without the memory the next stale overwrite looks
                // like an edit.
                tracing::warn!(%error, "the version just saved could not be remembered");
            }
        }
        Ok(Stored {
            answers: attempt.answers,
            news,
        })
    }

    fn attempt(
        &self,
        versions: &Versions,
        ledger: &Ledger,
        batch: &[Operation],
        before: &[u8],
        floor: i64,
    ) -> Result<Attempt, Stop> {
        let found = self.parse(before).map_err(stopped)?;
        let rebased = versions.rebased(ledger, before, &found, |bytes| self.parse(bytes).ok())?;
        let stale = rebased.as_ref().map(|rebased| rebased.put_back);
        let mut document = rebased.map_or(found, |rebased| rebased.document);
        let highest = document.highest();
        let floor = floor.max(highest);
        let answers: Vec<_> = batch
            .iter()
            .map(|operation| carry_out(&mut document, operation, floor))
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
            stale,
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

    fn news(&self, recovered: Option<&Recovered>, late: &[PathBuf]) -> Vec<Notice> {
        let recovered = recovered.map(|recovered| Notice::Recovered {
            story: recovered.to_string(),
        });
        let late = late.iter().map(|aside| Notice::Late {
            path: self.settings.path.clone(),
            aside: aside.clone(),
        });
        recovered.into_iter().chain(late).collect()
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

fn note_created(
    ledger: &mut Ledger,
    batch: &[Operation],
    answers: &[Result<Applied, ConnectorError>],
) {
    for (operation, answer) in batch.iter().zip(answers) {
        if let (Operation::Create(_), Ok(applied)) = (operation, answer) {
            ledger.created.insert(applied.id.as_str().to_owned());
            ledger.see(applied.id.as_str().parse().unwrap_or(0));
        }
    }
}

fn carry_out(
    document: &mut Document,
    operation: &Operation,
    floor: i64,
) -> Result<Applied, ConnectorError> {
    let stored = match operation {
        Operation::Create(draft) => document.create(draft, floor),
        Operation::Update { id, edit } => document.update(id, edit),
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

pub(super) fn refused(refusal: Refusal, id: Option<&RemoteId>) -> ConnectorError {
    match (refusal, id) {
        (Refusal::Gone, Some(id)) => ConnectorError::Gone { id: id.clone() },
        (Refusal::Stale, Some(id)) => ConnectorError::Stale { id: id.clone() },
        (Refusal::Rejected { field, reason }, _) => ConnectorError::Rejected { field, reason },
        (Refusal::Gone | Refusal::Stale, None) => malformed("a new task cannot be gone".to_owned()),
    }
}
