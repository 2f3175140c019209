//! Random histories of saves, foreign writes and damage: no torn file is ever handed out.

use std::fs;

use instep_safefile::{Error, SafeFile};
use proptest::prelude::*;

use crate::{Place, options, version, whole};

#[derive(Debug, Clone)]
enum Step {
    Save(u16),
    ForeignWrite(u16),
    /// Cuts the main file to so many bytes.
    Truncate(usize),
    /// Cuts one backup.
    TruncateBackup(usize),
    Remove,
    Restore(usize),
    /// As after the end of the program.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<u16>().prop_map(Step::Save),
        2 => any::<u16>().prop_map(Step::ForeignWrite),
        2 => (0_usize..12).prop_map(Step::Truncate),
        1 => (0_usize..3).prop_map(Step::TruncateBackup),
        1 => Just(Step::Remove),
        1 => (0_usize..3).prop_map(Step::Restore),
        1 => Just(Step::Reopen),
    ]
}

fn backup_name(number: usize) -> String {
    match number {
        0 => "tasks.txt.backup".to_owned(),
        _ => format!("tasks.txt.backup.{number}"),
    }
}

/// Plays one step. What it returns is the version that must now be read, where that is known.
fn play(place: &mut Place, step: &Step) -> Option<Vec<u8>> {
    let main = place.at("tasks.txt");
    match step {
        Step::Save(number) => {
            let content = version(&number.to_string());
            match place.file.save(&content) {
                Ok(_) => return Some(content),
                Err(Error::Corrupt { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        Step::ForeignWrite(number) => {
            let content = version(&number.to_string());
            place.put("tasks.txt", &content);
            return Some(content);
        }
        Step::Truncate(len) => cut(&main, *len),
        Step::TruncateBackup(number) => cut(&place.at(&backup_name(*number)), 3),
        Step::Remove => {
            let _ = fs::remove_file(main);
        }
        Step::Restore(number) => {
            let backups = place.file.backups().expect("a list");
            if let Some(backup) = backups
                .get(*number)
                .filter(|backup| backup.damage().is_none())
            {
                let content = place.file.read_backup(backup).expect("a verified backup");
                place.file.restore(backup).expect("a restore");
                return Some(content);
            }
        }
        Step::Reopen => place.file = SafeFile::open(main, options()).expect("a file name"),
    }
    None
}

fn cut(path: &std::path::Path, len: usize) {
    if let Ok(bytes) = fs::read(path) {
        fs::write(path, &bytes[..len.min(bytes.len())]).expect("a plain write");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_hands_out_a_torn_file(steps in prop::collection::vec(step(), 1..14)) {
        let mut place = Place::new(options());
        for step in &steps {
            let good_before = place.file.backups().expect("a list").iter()
                .filter(|backup| backup.damage().is_none()).count();
            let expected = play(&mut place, step);
            if let (Some(expected), Ok(read)) = (&expected, place.file.read()) {
                prop_assert_eq!(&read.bytes, expected, "after {:?}", step);
            }
            match place.file.read() {
                Ok(read) => prop_assert!(whole(&read.bytes).is_ok(), "torn after {:?}", step),
                Err(Error::Missing { .. } | Error::Corrupt { .. }) => prop_assert!(
                    expected.is_none() && good_before <= 1,
                    "nothing usable after {:?} with {} good backups", step, good_before
                ),
                Err(error) => panic!("{error:?}"),
            }
            let names = place.names();
            prop_assert!(!names.iter().any(|name| name.starts_with(".safefile-")), "{:?}", names);
        }
    }
}
