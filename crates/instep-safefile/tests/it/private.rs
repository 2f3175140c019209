//! Private files and directories.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use instep_safefile::{Error, create_private_dir, write_private};

use crate::{Place, options};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o7777
}

#[test]
fn a_private_file_and_the_directories_above_are_closed_to_others() {
    let place = Place::new(options());
    let path = place.at("state/instep/token");
    write_private(&path, b"one").unwrap();
    write_private(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(mode(&path), 0o600);
    for dir in ["state", "state/instep"] {
        assert_eq!(mode(&place.at(dir)), 0o700, "{dir}");
    }
    assert_eq!(fs::read_dir(place.at("state/instep")).unwrap().count(), 1);
}

#[test]
fn a_looser_file_is_tightened_by_the_next_write() {
    let place = Place::new(options());
    place.put("token", b"one");
    fs::set_permissions(place.at("token"), Permissions::from_mode(0o644)).unwrap();
    write_private(place.at("token"), b"two").unwrap();
    assert_eq!(mode(&place.at("token")), 0o600);
}

#[test]
fn a_linked_private_file_stays_linked() {
    let place = Place::new(options());
    place.put("real", b"one");
    symlink("real", place.at("link")).unwrap();
    write_private(place.at("link"), b"two").unwrap();
    assert_eq!(place.bytes("real"), b"two");
    assert!(fs::symlink_metadata(place.at("link")).unwrap().is_symlink());
}

#[test]
fn a_directory_of_ours_is_closed_and_a_file_in_its_place_refused() {
    let place = Place::new(options());
    fs::create_dir(place.at("open")).unwrap();
    fs::set_permissions(place.at("open"), Permissions::from_mode(0o755)).unwrap();
    create_private_dir(place.at("open")).unwrap();
    assert_eq!(mode(&place.at("open")), 0o700);

    place.put("file", b"");
    assert!(matches!(
        create_private_dir(place.at("file")),
        Err(Error::NotAFile { .. })
    ));
    assert!(matches!(
        write_private(place.at("open"), b""),
        Err(Error::NotAFile { .. })
    ));
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    let place = Place::new(options());
    let planted = place.at("planted");
    fs::create_dir(&planted).unwrap();
    // Only the superuser can give a directory away; for others every `/` is somebody else's.
    let theirs = match std::os::unix::fs::chown(&planted, Some(65_534), Some(65_534)) {
        Ok(()) => planted,
        Err(_) => "/".into(),
    };
    let refused = create_private_dir(&theirs);
    assert!(
        matches!(refused, Err(Error::PermissionDenied { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_left_over_is_cleared_unless_its_writer_lives() {
    let place = Place::new(options());
    // `.safefile-` and the first 12 digits of the SHA-256 of `token`.
    let left_over = |end: &str| format!(".safefile-3c469e9d6c58-{end}.tmp");
    let (dead, alive) = (left_over("0000000000000001"), left_over("0000000000000002"));
    place.put(&dead, b"cut");
    place.put(&alive, b"being wri");
    let writer = fs::File::open(place.at(&alive)).unwrap();
    writer.lock().unwrap();
    write_private(place.at("token"), b"one").unwrap();
    assert_eq!(place.names(), [alive, "token".to_owned()]);
}

#[test]
fn concurrent_private_writes_leave_one_whole_version() {
    let place = Place::new(options());
    let path = place.at("token");
    std::thread::scope(|scope| {
        for letter in [b'a', b'b', b'c', b'd'] {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..25 {
                    write_private(path, &[letter; 5_000]).expect("a private write");
                }
            });
        }
    });
    let bytes = place.bytes("token");
    assert!(bytes.len() == 5_000 && bytes.iter().all(|letter| *letter == bytes[0]));
    assert_eq!(place.names(), ["token"]);
}
