//! The spool keeps every report until it is taken out, in order, whatever lies beside it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use instep_api::socket::HookReport;
use instep_app::{Places, Spool, Told};
use tempfile::TempDir;

use crate::world::mode;

fn report(id: &str, at_ms: i64) -> HookReport {
    HookReport {
        id: id.to_owned(),
        data: "/var/lib/ann/.task".to_owned(),
        command: "add".to_owned(),
        tasks: vec!["3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10".to_owned()],
        at_ms,
    }
}

fn spool() -> (TempDir, Spool) {
    let home = TempDir::new().expect("a temporary directory");
    let spool = Spool::of(&Places::under(home.path()));
    (home, spool)
}

fn names(spool: &Spool) -> Vec<OsString> {
    spool.list().expect("the spool can be listed")
}

/// All that waits, taken out.
fn drain(spool: &Spool) -> Vec<Told> {
    let names = names(spool);
    let read = names.iter().filter_map(|name| spool.read(name));
    let told = read.map(|spooled| {
        spool.remove(&spooled).expect("it can be removed");
        spooled.told
    });
    told.collect()
}

fn place(spool: &Spool, name: &str, bytes: &[u8]) -> PathBuf {
    let path = spool.dir().join(name);
    fs::write(&path, bytes).expect("a file in the spool");
    path
}

#[test]
fn reports_come_out_in_their_order_and_only_once() {
    let (_home, spool) = spool();
    assert_eq!(names(&spool), Vec::<OsString>::new());
    let reports = [
        report("b", 2000),
        report("a", 1_790_000_000_000),
        report("c", 30),
    ];
    for report in &reports {
        spool.put(report).expect("there is room");
    }
    spool.put(&reports[0]).expect("there is room");
    assert_eq!(
        names(&spool),
        [
            "0000000000030-c.json",
            "0000000002000-b.json",
            "1790000000000-a.json"
        ]
    );
    let [b, a, c] = reports.map(Told::Report);
    assert_eq!(drain(&spool), [c, b, a]);
    assert_eq!(drain(&spool), []);
}

#[test]
fn what_was_read_stays_until_it_is_removed() {
    let (_home, spool) = spool();
    spool.put(&report("a", 1)).expect("there is room");
    let name = names(&spool).remove(0);
    let first = spool.read(&name).expect("it is there");
    assert_eq!(spool.read(&name).as_ref(), Some(&first));
    spool.remove(&first).expect("it can be removed");
    spool.remove(&first).expect("it is gone already");
    assert_eq!(spool.read(&name), None);
}

#[test]
fn nobody_else_can_look_in() {
    let (_home, spool) = spool();
    spool.put(&report("a", 1)).expect("there is room");
    assert_eq!(mode(spool.dir()), 0o700);
    assert_eq!(mode(&spool.dir().join("0000000000001-a.json")), 0o600);
}

#[test]
fn what_cannot_be_read_is_kept_aside_and_means_everything() {
    let (home, spool) = spool();
    spool.put(&report("a", 1)).expect("there is room");
    let whole = fs::read(spool.dir().join("0000000000001-a.json")).expect("the report");
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        let path = place(&spool, "0000000000002-b.json", &whole[..cut]);
        let told = drain(&spool);
        assert!(told.contains(&Told::Everything), "{cut}: {told:?}");
        assert!(!path.exists());
        assert!(spool.dir().join("bad/0000000000002-b.json").exists());
    }
    place(&spool, "notes.txt", b"mine");
    place(&spool, "0000000000003-c.json", &vec![b' '; (1 << 20) + 1]);
    fs::create_dir(spool.dir().join("0000000000004-d.json")).expect("a directory");
    symlink(home.path(), spool.dir().join("0000000000005-e.json")).expect("a link");
    symlink("/nowhere", spool.dir().join("0000000000006-f.json")).expect("a link");
    assert_eq!(drain(&spool), vec![Told::Everything; 5]);
    assert_eq!(names(&spool), Vec::<OsString>::new());
    let bad = fs::read_dir(spool.dir().join("bad")).expect("the directory");
    assert_eq!(bad.count(), 6);
    assert_eq!(mode(&spool.dir().join("bad")), 0o700);
}

#[test]
fn the_heap_of_unreadable_files_does_not_grow_for_ever() {
    let (_home, spool) = spool();
    spool.put(&report("a", 1)).expect("there is room");
    for number in 0..150 {
        place(&spool, &format!("x{number}"), b"");
    }
    assert_eq!(drain(&spool).len(), 151);
    let bad = fs::read_dir(spool.dir().join("bad")).expect("the directory");
    assert_eq!(bad.count(), 100);
    assert_eq!(names(&spool), Vec::<OsString>::new());
}

#[test]
fn half_written_files_go_once_their_writer_must_be_dead() {
    let (_home, spool) = spool();
    spool.put(&report("a", 1)).expect("there is room");
    let fresh = place(&spool, ".fresh.tmp", b"{");
    let dead = place(&spool, ".dead.tmp", b"{");
    let of = |age: u64| SystemTime::now() - Duration::from_secs(age);
    let file = fs::File::options()
        .write(true)
        .open(&dead)
        .expect("the file");
    file.set_modified(of(61)).expect("its time can be set");
    assert_eq!(names(&spool), ["0000000000001-a.json"]);
    assert!(fresh.exists() && !dead.exists());
}

/// Beyond the limit one file says "everything", however many reports find no room; taking it out
/// makes room for another, never for a lost one.
#[test]
fn a_full_spool_says_everything() {
    let (_home, spool) = spool();
    spool.put(&report("a", 1)).expect("there is room");
    for number in 0..9999 {
        place(&spool, &format!("{number:013}-x.json"), b"");
    }
    for id in ["b", "c"] {
        spool.put(&report(id, 5)).expect("there is room");
    }
    assert!(spool.dir().join("everything").exists());
    let listed = names(&spool);
    assert_eq!(listed.len(), 10_001);
    assert!(!spool.dir().join("everything").exists());
    let last = spool.read(&listed[10_000]).expect("it is there");
    assert_eq!(last.told, Told::Everything);
    spool.put(&report("d", 6)).expect("there is room");
    spool.remove(&last).expect("it can be removed");
    assert!(spool.dir().join("everything").exists());
}

#[test]
fn where_nothing_can_be_written_nothing_is_left() {
    let (home, spool) = spool();
    let data = home.path().join(".local/share/instep");
    fs::create_dir_all(data.parent().expect("a directory")).expect("a directory");
    fs::write(&data, "a file where the directory should be").expect("a file");
    assert!(spool.put(&report("a", 1)).is_err());
    assert!(spool.list().is_err() || names(&spool).is_empty());
}

#[tokio::test]
async fn who_watches_hears_of_what_is_put_there_and_of_its_end() {
    const LONG: Duration = Duration::from_secs(10);
    let (_home, spool) = spool();
    let watch = spool.watch().expect("it can be watched");
    let heard = || tokio::time::timeout(LONG, watch.changed());
    for id in ["a", "b"] {
        spool.put(&report(id, 1)).expect("it can be stored");
        heard().await.expect("it is told of a report");
    }
    assert!(!watch.is_over());
    fs::remove_dir_all(spool.dir()).expect("it can be removed");
    while !watch.is_over() {
        heard().await.expect("it is told of the end");
    }
    let again = spool.watch().expect("it can be watched anew");
    spool.put(&report("c", 1)).expect("it can be stored");
    let heard = tokio::time::timeout(LONG, again.changed()).await;
    heard.expect("it is told of a report");
}
