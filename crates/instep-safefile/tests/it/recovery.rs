//! Damaged and missing files: what is brought back, what is left alone, what is said.

use std::fs;

use instep_safefile::{Error, Recovery, SafeFile};

use crate::{Place, options, version};

/// Damages the main file so, and expects the newest backup in its place and the damaged bytes
/// kept aside.
fn check(damage: &[u8]) {
    let place = Place::saved(&["1", "2", "3"]);
    place.put("tasks.txt", damage);
    let read = place.file.read().unwrap();
    assert_eq!(read.bytes, version("2"));
    let recovered = read.recovered.expect("a recovery is said");
    assert_eq!(recovered.from, place.at("tasks.txt.backup"));
    let aside = recovered.aside.clone().expect("the damaged file is kept");
    assert_eq!(fs::read(&aside).unwrap(), damage);
    assert!(
        recovered.to_string().contains("was brought back from"),
        "{recovered}"
    );
    assert_eq!(place.bytes("tasks.txt"), version("2"));
    assert_eq!(place.file.read().unwrap().recovered, None);
}

#[test]
fn a_truncated_file_is_brought_back() {
    check(b"begin\n3");
}

#[test]
fn an_emptied_file_is_brought_back() {
    check(b"");
}

#[test]
fn a_file_of_zeros_is_brought_back() {
    check(&[0; 4096]);
}

#[test]
fn a_file_that_is_no_text_is_brought_back() {
    check(b"\xff\xfe\x80begin");
}

#[test]
fn a_damaged_backup_is_passed_over() {
    let place = Place::saved(&["1", "2", "3"]);
    place.put("tasks.txt", b"torn");
    place.put("tasks.txt.backup", b"torn too");
    let read = place.file.read().unwrap();
    assert_eq!(read.bytes, version("1"));
    assert_eq!(read.recovered.unwrap().from, place.at("tasks.txt.backup.1"));
    assert_eq!(place.bytes("tasks.txt.backup"), b"torn too");
}

#[test]
fn when_every_copy_is_damaged_nothing_is_overwritten_and_all_are_named() {
    let place = Place::saved(&["1", "2", "3"]);
    let copies = ["tasks.txt", "tasks.txt.backup", "tasks.txt.backup.1"];
    for name in copies {
        place.put(name, format!("torn {name}").as_bytes());
    }
    for outcome in [
        place.file.read().map(drop),
        place.file.save(&version("4")).map(drop),
        place.file.update::<Error>(|_| Ok(version("4"))).map(drop),
    ] {
        let Err(error @ Error::Corrupt { .. }) = outcome else {
            panic!("{outcome:?}")
        };
        for name in copies {
            assert!(
                error
                    .to_string()
                    .contains(&*place.at(name).to_string_lossy()),
                "{error}"
            );
            assert_eq!(place.bytes(name), format!("torn {name}").as_bytes());
        }
    }
    assert_eq!(place.names(), copies);
}

#[test]
fn a_missing_file_comes_back_where_directory_and_backup_exist() {
    let place = Place::saved(&["1", "2"]);
    fs::remove_file(place.at("tasks.txt")).unwrap();
    let saved = place.file.update::<Error>(|old| {
        assert_eq!(old, version("1"));
        Ok(version("3"))
    });
    let recovered = saved.unwrap().recovered.expect("a recovery is said");
    assert_eq!(
        (recovered.aside, recovered.from),
        (None, place.at("tasks.txt.backup"))
    );
}

#[test]
fn a_missing_file_without_backups_is_missing_and_leaves_no_trace() {
    let place = Place::new(options());
    assert!(matches!(place.file.read(), Err(Error::Missing { .. })));
    assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_directory_is_unreachable_and_not_created() {
    let place = Place::new(options());
    let file = SafeFile::open(place.at("drive/tasks.txt"), options()).unwrap();
    for outcome in [file.read().map(drop), file.save(&version("1")).map(drop)] {
        assert!(
            matches!(outcome, Err(Error::Unreachable { .. })),
            "{outcome:?}"
        );
    }
    assert!(!place.at("drive").exists());
}

#[test]
fn a_recovery_inside_a_failed_update_is_said_by_the_next_success() {
    let place = Place::saved(&["1", "2"]);
    place.put("tasks.txt", b"torn");
    let refused = place.file.update::<Error>(|_| Ok(b"no good".to_vec()));
    assert!(
        matches!(refused, Err(Error::Rejected { .. })),
        "{refused:?}"
    );
    assert!(place.file.read().unwrap().recovered.is_some());
}

#[test]
fn an_empty_file_is_good_where_that_is_allowed() {
    let place = Place::new(options().verify(|_| Ok(())).allow_empty(true));
    place.file.save(b"one line\n").unwrap();
    place.file.save(b"").unwrap();
    let read = place.file.read().unwrap();
    assert_eq!((read.bytes, read.recovered), (vec![], None));
}

/// Looking moves nothing, and an old copy comes back only when somebody asked for it.
#[test]
fn a_file_that_comes_back_when_asked_stays_damaged_until_then() {
    for damage in [Some(&b"torn"[..]), None] {
        let asked = options().recovery(Recovery::WhenAsked);
        let place = Place::new(asked);
        for text in ["1", "2", "3"] {
            place.file.save(&version(text)).unwrap();
        }
        match damage {
            Some(bytes) => place.put("tasks.txt", bytes),
            None => fs::remove_file(place.at("tasks.txt")).unwrap(),
        }
        let before = place.names();
        for outcome in [
            place.file.read().map(drop),
            place.file.save(&version("4")).map(drop),
            place.file.update::<Error>(|_| Ok(version("4"))).map(drop),
        ] {
            assert!(matches!(outcome, Err(Error::Damaged { .. })), "{outcome:?}");
        }
        let spare = (place.at("tasks.txt.backup"), version("2"));
        assert_eq!(place.file.newest_backup().unwrap(), spare);
        assert_eq!(place.names(), before);

        let recovered = place.file.recover().unwrap().expect("there was a need");
        assert_eq!(recovered.from, spare.0);
        assert_eq!(place.file.recover().unwrap(), None);
        let read = place.file.read().unwrap();
        assert_eq!((read.bytes, read.recovered), (spare.1, Some(recovered)));
    }
}
