//! Tells when a hook puts something into the spool. What it is stands in the file alone.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use instep_safefile::create_private_dir;
use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::Spool;

/// The spool, watched until this is dropped.
#[derive(Debug)]
pub struct SpoolWatch {
    news: Arc<News>,
    _watcher: RecommendedWatcher,
}

#[derive(Debug, Default)]
struct News {
    changed: Notify,
    /// The directory that was watched is not the spool any more.
    gone: AtomicBool,
}

impl SpoolWatch {
    /// Waits until something was put there since the last time, or the directory is gone.
    pub async fn changed(&self) {
        self.news.changed.notified().await;
    }

    /// Whether the directory is gone, so that it has to be watched anew.
    pub fn is_over(&self) -> bool {
        self.news.gone.load(Ordering::Relaxed)
    }
}

impl Spool {
    /// Watches the spool, whose directory is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be watched.
    pub fn watch(&self) -> io::Result<SpoolWatch> {
        create_private_dir(self.dir()).map_err(io::Error::other)?;
        let news = Arc::new(News::default());
        let (teller, dir) = (Arc::clone(&news), self.dir().to_owned());
        let tell = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else {
                return teller.changed.notify_one();
            };
            if is_end(&event, &dir) {
                teller.gone.store(true, Ordering::Relaxed);
                teller.changed.notify_one();
            } else if event.need_rescan() || is_news(&event) {
                teller.changed.notify_one();
            }
        };
        let mut watcher = notify::recommended_watcher(tell).map_err(io::Error::other)?;
        watcher
            .watch(self.dir(), RecursiveMode::NonRecursive)
            .map_err(io::Error::other)?;
        Ok(SpoolWatch {
            news,
            _watcher: watcher,
        })
    }
}

/// Whether the directory itself was removed, or moved away.
fn is_end(event: &notify::Event, dir: &Path) -> bool {
    let moves = matches!(
        event.kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    moves && event.paths.iter().any(|path| path == dir)
}

/// Whether something came: neither what is read or taken out, nor what is still being written.
fn is_news(event: &notify::Event) -> bool {
    let comes = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)) | EventKind::Any
    );
    comes && event.paths.iter().any(|path| !is_hidden(path))
}

/// Whether it is a file that is still being written.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}
