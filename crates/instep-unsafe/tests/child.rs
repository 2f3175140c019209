//! Work in a process of its own, whatever becomes of it.

use std::fs;
use std::process::{abort, exit, id};

use instep_unsafe::in_child;

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("seen");
    let seen = || fs::read_to_string(&file).unwrap_or_default();
    let note = |text: &str| fs::write(&file, text).expect("a file");

    let mut changed = false;
    in_child(|| {
        changed = true;
        note(&id().to_string());
    });
    let own = cfg!(not(target_os = "linux"));
    assert_eq!((seen() == id().to_string(), changed), (own, own));

    if cfg!(target_os = "linux") {
        in_child(|| exit(7));
        std::panic::set_hook(Box::new(|_| {}));
        in_child(|| panic!("only here"));
        let _ = std::panic::take_hook();
        in_child(|| {
            note("before the end");
            abort();
        });
        assert_eq!(seen(), "before the end");
    }

    // With a second thread no copy can be made.
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || wait.recv());
    in_child(|| note(&id().to_string()));
    assert_eq!(seen(), id().to_string());
    drop(done);
    thread
        .join()
        .expect("it ends")
        .expect_err("nothing is sent");
}
