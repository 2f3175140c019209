//! Programs that write the file without any lock.

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use instep_safefile::Error;

use crate::{Place, options, version};

#[test]
fn a_write_between_read_and_save_is_taken_in() {
    let place = Place::saved(&["ours"]);
    let mut rounds = 0;
    let saved = place.file.update::<Error>(|old| {
        rounds += 1;
        if rounds == 1 {
            place.put("tasks.txt", &version("theirs"));
        }
        let text = String::from_utf8_lossy(old).replace("end\n", "added\nend\n");
        Ok(text.into_bytes())
    });
    assert!(saved.unwrap().written);
    assert_eq!(rounds, 2);
    assert_eq!(place.bytes("tasks.txt"), version("theirs\nadded"));
    assert_eq!(place.bytes("tasks.txt.backup"), version("theirs"));
}

#[test]
fn a_file_that_appears_before_the_first_save_is_taken_in() {
    let place = Place::new(options());
    let mut seen = Vec::new();
    let saved = place.file.update::<Error>(|old| {
        if seen.is_empty() {
            place.put("tasks.txt", &version("theirs"));
        }
        seen.push(old.to_vec());
        Ok(version("ours"))
    });
    assert!(saved.unwrap().written);
    assert_eq!(seen, [vec![], version("theirs")]);
    assert_eq!(place.bytes("tasks.txt.backup"), version("theirs"));
}

#[test]
fn a_writer_that_never_stops_ends_in_changed() {
    let place = Place::saved(&["ours"]);
    let mut rounds = 0;
    let outcome = place.file.update::<Error>(|_| {
        rounds += 1;
        place.put("tasks.txt", &version(&format!("theirs {rounds}")));
        Ok(version("ours again"))
    });
    assert!(matches!(outcome, Err(Error::Changed { .. })), "{outcome:?}");
    assert_eq!(
        place.bytes("tasks.txt"),
        version(&format!("theirs {rounds}"))
    );
    assert!(rounds > 1);
}

#[test]
fn a_touch_alone_is_no_change() {
    let place = Place::saved(&["ours"]);
    let mut rounds = 0;
    place
        .file
        .update::<Error>(|_| {
            rounds += 1;
            place.put("tasks.txt", &version("ours"));
            Ok(version("next"))
        })
        .unwrap();
    assert_eq!(rounds, 1);
}

/// A writer that replaces the file by rename, as editors do, and never locks. It may itself lose
/// our lines (it writes what it read before), but none of its own may be lost to us.
#[test]
fn lines_of_a_foreign_editor_are_not_overwritten_blind() {
    const ROUNDS: usize = 100;
    let place = Place::new(options().verify(|_| Ok(())));
    place.put("tasks.txt", b"start\n");
    thread::scope(|scope| {
        let editor = scope.spawn(|| {
            for round in 0..ROUNDS {
                let path = place.at("tasks.txt");
                let old = fs::read_to_string(&path).expect("a plain read");
                let temp = place.at("editor.new");
                fs::write(&temp, format!("{old}theirs-{round}\n")).expect("a plain write");
                fs::rename(temp, path).expect("a plain rename");
            }
        });
        let mut number = 0;
        while !editor.is_finished() {
            let outcome = place
                .file
                .update::<Error>(|old| Ok([old, format!("ours-{number}\n").as_bytes()].concat()));
            assert!(
                matches!(outcome, Ok(_) | Err(Error::Changed { .. })),
                "{outcome:?}"
            );
            number += 1;
        }
        editor.join().expect("no panic");
    });
    let text = String::from_utf8(place.bytes("tasks.txt")).expect("text");
    let kept: BTreeSet<&str> = text
        .lines()
        .filter(|line| line.starts_with("theirs-"))
        .collect();
    // The exchange has a race of its own: what is written into its microseconds and read by
    // nobody else. Whole files, and all but a few lines, are what can be promised.
    assert!(
        kept.len() >= ROUNDS - 5,
        "{} of {ROUNDS} foreign lines kept",
        kept.len()
    );
    assert!(text.starts_with("start\n") && text.ends_with('\n'));
}
