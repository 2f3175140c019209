//! How backups are made, packed, rotated and restored.

use std::fs;

use instep_safefile::{Error, SafeFile};

use crate::{Place, options, version};

#[test]
fn five_saves_leave_three_backups_newest_first() {
    let place = Place::saved(&["1", "2", "3", "4", "5"]);
    let backups = place.file.backups().unwrap();
    let contents: Vec<Vec<u8>> = backups
        .iter()
        .map(|backup| place.file.read_backup(backup).unwrap())
        .collect();
    assert_eq!(contents, [version("4"), version("3"), version("2")]);
    assert_eq!(
        place.names(),
        [
            "tasks.txt",
            "tasks.txt.backup",
            "tasks.txt.backup.1",
            "tasks.txt.backup.2"
        ]
    );
}

#[test]
fn the_number_of_backups_is_settable() {
    for (keep, expected) in [(0, vec![]), (1, vec!["4"]), (4, vec!["4", "3", "2", "1"])] {
        let place = Place::new(options().backups(keep));
        for text in ["1", "2", "3", "4", "5"] {
            place.file.save(&version(text)).unwrap();
        }
        let backups = place.file.backups().unwrap();
        let contents: Vec<Vec<u8>> = backups
            .iter()
            .map(|backup| place.file.read_backup(backup).unwrap())
            .collect();
        assert_eq!(
            contents,
            expected
                .iter()
                .map(|text| version(text))
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_gap_takes_up_the_slack_so_that_nothing_older_is_dropped() {
    let place = Place::saved(&["1", "2", "3", "4"]);
    fs::remove_file(place.at("tasks.txt.backup")).unwrap();
    place.file.save(&version("5")).unwrap();
    assert_eq!(place.bytes("tasks.txt.backup"), version("4"));
    assert_eq!(place.bytes("tasks.txt.backup.1"), version("2"));
    assert_eq!(place.bytes("tasks.txt.backup.2"), version("1"));
}

#[test]
fn long_content_is_packed_under_the_plain_name_and_read_back() {
    let place = Place::new(options().gzip_above(1_000));
    let long = version(&"a line of a long file\n".repeat(500));
    place.file.save(&long).unwrap();
    place.file.save(&version("short")).unwrap();
    let stored = place.bytes("tasks.txt.backup");
    assert!(stored.starts_with(&[0x1f, 0x8b]) && stored.len() < long.len() / 10);
    let backups = place.file.backups().unwrap();
    assert_eq!(backups[0].len_bytes(), Some(long.len() as u64));
    assert_eq!(place.file.read_backup(&backups[0]).unwrap(), long);
}

#[test]
fn content_that_is_gzip_itself_survives_a_backup() {
    let place = Place::new(options().verify(|_| Ok(())));
    let packed_by_owner = [0x1f, 0x8b, 8, 0, 1, 2, 3];
    place.file.save(&packed_by_owner).unwrap();
    place.file.save(b"plain").unwrap();
    let backups = place.file.backups().unwrap();
    assert_eq!(
        place.file.read_backup(&backups[0]).unwrap(),
        packed_by_owner
    );
}

#[test]
fn a_damaged_packed_backup_is_told_from_a_good_one() {
    let place = Place::new(options().gzip_above(10));
    for text in ["one", "two", "three"] {
        place.file.save(&version(text)).unwrap();
    }
    let mut stored = place.bytes("tasks.txt.backup");
    stored.truncate(stored.len() - 6);
    place.put("tasks.txt.backup", &stored);
    let backups = place.file.backups().unwrap();
    assert!(backups[0].damage().is_some());
    assert!(backups[1].damage().is_none());
    assert!(matches!(
        place.file.read_backup(&backups[0]),
        Err(Error::Corrupt { .. })
    ));
}

#[test]
fn a_restore_keeps_the_present_state_as_a_backup() {
    let place = Place::saved(&["1", "2", "3"]);
    let backups = place.file.backups().unwrap();
    let saved = place.file.restore(&backups[1]).unwrap();
    assert!(saved.written);
    assert_eq!(place.bytes("tasks.txt"), version("1"));
    assert_eq!(place.bytes("tasks.txt.backup"), version("3"));
}

#[test]
fn a_backup_is_found_again_after_a_rotation_and_reported_when_gone() {
    let place = Place::saved(&["1", "2"]);
    let listed = place.file.backups().unwrap();
    for text in ["3", "4"] {
        place.file.save(&version(text)).unwrap();
    }
    assert_eq!(place.file.read_backup(&listed[0]).unwrap(), version("1"));
    place.file.save(&version("5")).unwrap();
    assert!(matches!(
        place.file.restore(&listed[0]),
        Err(Error::BackupGone { .. })
    ));
    assert_eq!(place.bytes("tasks.txt"), version("5"));
}

#[test]
fn a_backup_made_with_other_settings_is_still_found() {
    let place = Place::saved(&["1", "2", "3", "4"]);
    let fewer = SafeFile::open(place.at("tasks.txt"), options().backups(1)).unwrap();
    assert_eq!(fewer.backups().unwrap().len(), 3);
}
