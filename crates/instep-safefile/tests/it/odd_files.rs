//! Things in the place of a file, strange names, and disks that refuse.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use instep_safefile::{Error, SafeFile};

use crate::{Place, options, skipped, version};

/// Reading and saving `name` must both be refused as "not a file".
fn check_no_file(place: &Place, name: &str) {
    let file = SafeFile::open(place.at(name), options()).unwrap();
    for outcome in [file.read().map(drop), file.save(&version("1")).map(drop)] {
        assert!(
            matches!(outcome, Err(Error::NotAFile { .. })),
            "{name}: {outcome:?}"
        );
    }
}

#[test]
fn a_directory_a_pipe_and_a_loop_are_no_files() {
    let place = Place::new(options());
    fs::create_dir(place.at("directory")).unwrap();
    let pipe = place.at("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
    symlink("loop-b", place.at("loop-a")).unwrap();
    symlink("loop-a", place.at("loop-b")).unwrap();
    for name in ["directory", "pipe", "loop-a"] {
        check_no_file(&place, name);
    }
    assert!(matches!(
        SafeFile::open("/", options()),
        Err(Error::NotAFile { .. })
    ));
}

#[test]
fn a_path_below_a_file_is_no_file() {
    let place = Place::saved(&["1"]);
    check_no_file(&place, "tasks.txt/below");
}

#[test]
fn a_dangling_link_is_missing_and_its_target_can_be_created() {
    let place = Place::new(options());
    symlink("target.txt", place.at("link.txt")).unwrap();
    let file = SafeFile::open(place.at("link.txt"), options()).unwrap();
    assert!(matches!(file.read(), Err(Error::Missing { .. })));
    file.save(&version("1")).unwrap();
    assert_eq!(place.bytes("target.txt"), version("1"));
    assert!(
        fs::symlink_metadata(place.at("link.txt"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn a_dangling_link_to_an_absent_drive_is_unreachable() {
    let place = Place::new(options());
    symlink("absent/target.txt", place.at("link.txt")).unwrap();
    let file = SafeFile::open(place.at("link.txt"), options()).unwrap();
    assert!(matches!(
        file.save(&version("1")),
        Err(Error::Unreachable { .. })
    ));
}

#[test]
fn strange_names_work_with_backups_and_recovery() {
    let (long, wide) = ("n".repeat(255), "ü".repeat(127));
    let names: [&OsStr; 5] = [
        OsStr::new("two\nlines"),
        OsStr::new(&long),
        OsStr::new(&wide),
        OsStr::from_bytes(b"no\xfftext"),
        OsStr::new("-rf"),
    ];
    for name in names {
        let place = Place::new(options());
        let path = place.dir.path().join(name);
        let file = SafeFile::open(&path, options()).unwrap();
        for text in ["1", "2", "3", "4", "5"] {
            file.save(&version(text)).unwrap();
        }
        assert_eq!(file.backups().unwrap().len(), 3, "{name:?}");
        fs::write(&path, b"torn").unwrap();
        assert_eq!(file.read().unwrap().bytes, version("4"), "{name:?}");
    }
}

#[test]
fn a_path_longer_than_the_system_takes_is_an_error() {
    let place = Place::new(options());
    let path = place.dir.path().join("d/".repeat(4_000)).join("tasks.txt");
    let file = SafeFile::open(path, options()).unwrap();
    assert!(file.read().is_err() && file.save(&version("1")).is_err());
}

#[test]
fn a_file_over_the_limit_is_refused_unread() {
    let place = Place::new(options().max_bytes(100));
    place.put("tasks.txt", &version(&"x".repeat(200)));
    assert!(matches!(
        place.file.read(),
        Err(Error::TooLarge {
            limit_bytes: 100,
            ..
        })
    ));
    assert!(matches!(
        place.file.save(&version("1")),
        Err(Error::TooLarge { .. })
    ));
}

#[test]
fn content_over_the_limit_is_not_saved() {
    let place = Place::new(options().max_bytes(100));
    place.file.save(&version("1")).unwrap();
    let refused = place.file.save(&version(&"x".repeat(200)));
    assert!(
        matches!(refused, Err(Error::TooLarge { .. })),
        "{refused:?}"
    );
    assert_eq!(place.file.read().unwrap().bytes, version("1"));
}

#[test]
fn a_lone_empty_file_is_damaged_and_left_alone() {
    let place = Place::new(options());
    place.put("tasks.txt", b"");
    assert!(matches!(place.file.read(), Err(Error::Corrupt { .. })));
    assert!(matches!(
        place.file.save(&version("1")),
        Err(Error::Corrupt { .. })
    ));
    assert_eq!(place.bytes("tasks.txt"), b"");
}

#[test]
fn a_read_only_directory_can_be_read_and_refuses_a_save() {
    let place = Place::saved(&["1"]);
    fs::remove_file(place.at("tasks.txt.lock")).unwrap();
    let dir = place.dir.path();
    fs::set_permissions(dir, Permissions::from_mode(0o500)).unwrap();
    // The superuser may write everywhere: for it the directory is made immutable.
    let free = fs::write(place.at("probe"), b"").is_ok();
    let _ = fs::remove_file(place.at("probe"));
    let immutable = free && chattr("+i", dir);
    if free && !immutable {
        return skipped("a read-only directory: this user may write everywhere");
    }
    let (read, saved) = (place.file.read(), place.file.save(&version("2")));
    if immutable {
        chattr("-i", dir);
    }
    fs::set_permissions(dir, Permissions::from_mode(0o700)).unwrap();
    assert_eq!(read.unwrap().bytes, version("1"));
    assert!(
        matches!(saved, Err(Error::PermissionDenied { .. })),
        "{saved:?}"
    );
    assert_eq!(place.names(), ["tasks.txt"]);
}

fn chattr(change: &str, dir: &std::path::Path) -> bool {
    let status = Command::new("chattr").arg(change).arg(dir).status();
    status.is_ok_and(|status| status.success())
}

/// A file system of 128 KiB for as long as it lives.
struct TinyDisk(tempfile::TempDir);

impl TinyDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().ok()?;
        let mut command = Command::new("mount");
        command
            .args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"])
            .arg(dir.path());
        command.output().ok()?.status.success().then_some(Self(dir))
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_keeps_the_old_version_and_leaves_nothing_behind() {
    let Some(disk) = TinyDisk::mount() else {
        return skipped("a full disk: mounting one is not permitted");
    };
    let path = disk.0.path().join("tasks.txt");
    let file = SafeFile::open(&path, options()).unwrap();
    file.save(&version("1")).unwrap();
    let refused = file.save(&version(&"x".repeat(200_000)));
    assert!(
        matches!(refused, Err(Error::DiskFull { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read(&path).unwrap(), version("1"));
    assert_eq!(crate::names_in(disk.0.path()), ["tasks.txt"]);

    // Room for the new version, but not for the backup of the old one as well.
    file.save(&version(&"x".repeat(50_000))).unwrap();
    let refused = file.save(&version(&"y".repeat(50_000)));
    assert!(
        matches!(refused, Err(Error::DiskFull { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read(&path).unwrap(), version(&"x".repeat(50_000)));
    assert_eq!(
        crate::names_in(disk.0.path()),
        ["tasks.txt", "tasks.txt.backup"]
    );
    file.save(&version("2")).unwrap();
}
