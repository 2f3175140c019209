//! The names of everything that lies beside a safe file. No disk access happens here.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::stamp::{hex, sha256};

/// Longest file name the common file systems take.
const NAME_MAX_BYTES: usize = 255;

const PREFIX: &str = ".safefile-";
const TEMP_END: &str = ".tmp";
const SWAP_END: &str = ".swap";

/// `name` with `suffix` behind it. Where that would be too long, the name is cut and a hash of
/// the whole name takes the cut part's place, so that two long names never share a neighbour.
pub(crate) fn beside(name: &OsStr, suffix: &str) -> OsString {
    if name.len() + suffix.len() <= NAME_MAX_BYTES {
        let mut whole = name.to_os_string();
        whole.push(suffix);
        return whole;
    }
    let mark = format!("~{}{suffix}", name_hash(name));
    let mut short = String::new();
    for letter in name.to_string_lossy().chars() {
        if short.len() + letter.len_utf8() + mark.len() > NAME_MAX_BYTES {
            break;
        }
        short.push(letter);
    }
    OsString::from(short + &mark)
}

/// The sidecar whose lock stands for the file.
pub(crate) fn lock_of(name: &OsStr) -> OsString {
    beside(name, ".lock")
}

/// The name of backup `number`; 0 is the newest.
pub(crate) fn backup_of(name: &OsStr, number: usize) -> OsString {
    match number {
        0 => beside(name, ".backup"),
        _ => beside(name, &format!(".backup.{number}")),
    }
}

/// A new random name for bytes that are still being written. Never anything but rubbish once
/// its writer is gone.
pub(crate) fn temp_of(name: &OsStr) -> OsString {
    OsString::from(format!(
        "{PREFIX}{}-{:016x}{TEMP_END}",
        name_hash(name),
        random()
    ))
}

/// A complete file about to change places with the original. Its name says both contents, so
/// that whoever finds it after a crash can tell which of the two it holds.
pub(crate) fn swap_of(name: &OsStr, fresh: &[u8; 32], displaced: &[u8; 32]) -> OsString {
    OsString::from(format!(
        "{PREFIX}{}-{}-{}-{:016x}{SWAP_END}",
        name_hash(name),
        short(fresh),
        short(displaced),
        random()
    ))
}

/// What a left-over name of ours says about itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    Temp,
    Swap { fresh: String, displaced: String },
}

/// Reads a directory entry as a left-over of `name`, if it is one.
pub(crate) fn leftover_of(name: &OsStr, entry: &OsStr) -> Option<Leftover> {
    let entry = entry.to_str()?;
    let rest = entry
        .strip_prefix(PREFIX)?
        .strip_prefix(&name_hash(name))?
        .strip_prefix('-')?;
    if rest.ends_with(TEMP_END) {
        return Some(Leftover::Temp);
    }
    let mut parts = rest.strip_suffix(SWAP_END)?.split('-');
    let (fresh, displaced) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(Leftover::Swap { fresh, displaced })
}

/// The part of a hash that [`swap_of`] writes into a name.
pub(crate) fn short(hash: &[u8; 32]) -> String {
    hex(&hash[..8])
}

/// Where something that must not be deleted is moved: `NAME.KIND-20260131T235959Z`, with a
/// number behind it from the second `attempt` on.
pub(crate) fn aside_of(name: &OsStr, kind: &str, now: SystemTime, attempt: usize) -> OsString {
    let stamp = utc(now
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs());
    match attempt {
        0 => beside(name, &format!(".{kind}-{stamp}")),
        _ => beside(name, &format!(".{kind}-{stamp}.{attempt}")),
    }
}

/// Random enough for names and waiting times; never a secret.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn name_hash(name: &OsStr) -> String {
    hex(&sha256(name.as_encoded_bytes())[..6])
}

/// Seconds since 1970 as `YYYYMMDDThhmmssZ` (days to civil date after Howard Hinnant,
/// <https://howardhinnant.github.io/date_algorithms.html>).
fn utc(secs: u64) -> String {
    let (days, rest) = (secs / 86_400 + 719_468, secs % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_agrees_with_known_dates() {
        for (secs, text) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_767_225_599, "20251231T235959Z"),
        ] {
            assert_eq!(utc(secs), text);
        }
    }

    #[test]
    fn long_names_get_distinct_neighbours_that_fit() {
        let (a, b) = ("a".repeat(255), "a".repeat(254) + "b");
        let (a, b) = (
            beside(a.as_ref(), ".backup.2"),
            beside(b.as_ref(), ".backup.2"),
        );
        assert_ne!(a, b);
        assert!(a.len() <= 255 && b.len() <= 255);
    }

    #[test]
    fn a_swap_name_reads_back() {
        let name = OsStr::new("tasks.json");
        let (fresh, displaced) = (sha256(b"new"), sha256(b"old"));
        assert_eq!(
            leftover_of(name, &swap_of(name, &fresh, &displaced)),
            Some(Leftover::Swap {
                fresh: short(&fresh),
                displaced: short(&displaced)
            })
        );
        assert_eq!(leftover_of(name, &temp_of(name)), Some(Leftover::Temp));
        assert_eq!(leftover_of(OsStr::new("other"), &temp_of(name)), None);
    }
}
