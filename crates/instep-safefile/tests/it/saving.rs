//! Plain saves: what is written, what is kept, what is refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use instep_safefile::{Error, OnFailedBackup, SafeFile};

use crate::{Place, options, skipped, version};

/// `.safefile-` and the first 12 digits of the SHA-256 of `tasks.txt`.
const LEFT_OVER: &str = ".safefile-17d0d39f7984";

#[test]
fn a_first_save_creates_the_file_private_and_without_backup() {
    let place = Place::saved(&["one"]);
    assert_eq!(place.bytes("tasks.txt"), version("one"));
    assert_eq!(place.names(), ["tasks.txt"]);
    let mode = fs::metadata(place.at("tasks.txt")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_stamp_of_a_save_is_that_of_the_next_read() {
    let place = Place::new(options());
    let saved = place.file.save(&version("one")).unwrap();
    let read = place.file.read().unwrap();
    assert_eq!(saved.stamp, read.stamp);
    let meta = fs::metadata(place.at("tasks.txt")).unwrap();
    assert_eq!(
        (read.stamp.inode(), read.stamp.dev()),
        (meta.ino(), meta.dev())
    );
    assert_eq!(read.stamp.size(), read.bytes.len() as u64);
}

#[test]
fn an_unchanged_save_writes_and_rotates_nothing() {
    let place = Place::saved(&["one", "two"]);
    let before = fs::metadata(place.at("tasks.txt")).unwrap();
    let saved = place.file.save(&version("two")).unwrap();
    let after = fs::metadata(place.at("tasks.txt")).unwrap();
    assert!(!saved.written);
    assert_eq!(
        (before.ino(), before.ctime_nsec()),
        (after.ino(), after.ctime_nsec())
    );
    assert_eq!(place.names(), ["tasks.txt", "tasks.txt.backup"]);
}

#[test]
fn what_does_not_verify_replaces_nothing() {
    let place = Place::saved(&["one"]);
    let refused = place.file.save(b"begin\ncut off in the mid");
    assert!(
        matches!(refused, Err(Error::Rejected { .. })),
        "{refused:?}"
    );
    assert!(matches!(place.file.save(b""), Err(Error::Rejected { .. })));
    assert_eq!(place.bytes("tasks.txt"), version("one"));
    assert_eq!(place.names(), ["tasks.txt"]);
}

#[test]
fn an_error_of_the_caller_comes_back_and_changes_nothing() {
    #[derive(Debug)]
    enum Mine {
        Refused,
        File(#[expect(dead_code, reason = "shown by the assertion")] Error),
    }
    impl From<Error> for Mine {
        fn from(error: Error) -> Self {
            Mine::File(error)
        }
    }
    let place = Place::saved(&["one"]);
    let outcome = place.file.update(|_| Err(Mine::Refused));
    assert!(matches!(outcome, Err(Mine::Refused)), "{outcome:?}");
    assert_eq!(place.names(), ["tasks.txt"]);
}

#[test]
fn save_if_unchanged_refuses_a_version_it_did_not_see() {
    let place = Place::saved(&["one"]);
    let seen = place.file.read().unwrap().stamp;
    place.put("tasks.txt", &version("theirs"));
    let refused = place.file.save_if_unchanged(Some(&seen), &version("mine"));
    assert!(matches!(refused, Err(Error::Changed { .. })), "{refused:?}");
    assert_eq!(place.bytes("tasks.txt"), version("theirs"));
    let refused = place.file.save_if_unchanged(None, &version("mine"));
    assert!(matches!(refused, Err(Error::Changed { .. })), "{refused:?}");

    let seen = place.file.read().unwrap().stamp;
    place
        .file
        .save_if_unchanged(Some(&seen), &version("mine"))
        .unwrap();
    assert_eq!(place.bytes("tasks.txt"), version("mine"));
}

#[test]
fn save_if_unchanged_goes_by_content_not_by_time() {
    let place = Place::saved(&["one"]);
    let seen = place.file.read().unwrap().stamp;
    place.put("tasks.txt", &version("one"));
    assert!(
        place
            .file
            .save_if_unchanged(Some(&seen), &version("two"))
            .unwrap()
            .written
    );
}

#[test]
fn a_link_stays_a_link_and_everything_lies_beside_its_target() {
    let place = Place::saved(&["one"]);
    let other = tempfile::tempdir().unwrap();
    let link = other.path().join("link.txt");
    symlink(place.at("tasks.txt"), other.path().join("hop")).unwrap();
    symlink("hop", &link).unwrap();
    let file = SafeFile::open(&link, options()).unwrap();
    file.save(&version("two")).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(place.bytes("tasks.txt"), version("two"));
    assert_eq!(place.names(), ["tasks.txt", "tasks.txt.backup"]);
    assert_eq!(crate::names_in(other.path()), ["hop", "link.txt"]);
}

#[test]
fn the_mode_is_kept_on_file_and_backup() {
    let place = Place::saved(&["one"]);
    fs::set_permissions(place.at("tasks.txt"), Permissions::from_mode(0o640)).unwrap();
    place.file.save(&version("two")).unwrap();
    for name in ["tasks.txt", "tasks.txt.backup"] {
        assert_eq!(
            fs::metadata(place.at(name)).unwrap().mode() & 0o777,
            0o640,
            "{name}"
        );
    }
}

#[test]
fn extended_attributes_go_over_to_the_new_version() {
    let place = Place::saved(&["one"]);
    let path = place.at("tasks.txt");
    let flags = rustix::fs::XattrFlags::empty();
    if rustix::fs::setxattr(&path, "user.colour", b"blue", flags).is_err() {
        return skipped("extended attributes: this file system has none");
    }
    place.file.save(&version("two")).unwrap();
    let mut value = [0_u8; 16];
    let len = rustix::fs::getxattr(&path, "user.colour", &mut value).unwrap();
    assert_eq!(&value[..len], b"blue");
}

#[test]
fn a_hard_linked_file_parts_and_both_names_stay_whole() {
    let place = Place::saved(&["one"]);
    fs::hard_link(place.at("tasks.txt"), place.at("twin.txt")).unwrap();
    place.file.save(&version("two")).unwrap();
    assert_eq!(place.bytes("tasks.txt"), version("two"));
    assert_eq!(place.bytes("twin.txt"), version("one"));
}

#[test]
fn a_failed_backup_refuses_the_save_unless_it_may_be_skipped() {
    let place = Place::saved(&["one"]);
    fs::create_dir(place.at("tasks.txt.backup")).unwrap();
    let refused = place.file.save(&version("two"));
    assert!(
        matches!(refused, Err(Error::BackupFailed { .. })),
        "{refused:?}"
    );
    assert_eq!(place.bytes("tasks.txt"), version("one"));

    let lenient = options().on_failed_backup(OnFailedBackup::SaveAnyway);
    let file = SafeFile::open(place.at("tasks.txt"), lenient).unwrap();
    for text in ["two", "three"] {
        let saved = file.save(&version(text)).unwrap();
        assert!(saved.backup_skipped.is_some(), "{saved:?}");
        assert_eq!(place.bytes("tasks.txt"), version(text));
    }
    assert_eq!(place.names(), ["tasks.txt", "tasks.txt.backup"]);
}

#[test]
fn left_overs_of_a_crash_are_cleared_by_the_next_save() {
    let place = Place::saved(&["one"]);
    let others = ".safefile-000000000000-0011223344556677.tmp";
    place.put(&format!("{LEFT_OVER}-0011223344556677.tmp"), b"begin\ncut");
    place.put(others, b"another file's");
    let file = SafeFile::open(place.at("tasks.txt"), options()).unwrap();
    file.save(&version("two")).unwrap();
    assert_eq!(place.names(), [others, "tasks.txt", "tasks.txt.backup"]);
}

#[test]
fn a_displaced_file_with_unseen_content_is_kept() {
    let place = Place::saved(&["one"]);
    let swap = format!("{LEFT_OVER}-0000000000000000-1111111111111111-2222222222222222.swap");
    place.put(&swap, &version("nobody saw this"));
    let file = SafeFile::open(place.at("tasks.txt"), options()).unwrap();
    let saved = file.save(&version("two")).unwrap();
    assert_eq!(saved.late.len(), 1, "{saved:?}");
    assert_eq!(
        fs::read(&saved.late[0]).unwrap(),
        version("nobody saw this")
    );
    assert!(!place.at(&swap).exists());
}

#[test]
fn a_read_only_file_is_not_replaced() {
    let place = Place::saved(&["1"]);
    let mode = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(place.at("tasks.txt"), mode).unwrap();
    };
    mode(0o444);
    let before = place.names();
    let refused = place.file.save(&version("2"));
    assert!(
        matches!(refused, Err(Error::PermissionDenied { .. })),
        "{refused:?}"
    );
    assert_eq!(
        (place.bytes("tasks.txt"), place.names()),
        (version("1"), before)
    );
    assert!(!place.file.save(&version("1")).unwrap().written);
    mode(0o644);
    place.file.save(&version("2")).unwrap();
}
