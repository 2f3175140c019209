//! The hook's file: put in place, told of, mended and taken away, and nobody else's touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use expect_test::{Expect, expect};

use crate::home::Home;
use crate::hook::{places, spooled};

const FILE: &str = ".task/hooks/on-exit-instep";

/// What the hook carries.
const CONF: &str = ".task/hooks/instep-hook.conf";

fn with_hook() -> Home {
    let home = Home::new();
    home.good(&["init", "--yes"]);
    home
}

/// The names of the hooks and of what lies beside them.
fn names(home: &Home) -> Vec<String> {
    let found = fs::read_dir(home.path(".task/hooks")).expect("a directory");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> = found.map(|entry| name(entry.expect("an entry"))).collect();
    names.sort();
    names
}

fn state(home: &Home) -> String {
    let reply = home.instep(&["hook", "status", "--json"]).json();
    let state = reply["accounts"][0]["state"].as_str();
    state.expect("a state").to_owned()
}

/// What `doctor` finds about the hook, and the command that mends it.
fn found(home: &Home) -> String {
    let reply = home.instep(&["doctor", "--offline", "--json"]).json();
    let checks = reply["checks"].as_array().expect("checks").iter();
    let mut hook = checks.filter(|check| check["id"] == "account.tw.hook");
    let check = hook.next().expect("a check of the hook");
    let text = |key: &str| check[key].as_str().unwrap_or_default();
    format!("{} {}", text("status"), text("fix"))
        .trim_end()
        .to_owned()
}

fn check(home: &Home, args: &[&str], expected: &Expect) {
    let program = assert_cmd::cargo::cargo_bin("instep");
    let whole = home.instep(args).whole();
    expected.assert_eq(&whole.replace(&program.display().to_string(), "INSTEP"));
}

fn set_mode(home: &Home, mode: u32) {
    let mode = fs::Permissions::from_mode(mode);
    fs::set_permissions(home.path(FILE), mode).expect("its mode can be set");
}

#[test]
fn it_is_put_in_place_once() {
    let home = Home::new();
    home.good(&["init", "--yes", "--no-hook"]);
    check(
        &home,
        &["hook", "status"],
        &expect![[r#"
        exit 0
        stdout:
        ! tw   no hook, so changes are found by looking instead of being told at once
                 → instep hook install tw
    "#]],
    );
    check(
        &home,
        &["hook", "install"],
        &expect![[r#"
        exit 0
        stdout:
        ✓ tw   hook installed
               ~/.task/hooks/on-exit-instep
    "#]],
    );
    check(
        &home,
        &["hook", "install"],
        &expect![[r#"
        exit 0
        stdout:
        ✓ tw   hook installed
               ~/.task/hooks/on-exit-instep
    "#]],
    );
    let mode = |name: &str| {
        let found = fs::metadata(home.path(name)).expect("a file");
        found.permissions().mode() & 0o777
    };
    assert_eq!((mode(FILE), mode(CONF)), (0o755, 0o644));
    assert_eq!(names(&home), ["instep-hook.conf", "on-exit-instep"]);
    assert_eq!(state(&home), "installed");
}

#[test]
fn it_is_taken_away_once() {
    let home = with_hook();
    check(
        &home,
        &["hook", "status", "tw"],
        &expect![[r#"
        exit 0
        stdout:
        ✓ tw   hook installed
               ~/.task/hooks/on-exit-instep
    "#]],
    );
    check(
        &home,
        &["hook", "uninstall"],
        &expect![[r#"
            exit 0
            stdout:
            - tw   the hook is gone
        "#]],
    );
    check(
        &home,
        &["hook", "uninstall"],
        &expect![[r#"
            exit 0
            stdout:
            - tw   there is no hook
        "#]],
    );
    assert_eq!(names(&home), Vec::<String>::new());
}

#[test]
fn it_is_the_program_itself_and_finds_this_instance_from_anywhere() {
    let home = with_hook();
    let program = assert_cmd::cargo::cargo_bin("instep-hook");
    let same = fs::read(home.path(FILE)).ok() == fs::read(program).ok();
    assert!(same, "another program");
    let root = home.path("").display().to_string();
    expect![[r##"
        # Arguments of `on-exit-instep`, one a line; made by `instep hook install`.
        --env=HOME=~
    "##]]
    .assert_eq(&home.read(CONF).replace(root.trim_end_matches('/'), "~"));
    home.good(&["config", "check"]);
}

#[test]
fn one_that_is_old_or_broken_is_told_and_mended() {
    let home = with_hook();
    let (whole, carried) = (fs::read(home.path(FILE)).expect("a file"), home.read(CONF));
    let older = [&whole[..], b"of another version"].concat();
    fs::write(home.path(FILE), &older).expect("it can be written");
    check(
        &home,
        &["hook", "status"],
        &expect![[r#"
        exit 0
        stdout:
        ! tw   the hook is of another version, program or place
               ~/.task/hooks/on-exit-instep
                 → instep hook install tw
    "#]],
    );
    assert_eq!(found(&home), "note instep hook install tw");
    let mend = || {
        home.good(&["hook", "install"]);
        assert_eq!(state(&home), "installed");
        assert!(fs::read(home.path(FILE)).is_ok_and(|now| now == whole));
        assert_eq!(home.read(CONF), carried);
    };
    mend();
    home.write(CONF, &carried.replace("HOME=/", "HOME=/elsewhere/"));
    assert_eq!(state(&home), "outdated");
    mend();
    fs::remove_file(home.path(CONF)).expect("it can be removed");
    assert_eq!(state(&home), "outdated");
    mend();
    let script = "#!/bin/sh\n# Instep's on-exit hook: tells which tasks a command of Taskwarrior \
                  changed. Made by\n'/usr/bin/instep-hook' \"$@\"\n";
    home.write(FILE, script);
    assert_eq!(state(&home), "outdated");
    mend();
    set_mode(&home, 0o644);
    check(
        &home,
        &["hook", "status"],
        &expect![[r#"
        exit 0
        stdout:
        ! tw   Taskwarrior passes the hook over, since its file is not executable
               ~/.task/hooks/on-exit-instep
                 → chmod 755 ~/.task/hooks/on-exit-instep
    "#]],
    );
    mend();
    assert_eq!(found(&home), "ok");
    fs::remove_file(home.path(FILE)).expect("it can be removed");
    assert_eq!(found(&home), "note instep hook install tw");
}

#[test]
fn hooks_that_are_switched_off_are_told() {
    let home = with_hook();
    let taskrc = home.read(".taskrc");
    for off in ["off", "0", "no", "false", ""] {
        home.write(".taskrc", &format!("{taskrc}hooks={off}\n"));
        assert_eq!(state(&home), "hooks_off", "hooks={off}");
    }
    check(
        &home,
        &["hook", "install"],
        &expect![[r#"
        exit 0
        stdout:
        ! tw   the hook never runs: ~/.taskrc has hooks=off
               ~/.task/hooks/on-exit-instep
                 → task rc:~/.taskrc config hooks on
    "#]],
    );
    check(
        &home,
        &["init", "--yes"],
        &expect![[r#"
            exit 0
            stdout:
            ✓ config  ~/.config/instep/config.toml
            ✓ hub     ~/.local/share/instep/hub.db
              tw: the hook never runs: ~/.taskrc has hooks=off
                → task rc:~/.taskrc config hooks on
              nothing keeps this running by itself: no systemd of yours answers here
                → instep serve
            Next:
              → instep account add file --path ~/tasks.json
              → instep account add vikunja --url URL --secret-file FILE
              → instep sync -n
        "#]],
    );
    home.write(".taskrc", &format!("{taskrc}hooks=Yes\n"));
    assert_eq!(state(&home), "installed");
}

#[test]
fn a_file_that_is_not_ours_stays_as_it_is() {
    let home = with_hook();
    let mine = "#!/bin/sh\necho mine\n";
    home.write(FILE, mine);
    check(
        &home,
        &["hook", "status"],
        &expect![[r#"
        exit 0
        stdout:
        ✗ tw   ~/.task/hooks/on-exit-instep was not made by Instep
               ~/.task/hooks/on-exit-instep
                 → mv -n ~/.task/hooks/on-exit-instep ~/.task/hooks/on-exit-other && instep hook install tw
    "#]],
    );
    check(
        &home,
        &["hook", "install"],
        &expect![[r#"
        exit 1
        stderr:
        error: the hook of `tw` is left as it is
          why:  ~/.task/hooks/on-exit-instep was not made by Instep
          help: mv -n ~/.task/hooks/on-exit-instep
                ~/.task/hooks/on-exit-other && instep hook install tw
    "#]],
    );
    check(
        &home,
        &["hook", "uninstall"],
        &expect![[r#"
            exit 1
            stderr:
            error: the hook of `tw` is left as it is
              why:  ~/.task/hooks/on-exit-instep was not made by Instep
              help: cat ~/.task/hooks/on-exit-instep
        "#]],
    );
    assert_eq!(home.read(FILE), mine);
    for args in [&["init", "--yes"][..], &["doctor", "--offline"]] {
        home.instep(args);
        assert_eq!(home.read(FILE), mine);
    }
}

#[test]
fn a_file_that_lies_beside_it_and_is_not_ours_stays_as_it_is() {
    let home = with_hook();
    home.write(CONF, "mine\n");
    check(
        &home,
        &["hook", "install"],
        &expect![[r#"
        exit 1
        stderr:
        error: the hook of `tw` is left as it is
          why:  ~/.task/hooks/instep-hook.conf was not made by Instep
          help: mv -n ~/.task/hooks/instep-hook.conf
                ~/.task/hooks/other-hook.conf && instep hook install tw
    "#]],
    );
    assert_eq!(state(&home), "foreign");
    assert_eq!(home.read(CONF), "mine\n");
    home.good(&["hook", "uninstall"]);
    assert_eq!(names(&home), ["instep-hook.conf"]);
    let refused = home.instep(&["hook", "install"]);
    assert_eq!(refused.code, 1, "{}", refused.whole());
    assert_eq!(names(&home), ["instep-hook.conf"]);
    assert_eq!(home.read(CONF), "mine\n");
}

#[test]
fn whichever_of_the_two_is_left_is_taken_away() {
    for left in [FILE, CONF] {
        let home = with_hook();
        let gone = if left == FILE { CONF } else { FILE };
        fs::remove_file(home.path(gone)).expect("it can be removed");
        home.good(&["hook", "uninstall"]);
        assert_eq!(names(&home), Vec::<String>::new(), "{left}");
    }
}

/// What is open to be written cannot be run.
#[test]
fn it_can_be_exchanged_while_commands_run() {
    for major in [2, 3] {
        let home = Home::with_taskwarrior(major);
        home.good(&["init", "--yes"]);
        let whole = fs::read(home.path(FILE)).expect("a file");
        std::thread::scope(|scope| {
            let exchange = scope.spawn(|| {
                for _ in 0..20 {
                    let other = home.path(".task/hooks/other");
                    fs::write(&other, [&whole[..], b"older"].concat()).expect("it can be written");
                    let mode = fs::Permissions::from_mode(0o755);
                    fs::set_permissions(&other, mode).expect("its mode can be set");
                    fs::rename(&other, home.path(FILE)).expect("it can be renamed");
                    home.good(&["hook", "install"]);
                }
            });
            for number in 0.. {
                let mut command = home.task_command();
                let added = command.args(["add", &format!("Task {number}")]).output();
                let added = added.expect("it runs");
                assert!(
                    added.status.success() && added.stderr.is_empty(),
                    "{added:?}"
                );
                if exchange.is_finished() {
                    break;
                }
            }
        });
    }
}

/// What an installation would need is not needed to take a hook away.
#[test]
fn it_is_taken_away_whatever_became_of_the_program() {
    let home = with_hook();
    let program = home.path("instep");
    let built = assert_cmd::cargo::cargo_bin("instep");
    fs::hard_link(&built, &program)
        .or_else(|_| fs::copy(&built, &program).map(drop))
        .expect("a program");
    fs::create_dir(home.path("instep-hook")).expect("a directory");
    let run = |act: &str| {
        let ended = home.command(&program).args(["hook", act]).output();
        let ended = ended.expect("it runs");
        (
            ended.status.code(),
            String::from_utf8_lossy(&ended.stderr).into_owned(),
        )
    };
    let (code, told) = run("install");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("instep-hook: Is a directory"), "{told}");
    assert_eq!(run("uninstall"), (Some(0), String::new()));
    assert_eq!(names(&home), Vec::<String>::new());
}

#[test]
fn a_link_belongs_to_what_made_it() {
    let home = with_hook();
    fs::rename(home.path(FILE), home.path("kept")).expect("it can be renamed");
    symlink(home.path("kept"), home.path(FILE)).expect("a link");
    let mut kept = fs::read(home.path("kept")).expect("a file");
    kept.extend_from_slice(b"managed");
    fs::write(home.path("kept"), kept).expect("it can be written");
    assert_eq!(state(&home), "installed");
    home.good(&["hook", "install"]);
    check(
        &home,
        &["hook", "uninstall"],
        &expect![[r#"
        exit 1
        stderr:
        error: the hook of `tw` is left as it is
          why:  ~/.task/hooks/on-exit-instep is a link that something else
                looks after
          help: ls -l ~/.task/hooks/on-exit-instep
    "#]],
    );
    assert!(
        fs::symlink_metadata(home.path(FILE))
            .expect("a link")
            .is_symlink()
    );
}

#[test]
fn other_hooks_are_left_alone() {
    let home = Home::new();
    fs::create_dir_all(home.path(".task/hooks")).expect("a directory");
    let names = [
        "on-exit",
        "on-exit-instep.mine",
        "on-add-instep",
        "on-exit-zzz",
    ];
    let text = |name: &str| home.read(&format!(".task/hooks/{name}"));
    for name in names {
        home.write(&format!(".task/hooks/{name}"), name);
    }
    home.good(&["init", "--yes"]);
    home.good(&["hook", "uninstall"]);
    for name in names {
        assert_eq!(text(name), name);
    }
}

#[test]
fn several_databases_have_a_hook_each_wherever_they_keep_them() {
    for major in [2, 3] {
        let home = Home::with_taskwarrior(major);
        let (data, hooks) = (home.path("work data"), home.path("it's work's hooks"));
        let taskrc = format!(
            "confirmation=off\nverbose=nothing\ndata.location={}\nhooks.location={}\n",
            data.display(),
            hooks.display()
        );
        home.write("workrc", &taskrc);
        home.good(&["init", "--yes", "--no-hook"]);
        let added = home.good(&[
            "account",
            "add",
            "taskwarrior",
            "--name",
            "work",
            "--taskrc",
            "workrc",
        ]);
        assert!(
            added.stdout.contains("instep hook install work"),
            "{}",
            added.whole()
        );
        home.good(&["hook", "install", "work"]);
        assert!(hooks.join("on-exit-instep").exists() && !home.path(FILE).exists());
        home.good(&["hook", "install"]);
        assert!(home.path(FILE).exists());
        home.task(&["add", "At home"]);
        let workrc = format!("rc:{}", home.path("workrc").display());
        home.task(&[&workrc, "add", "At work"]);
        let mut reports = spooled(&home);
        reports.sort_by_key(|report| report.data.clone());
        let told: Vec<&str> = reports.iter().map(|report| &*report.data).collect();
        let (first, second) = (home.path(".task"), data);
        assert_eq!(
            told,
            [first.display().to_string(), second.display().to_string()]
        );
        home.good(&["hook", "uninstall", "tw"]);
        assert!(hooks.join("on-exit-instep").exists() && !home.path(FILE).exists());
    }
}

#[test]
fn a_place_of_ones_own_is_carried_in_the_hook() {
    for major in [2, 3] {
        let home = Home::with_taskwarrior(major);
        let at = |name: &str| home.path(name).display().to_string();
        let (data, runtime) = (at("my data's"), at("run"));
        fs::create_dir(home.path("run")).expect("a directory");
        let env = [("XDG_DATA_HOME", &*data), ("XDG_RUNTIME_DIR", &*runtime)];
        let ended = home.instep_with(&["--config", "my.toml", "init", "--yes"], &env);
        assert_eq!(ended.code, 0, "{}", ended.whole());
        home.task(&["add", "Anywhere"]);
        let spool = home.path("my data's/instep/spool");
        assert_eq!(fs::read_dir(spool).expect("a spool").count(), 1);
        assert!(!places(&home).data().exists());
        let carried = home.read(CONF);
        let carried: Vec<&str> = carried.lines().collect();
        for argument in [
            format!("--env=XDG_RUNTIME_DIR={runtime}"),
            format!("--config={}", at("my.toml")),
        ] {
            assert!(carried.contains(&&*argument), "{carried:?}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_said() {
    let home = Home::with_two_accounts();
    check(
        &home,
        &["hook", "install", "file"],
        &expect![[r#"
        exit 2
        stderr:
        error: `file` has no hook
          why:  only Taskwarrior accounts have one
          help: instep hook status
    "#]],
    );
    check(
        &home,
        &["hook", "install", "nobody"],
        &expect![[r#"
        exit 2
        stderr:
        error: there is no account `nobody`
          why:  there are tw, file
          help: instep account list
    "#]],
    );
    let taskrc = home.read(".taskrc");
    home.write(".taskrc", &format!("{taskrc}hooks.location=hooks\n"));
    check(
        &home,
        &["hook", "status"],
        &expect![[r#"
        exit 7
        stderr:
        error: `tw` is not set up right
          why:  Taskwarrior looks for hooks in `hooks` below wherever it is started
          help: make it a whole path: task rc:~/.taskrc config
                hooks.location DIRECTORY
    "#]],
    );
    home.write(".taskrc", &taskrc);
    home.good(&["account", "remove", "tw"]);
    check(
        &home,
        &["hook", "status"],
        &expect![[r#"
        exit 2
        stderr:
        error: there is no hook to speak of
          why:  there is no Taskwarrior account
          help: instep account add taskwarrior
    "#]],
    );
}
