//! The sole right to run an account, on one computer (S11): a lock file for each account,
//! held while the lease is and freed by the kernel when its holder dies. No lock file is
//! ever unlinked, renamed or replaced.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use instep_contract::{Lease, StoreError};
use instep_model::{AccountId, Timestamp};
use uuid::Uuid;

use crate::private;

/// Longer names are cut and told apart by a hash; file systems stop at 255 bytes.
const MAX_NAME_LEN: usize = 180;

/// How much of what a holder wrote about itself is shown.
const MAX_HOLDER_BYTES: u64 = 200;

/// The leases that this store holds.
#[derive(Debug)]
pub(crate) struct Leases {
    dir: PathBuf,
    held: Mutex<HashMap<AccountId, Held>>,
    /// The tokens of leases that were given back in time.
    returned: Mutex<HashMap<AccountId, u64>>,
}

#[derive(Debug)]
struct Held {
    /// The token; `None` while it is still being asked for.
    token: Option<u64>,
    holder: String,
    ttl: Duration,
    until: Timestamp,
    lock: Locked,
}

/// A locked file. Unlocked expressly: a process that is being started at this moment may
/// have the file open still, and closing ours would not free it then.
#[derive(Debug)]
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing follows, and does the rest.
        let _ = self.0.unlock();
    }
}

/// A lease whose token is not known yet. Dropped, it is given back.
#[derive(Debug)]
pub(crate) struct Reserved<'a> {
    leases: &'a Leases,
    account: AccountId,
    own: Option<u64>,
    settled: bool,
}

impl Leases {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            held: Mutex::default(),
            returned: Mutex::default(),
        }
    }

    /// Takes the lock of `account`, without waiting.
    pub(crate) fn reserve(
        &self,
        account: &AccountId,
        holder: &str,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Reserved<'_>, StoreError> {
        let mut held = self.held();
        if let Some(known) = held.get(account).filter(|known| known.until > now) {
            return Err(held_by(account, named(&known.holder)));
        }
        let own = self.returned().remove(account);
        // One of ours that ran out keeps its lock: it passes to the new holder unopened.
        let lock = match held.remove(account) {
            Some(expired) => expired.lock,
            None => self.lock(account)?,
        };
        write_holder(&lock.0, holder).map_err(unavailable)?;
        let known = Held {
            token: None,
            holder: holder.to_owned(),
            ttl,
            until: ends(now, ttl),
            lock,
        };
        held.insert(account.clone(), known);
        Ok(Reserved {
            leases: self,
            account: account.clone(),
            own,
            settled: false,
        })
    }

    /// Gives a lease back, unless it was taken over.
    pub(crate) fn release(&self, lease: &Lease) {
        if self.remove(lease) {
            self.returned().insert(lease.account.clone(), lease.token);
        }
    }

    /// Frees a lease whose holder gave up half-way, unless it was taken over. Its token is not used
    /// again: a statement of that holder may still be under way.
    pub(crate) fn abandon(&self, lease: &Lease) {
        self.remove(lease);
    }

    fn remove(&self, lease: &Lease) -> bool {
        let mut held = self.held();
        let token = held.get(&lease.account).and_then(|known| known.token);
        let is_ours = token == Some(lease.token);
        if is_ours {
            held.remove(&lease.account);
        }
        is_ours
    }

    /// A commit at `now` keeps the lease for another term.
    pub(crate) fn renew(&self, lease: &Lease, now: Timestamp) {
        if let Some(known) = self.held().get_mut(&lease.account)
            && known.token == Some(lease.token)
        {
            known.until = known.until.max(ends(now, known.ttl));
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<AccountId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn returned(&self) -> MutexGuard<'_, HashMap<AccountId, u64>> {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self, account: &AccountId) -> Result<Locked, StoreError> {
        private::dir(&self.dir).map_err(unavailable)?;
        let path = self.dir.join(file_name(account));
        let file = private::file(&path).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => Ok(Locked(file)),
            Err(TryLockError::WouldBlock) => Err(held_by(account, read_holder(&path))),
            Err(TryLockError::Error(error)) => Err(unavailable(error)),
        }
    }
}

impl Reserved<'_> {
    /// The token of the lease that we had of this account before and gave back, whoever had one in
    /// between.
    pub(crate) fn own_token(&self) -> Option<u64> {
        self.own
    }

    /// Completes the lease with its token.
    pub(crate) fn settle(mut self, token: u64) -> Lease {
        if let Some(known) = self.leases.held().get_mut(&self.account) {
            known.token = Some(token);
        }
        self.settled = true;
        Lease {
            account: self.account.clone(),
            token,
        }
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.leases.held().remove(&self.account);
        }
    }
}

/// A file name for any account id, different for ids that differ, also where a file system
/// takes upper and lower case for the same.
fn file_name(account: &AccountId) -> String {
    let mut name = String::new();
    for byte in account.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            byte => name.push_str(&format!("%{byte:02x}")),
        }
    }
    if name.len() > MAX_NAME_LEN {
        let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, account.as_str().as_bytes());
        name.truncate(MAX_NAME_LEN);
        name.push_str(&format!("+{hash}"));
    }
    name.push_str(".lock");
    name
}

/// A holder of this process.
fn named(holder: &str) -> String {
    format!("{holder}, process {}", std::process::id())
}

/// What is written is for people and error messages; the lock alone decides.
fn write_holder(file: &File, holder: &str) -> io::Result<()> {
    private::overwrite(file, &format!("{}\n", named(holder)))
}

fn read_holder(path: &Path) -> String {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_HOLDER_BYTES).read_to_end(&mut text));
    match read {
        Ok(length) if length > 0 => {
            let text = String::from_utf8_lossy(&text);
            text.lines().next().unwrap_or_default().trim().to_owned()
        }
        _ => "another process".to_owned(),
    }
}

fn held_by(account: &AccountId, holder: String) -> StoreError {
    StoreError::LeaseHeld {
        account: account.clone(),
        holder,
    }
}

fn unavailable(error: io::Error) -> StoreError {
    StoreError::Unavailable {
        source: Box::new(error),
    }
}

fn ends(now: Timestamp, ttl: Duration) -> Timestamp {
    now.checked_add(ttl).unwrap_or(Timestamp::MAX)
}
