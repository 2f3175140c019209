//! The service: its units come and go, what is not ours stays, and systemd itself has nothing to
//! say against them. A program stands in for `systemctl` where one has to answer.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect;

use crate::home::{Home, checker};

const UNITS: &str = ".config/systemd/user";

/// Answers as a systemd that reads the units of this home; remembers what it was asked for.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >> "$HOME/asked"
case "$*" in
*UnitPath*) echo "UnitPath=/etc/systemd/user $HOME/.config/systemd/user" ;;
*ExecMainStatus*) cat "$HOME/last-status" ;;
*is-active*|*is-enabled*) [ -e "$HOME/runs" ] ;;
*enable*--now*) [ -e "$HOME/last-status" ] && { echo "Job for instep.service failed." >&2; exit 1; }
    touch "$HOME/runs" ;;
esac
"#;

fn with_systemd() -> Home {
    let home = Home::with_two_accounts();
    fs::create_dir(home.path("fake")).expect("a directory");
    home.write("fake/systemctl", SYSTEMCTL);
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(home.path("fake/systemctl"), mode).expect("its mode can be set");
    home
}

/// Runs the program where `systemctl` answers; what it says, and what it asked to be done.
fn on_systemd(home: &Home, args: &[&str]) -> (String, String) {
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        home.path("fake").display()
    );
    let said = home.instep_with(args, &[("PATH", &path)]).whole();
    let asked = fs::read_to_string(home.path("asked")).unwrap_or_default();
    let _ = fs::remove_file(home.path("asked"));
    let effects = asked
        .lines()
        .filter(|line| {
            ["daemon-reload", "able", "restart"]
                .iter()
                .any(|word| line.contains(word))
        })
        .filter(|line| !line.contains("is-enabled"))
        .map(|line| format!("{line}\n"));
    (said, effects.collect())
}

fn unit(home: &Home, name: &str) -> PathBuf {
    home.path(UNITS).join(name)
}

#[test]
fn without_a_systemd_the_units_are_written_and_the_commands_are_told() {
    let home = Home::with_two_accounts();
    expect![[r#"
        exit 0
        stdout:
        ✓ instep.socket        installed
        ✓ instep.service       installed
        – instep-sync.service  missing
        – instep-sync.timer    missing
          the file of file lies in your home itself, so the service may write everything
            there; in a directory of its own it would be that directory alone
          the units are written and were not started: no systemd of yours answers here
            → systemctl --user daemon-reload && systemctl --user enable --now instep.socket instep.service
    "#]]
    .assert_eq(&home.instep(&["service", "install"]).whole());
    assert!(unit(&home, "instep.service").is_file());
    expect![[r#"
        exit 0
        stdout:
        – instep.socket        missing
        – instep.service       missing
        – instep-sync.service  missing
        – instep-sync.timer    missing
    "#]]
    .assert_eq(&home.instep(&["service", "uninstall"]).whole());
    assert!(!unit(&home, "instep.service").exists());
    let again = home.good(&["service", "uninstall"]).stdout;
    assert!(again.contains("so nothing was done"), "{again}");
    let logs = home.good(&["service", "logs"]).stdout;
    assert!(logs.contains("there is no journal to read"), "{logs}");
}

#[test]
fn it_is_started_begun_anew_and_stopped() {
    let home = with_systemd();
    let (said, asked) = on_systemd(&home, &["service", "install", "--timer"]);
    assert!(said.starts_with("exit 0"), "{said}");
    expect![[r#"
        --user daemon-reload
        --user enable --now instep.socket instep.service instep-sync.timer
    "#]]
    .assert_eq(&asked);
    let (_, asked) = on_systemd(&home, &["service", "install"]);
    expect![[r#"
        --user daemon-reload
        --user enable --now instep.socket instep.service instep-sync.timer
    "#]]
    .assert_eq(&asked);

    fs::create_dir(home.path("lists")).expect("a directory");
    home.write("lists/more.json", "[]");
    let add = [
        "account",
        "add",
        "file",
        "--name",
        "more",
        "--path",
        "lists/more.json",
    ];
    let (said, _) = on_systemd(&home, &add);
    assert!(said.contains("→ instep service install"), "{said}");
    let (said, _) = on_systemd(&home, &["doctor", "--offline"]);
    assert!(said.contains("the service was set up for"), "{said}");
    let (said, _) = on_systemd(&home, &["service", "status"]);
    expect![[r#"
        exit 0
        stdout:
        ✓ instep.socket        installed  enabled  active
        ! instep.service       outdated  enabled  active
        ! instep-sync.service  outdated  active
        ✓ instep-sync.timer    installed  enabled  active
          the service was set up for another version, or for other accounts or places
            → instep service install
    "#]]
    .assert_eq(&said);
    let (_, asked) = on_systemd(&home, &["service", "install"]);
    expect![[r#"
        --user daemon-reload
        --user enable --now instep.socket instep.service instep-sync.timer
        --user restart instep.socket instep.service instep-sync.timer
    "#]]
    .assert_eq(&asked);
    let (said, _) = on_systemd(&home, &["doctor", "--offline"]);
    assert!(said.contains("✓ service runs"), "{said}");

    let (said, asked) = on_systemd(&home, &["service", "uninstall"]);
    assert!(said.starts_with("exit 0"), "{said}");
    expect![[r#"
        --user disable --now instep.socket instep.service instep-sync.timer
        --user daemon-reload
    "#]]
    .assert_eq(&asked);
    assert_eq!(
        fs::read_dir(home.path(UNITS)).expect("a directory").count(),
        0
    );
}

#[test]
fn init_sets_it_up_where_a_systemd_answers_and_never_fails_for_it() {
    let home = with_systemd();
    let (said, asked) = on_systemd(&home, &["init", "--yes", "--no-service"]);
    assert!(
        said.starts_with("exit 0") && asked.is_empty(),
        "{said}{asked}"
    );
    let (said, asked) = on_systemd(&home, &["init", "--no-input"]);
    assert!(
        said.starts_with("exit 0") && asked.is_empty(),
        "{said}{asked}"
    );
    let (said, asked) = on_systemd(&home, &["init", "--yes"]);
    assert!(said.starts_with("exit 0"), "{said}");
    assert!(
        asked.contains("enable --now instep.socket instep.service"),
        "{asked}"
    );
    assert!(said.contains("as a service of systemd"), "{said}");

    home.write("last-status", "226");
    let (said, _) = on_systemd(&home, &["init", "--yes"]);
    assert!(said.starts_with("exit 0"), "{said}");
    assert!(
        said.contains("→ instep service install --unconfined"),
        "{said}"
    );
    fs::remove_file(home.path("last-status")).expect("a file");
    let (said, _) = on_systemd(&home, &["service", "install", "--unconfined"]);
    assert!(said.starts_with("exit 0"), "{said}");
    let (said, _) = on_systemd(&home, &["service", "status"]);
    assert!(!said.contains("outdated"), "{said}");
    let text = fs::read_to_string(unit(&home, "instep.service")).expect("a unit");
    for word in ["Protect", "Private", "Restrict", "SystemCall", "ReadWrite"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn what_is_not_ours_is_never_written_over_or_taken_away() {
    let check = |place: &dyn Fn(&Path)| {
        let home = Home::with_two_accounts();
        fs::create_dir_all(home.path(UNITS)).expect("a directory");
        let path = unit(&home, "instep.service");
        place(&path);
        let before = fs::read_to_string(&path).expect("a unit");
        let ended = home.instep(&["service", "install"]);
        assert_eq!(ended.code, 1, "{}", ended.whole());
        assert!(
            ended.stderr.contains("is not Instep's"),
            "{}",
            ended.whole()
        );
        assert!(!unit(&home, "instep.socket").exists());
        let shown = home.good(&["service", "status"]).stdout;
        assert!(
            shown.contains("! instep.service       not Instep's"),
            "{shown}"
        );
        home.good(&["service", "uninstall"]);
        assert_eq!(fs::read_to_string(&path).expect("a unit"), before);
    };
    check(&|path| fs::write(path, "[Service]\nExecStart=/bin/true\n").expect("a file"));
    check(&|path| {
        let kept = path.with_file_name("kept");
        fs::write(&kept, "# Made for Instep.\n").expect("a file");
        symlink(&kept, path).expect("a link");
    });
}

/// Paths with blanks and signs that mean something to systemd, other places than the usual ones,
/// and a program that systemd would not find.
#[test]
fn a_unit_names_what_this_home_needs() {
    let home = Home::new();
    let odd = "50% of $HOME \"x\"";
    fs::create_dir(home.path(odd)).expect("a directory");
    home.write(&format!("{odd}/tasks.json"), "[]");
    let data = home.path("share").display().to_string();
    let env = [("XDG_DATA_HOME", data.as_str()), ("VIKUNJA_TOKEN", "x")];
    let run = |args: &[&str]| {
        let ended = home.instep_with(args, &env);
        assert_eq!(ended.code, 0, "{}", ended.whole());
        ended.stdout
    };
    run(&["init", "--yes"]);
    let path = format!("{odd}/tasks.json");
    run(&["account", "add", "file", "--path", &path]);
    let config = home.read(".config/instep/config.toml");
    let vikunja = "\n[[account]]\nid = \"v\"\nname = \"v\"\nkind = \"vikunja\"\n\
                   url = \"http://127.0.0.1:9\"\nsecret = { env = \"VIKUNJA_TOKEN\" }\n";
    home.write(".config/instep/config.toml", &format!("{config}{vikunja}"));
    let text = run(&["service", "install", "--print"]);
    for line in [
        "Environment=XDG_DATA_HOME=~/share",
        "ReadWritePaths=-~/share/instep",
        "ReadWritePaths=-~/.task",
        "ReadWritePaths=\"-~/50%% of $HOME \\\"x\\\"\"",
        "ReadWritePaths=-~/.local/state/instep",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    }
    assert!(!text.contains("PrivateTmp"), "{text}");
    let said = run(&["service", "install"]);
    assert!(said.contains("is in the variable VIKUNJA_TOKEN"), "{said}");

    let job = run(&["service", "install", "--print", "--launchd"]);
    assert!(
        job.contains("<key>XDG_DATA_HOME</key>\n\t\t<string>~/share</string>"),
        "{job}"
    );
}

#[test]
fn systemd_reads_the_units_of_a_person() {
    let Some(analyze) = checker("systemd-analyze") else {
        return;
    };
    let mut command = Command::new(analyze);
    let home = Home::with_two_accounts();
    home.good(&["service", "install", "--timer"]);
    fs::create_dir(home.path("run")).expect("a directory");
    command.args(["verify", "--user", "--man=no"]);
    command.args(
        [
            "instep.service",
            "instep.socket",
            "instep-sync.service",
            "instep-sync.timer",
        ]
        .map(|name| unit(&home, name)),
    );
    command.env_clear().env("HOME", home.path("."));
    command.env("XDG_RUNTIME_DIR", home.path("run"));
    let output = command.output().expect("systemd-analyze runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !said.contains("instep"),
        "{said}"
    );
}

/// 1.5 of 10, as systemd counts: the lower, the less a service that was taken over could do.
#[test]
fn the_unit_of_the_system_is_exposed_to_little() {
    let Some(analyze) = checker("systemd-analyze") else {
        return;
    };
    let mut command = Command::new(analyze);
    let unit =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/systemd/system/instep.service");
    command.args(["security", "--offline=true", "--no-pager", "--threshold=15"]);
    let output = command.arg(unit).output().expect("systemd-analyze runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let level = said
        .lines()
        .rfind(|line| line.contains("Overall exposure level"));
    assert!(output.status.success(), "{level:?} in {said}");
}
