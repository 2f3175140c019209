//! What identifies one version of a file: where it lies, how it looks, and its hash.
//! Nothing is read from disk here.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

/// The device, inode, size and time of change of a file as it was seen once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) dev: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) mtime_ns: i128,
}

/// One version of a file as [`read`](crate::SafeFile::read) saw it. Hand it to
/// [`save_if_unchanged`](crate::SafeFile::save_if_unchanged).
///
/// Two stamps are equal when place and content agree; [`same_content`](Stamp::same_content)
/// asks for the content alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Stamp {
    pub(crate) identity: Identity,
    pub(crate) sha256: [u8; 32],
}

impl Stamp {
    /// The device the file lies on.
    pub fn dev(&self) -> u64 {
        self.identity.dev
    }

    /// The inode; another one after every save.
    pub fn inode(&self) -> u64 {
        self.identity.inode
    }

    /// The length in bytes.
    pub fn size(&self) -> u64 {
        self.identity.size
    }

    /// Time of the last write in nanoseconds since 1970, as the file system tells it.
    pub fn mtime_ns(&self) -> i128 {
        self.identity.mtime_ns
    }

    /// SHA-256 of the content.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Whether both versions hold the same bytes, wherever they lie.
    pub fn same_content(&self, other: &Stamp) -> bool {
        self.sha256 == other.sha256
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stamp")
            .field("dev", &self.identity.dev)
            .field("inode", &self.identity.inode)
            .field("size", &self.identity.size)
            .field("mtime_ns", &self.identity.mtime_ns)
            .field("sha256", &hex(&self.sha256))
            .finish()
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
