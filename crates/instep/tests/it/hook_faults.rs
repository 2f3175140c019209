//! Whatever is wrong with the daemon, the disk or the program: `task` does not notice, and what
//! changed is in the spool once.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::thread::spawn;
use std::time::{Duration, Instant};

use instep_api::socket::{Said, frame};
use instep_api::{Exit, Failure};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::home::Home;
use crate::hook::{LINE, call, check_silent, listen, places, socket, spooled};

/// Far more than the hook waits, and far less than for ever.
const LONG: Duration = Duration::from_secs(5);

/// Wants a report to be in the spool once, however the daemon of this home behaves.
fn check(home: &Home, what: &str) {
    let began = Instant::now();
    check_silent(&call(home, LINE, &[]), what);
    assert!(began.elapsed() < LONG, "{what}: {:?}", began.elapsed());
    assert_eq!(spooled(home).len(), 1, "{what}");
}

/// A daemon that reads what comes and then does this; it ends with the test.
fn answering(home: &Home, answer: impl Fn(&mut UnixStream) + Send + 'static) {
    let listener = listen(home, 0);
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut header = [0; 4];
            let mut body = Vec::new();
            if stream.read_exact(&mut header).is_ok() {
                let length = u64::from(u32::from_be_bytes(header));
                let _ = (&stream).take(length).read_to_end(&mut body);
                answer(&mut stream);
            }
        }
    });
}

#[test]
fn answers_that_are_not_the_right_one_leave_the_report_in_the_spool() {
    let refusal = Failure::new(
        Exit::Failed,
        "protocol",
        "it speaks 0",
        "it is older",
        "update it",
    );
    let refusal = frame(&Said::Failure(refusal), 10_000).expect("a frame");
    let accepted = frame(&Said::Accepted, 100).expect("a frame");
    let answers: [(&str, Vec<u8>); 8] = [
        ("nothing", Vec::new()),
        ("half a header", vec![0, 0]),
        ("half a frame", accepted[..accepted.len() - 1].to_vec()),
        (
            "a frame without an end",
            b"\xff\xff\xff\xff\"accepted\"".to_vec(),
        ),
        ("no JSON", b"\0\0\0\x02hi".to_vec()),
        ("another answer", b"\0\0\0\x08\"nobody\"".to_vec()),
        ("HTML", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("an older protocol", refusal),
    ];
    for (what, bytes) in answers {
        let home = Home::new();
        answering(&home, move |stream| {
            let _ = stream.write_all(&bytes);
        });
        check(&home, what);
    }
}

#[test]
fn a_daemon_that_hangs_holds_nobody() {
    let home = Home::new();
    let hung = listen(&home, 0);
    check(&home, "it never accepts");
    let held = spawn(move || {
        let taken: Vec<UnixStream> = hung.incoming().take(2).flatten().collect();
        (hung, taken)
    });
    check(&home, "it accepts and never reads");
    drop(held.join());

    let home = Home::new();
    answering(&home, |stream| {
        // One byte at a time, each within the time that one may take.
        for byte in frame(&Said::Accepted, 100).expect("a frame") {
            std::thread::park_timeout(Duration::from_millis(15));
            let _ = stream.write_all(&[byte]);
        }
    });
    check(&home, "it drips");
}

/// Where as many wait as the system lets wait, connecting itself would wait for ever.
#[test]
fn a_daemon_with_a_full_queue_holds_nobody() {
    let home = Home::new();
    let path = socket(&home, 0);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    let address = SocketAddrUnix::new(&path).expect("a short path");
    let of = |flags| -> OwnedFd {
        let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
        rustix::net::socket_with(family, kind, flags, None).expect("a socket")
    };
    let listener = of(SocketFlags::CLOEXEC);
    rustix::net::bind(&listener, &address).expect("a name");
    rustix::net::listen(&listener, 0).expect("a queue");
    let mut waiting = Vec::new();
    while waiting.len() < 1000 {
        let socket = of(SocketFlags::NONBLOCK | SocketFlags::CLOEXEC);
        if rustix::net::connect(&socket, &address).is_err() {
            break;
        }
        waiting.push(socket);
    }
    assert!(waiting.len() < 1000, "the queue has no end");
    check(&home, "its queue is full");
}

#[test]
fn what_others_may_have_put_there_is_not_trusted() {
    let silent = |home: &Home, what: &str, listener: &UnixListener| {
        listener.set_nonblocking(true).expect("a flag");
        check(home, what);
        let called = listener.accept().map(drop).map_err(|error| error.kind());
        assert_eq!(called, Err(ErrorKind::WouldBlock), "{what}");
    };
    let home = Home::new();
    let listener = listen(&home, 0);
    let dir = places(&home).runtime();
    let open = |mode| fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).expect("a mode");
    open(0o777);
    silent(&home, "anybody may write to the directory", &listener);
    open(0o700);
    let own = socket(&home, 0);
    fs::rename(&own, dir.join("elsewhere")).expect("it can be renamed");
    symlink(dir.join("elsewhere"), &own).expect("a link");
    silent(&home, "it is a link", &listener);
    fs::remove_file(&own).expect("it can be removed");
    fs::write(&own, "").expect("a file");
    fs::create_dir(socket(&home, 1)).expect("a directory");
    silent(&home, "it is no socket", &listener);
}

/// A Taskwarrior with a hook of programs that can be harmed: of both, or of the whole one alone.
fn with_programs(major: u32, names: &[&str]) -> Home {
    let home = Home::with_taskwarrior(major);
    for name in names {
        let program = home.path("programs").join(name);
        let built = assert_cmd::cargo::cargo_bin(name);
        let linked =
            fs::hard_link(&built, &program).or_else(|_| fs::copy(&built, &program).map(drop));
        linked.expect("a program");
    }
    let program = home.path("programs/instep");
    let init = home.command(&program).args(["init", "--yes"]).output();
    assert!(init.expect("it runs").status.success());
    home
}

/// Both forms of a hook: a program, and a shell that calls one.
const FORMS: [&[&str]; 2] = [&["instep", "instep-hook"], &["instep"]];

fn add(home: &Home, what: &str) -> Output {
    let mut command = home.task_command();
    let output = command.args(["add", what]).output().expect("it runs");
    check_silent(&output, what);
    output
}

/// What stands in the place of the program.
fn put(program: &Path, text: Option<&str>, mode: u32) {
    let _ = fs::remove_file(program);
    if let Some(text) = text {
        fs::write(program, text).expect("a file");
        fs::set_permissions(program, fs::Permissions::from_mode(mode)).expect("a mode");
    }
}

#[test]
fn whatever_became_of_the_programs_task_goes_on() {
    for (major, names) in [2, 3]
        .into_iter()
        .flat_map(|major| FORMS.map(|form| (major, form)))
    {
        let home = with_programs(major, names);
        let programs: Vec<PathBuf> = names
            .iter()
            .map(|name| home.path("programs").join(name))
            .collect();
        add(&home, "Before");
        assert_eq!(spooled(&home).len(), 1);
        let check = |what: &str| {
            add(&home, what);
            let told = spooled(&home).len();
            // A hook that is the program needs none of those that were installed.
            assert!(told == 1 || names.len() == 1, "{what}: {told}");
        };
        for (what, text, mode) in [
            ("removed", None, 0),
            ("empty", Some(""), 0o755),
            ("not executable", Some("#!/bin/sh\n"), 0o644),
            ("no program", Some("\x7fELF\0\0\0"), 0o755),
            ("without its interpreter", Some("#!/nowhere/sh\n"), 0o755),
            (
                "noisy and failing",
                Some("#!/bin/sh\necho out\necho err >&2\nexit 7\n"),
                0o755,
            ),
            ("killed", Some("#!/bin/sh\nkill -KILL $$\n"), 0o755),
            ("aborted", Some("#!/bin/sh\nkill -ABRT $$\n"), 0o755),
            ("crashed", Some("#!/bin/sh\nkill -SEGV $$\n"), 0o755),
        ] {
            programs.iter().for_each(|program| put(program, text, mode));
            check(what);
        }
        for program in &programs {
            put(program, None, 0);
            fs::create_dir(program).expect("a directory");
        }
        check("directories");
    }
}

#[test]
fn whatever_became_of_what_the_hook_carries_task_goes_on() {
    for major in [2, 3] {
        let home = with_programs(major, FORMS[0]);
        let carried = home.path(".task/hooks/instep-hook.conf");
        let whole = fs::read(&carried).expect("a file");
        let elsewhere = format!("--env=HOME={}\n", home.path("elsewhere").display());
        let head = whole
            .iter()
            .position(|byte| *byte == b'\n')
            .expect("a line")
            + 1;
        for (what, rest) in [
            ("nothing", &b""[..]),
            ("no arguments", b"\0\xff\n--env=\n--env==\n--env=HOME\n\n"),
            ("half of it", b"--env=HO"),
            ("another place", elsewhere.as_bytes()),
            ("much", &[b'x'; 1 << 20]),
        ] {
            fs::write(&carried, [&whole[..head], rest].concat()).expect("it can be written");
            add(&home, what);
            // The environment says the same as what is lost of it.
            let told = spooled(&home).len();
            assert_eq!(told, usize::from(what != "another place"), "{what}");
        }
        fs::remove_file(&carried).expect("it can be removed");
        add(&home, "removed");
        fs::create_dir(&carried).expect("a directory");
        add(&home, "a directory");
        fs::remove_dir(&carried).expect("it can be removed");
        rustix::fs::mkfifoat(rustix::fs::CWD, &carried, rustix::fs::Mode::RWXU).expect("a pipe");
        add(&home, "a pipe without an end");
        assert_eq!(spooled(&home).len(), 3);
    }
}

#[test]
fn wherever_the_report_cannot_go_task_goes_on() {
    for major in [2, 3] {
        let home = with_programs(major, FORMS[0]);
        let data = places(&home).data().to_owned();
        let spool = data.join("spool");
        fs::write(&spool, "a file").expect("a file");
        add(&home, "a file in the place of the spool");
        fs::remove_file(&spool).expect("it can be removed");
        symlink("/proc/self", &spool).expect("a link");
        add(&home, "nothing can be written there");
        fs::remove_file(&spool).expect("it can be removed");
        fs::remove_dir_all(&data).expect("it can be removed");
        fs::write(&data, "a file").expect("a file");
        add(&home, "a file in the place of the data");
        fs::remove_file(&data).expect("it can be removed");
        add(&home, "no data at all");
        assert_eq!(spooled(&home).len(), 1);
    }
}

/// Under limits of the system, with what a shell can take away, and with bytes that are no text.
#[test]
fn the_hook_itself_ends_well_whatever_the_surroundings() {
    for (names, shells) in [(FORMS[0], &[""][..]), (FORMS[1], &["sh", "bash"])] {
        let home = with_programs(2, names);
        let hook = home.path(".task/hooks/on-exit-instep");
        let line = String::from_utf8_lossy(LINE).into_owned();
        home.write("line", &line);
        let check = |what: &str, spools: usize| {
            for shell in shells {
                let script = format!("{what} {} api:2 command:add", hook.display());
                let script = script.replace("SHELL", shell);
                let mut command = home.command(Path::new("sh"));
                let command = command.args(["-c", &script]).stdin(Stdio::null());
                check_silent(&command.output().expect("it runs"), what);
                assert_eq!(spooled(&home).len(), spools, "{what}");
                let left = fs::read_dir(places(&home).data().join("spool"));
                assert!(left.map_or(0, Iterator::count) == 0, "{what}");
            }
        };
        check("exec < line; SHELL", 1);
        check("exec < line; ulimit -f 0; SHELL", 0);
        check("exec <&-; SHELL", 0);
        check("exec < /dev/null; SHELL", 0);
        check("exec < .; SHELL", 0);
        check("exec < line; unset HOME; SHELL", 1);
        check("exec < line; HOME= XDG_DATA_HOME=relative SHELL", 1);
        check("exec < line; umask 0777; SHELL", 1);
        check("exec < line >&- 2>&-; SHELL", 1);
        // What starts in so little is one of the two.
        let starts = usize::from(names.len() == 2);
        check("exec < line; ulimit -v 12000; SHELL", starts);
    }
}
