//! A process that contends for a file, driven by the tests of this crate. Never shipped.
//!
//! `append PATH TAG COUNT` adds COUNT lines `TAG-n`, each in an update of its own;
//! `hold LOCK` takes a lock, says `held`, and keeps it until its input ends.

use std::error::Error;
use std::io::{Read, Write};
use std::time::Duration;

use instep_safefile::{FileLock, Options, SafeFile};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["append", path, tag, count] => append(path, tag, count.parse()?),
        ["hold", lock] => hold(lock),
        _ => Err("usage: append PATH TAG COUNT | hold LOCK".into()),
    }
}

fn append(path: &str, tag: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let options = Options::default().lock_timeout(Duration::from_secs(60));
    let file = SafeFile::open(path, options)?;
    for number in 0..count {
        file.update::<instep_safefile::Error>(|old| {
            Ok([old, format!("{tag}-{number}\n").as_bytes()].concat())
        })?;
    }
    Ok(())
}

fn hold(lock: &str) -> Result<(), Box<dyn Error>> {
    let _held = FileLock::acquire(lock, Duration::from_secs(5))?;
    writeln!(std::io::stdout(), "held")?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
