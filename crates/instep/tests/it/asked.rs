//! What a person at a terminal is asked, and what becomes of an answer that cannot be used. The
//! terminal is one that `script` makes.

use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::home::{Home, TWO_TASKS, checker};
use crate::serving::program;

/// A person in front of a program on a terminal.
struct Person {
    child: Child,
    keys: ChildStdin,
    screen: BufReader<ChildStdout>,
    seen: String,
}

impl Person {
    /// Sits down; `None` where no terminal can be made.
    fn at(home: &Home, command: &str) -> Option<Self> {
        let script = checker("script")?;
        let line = format!("{} {command}", program().display());
        // A question that never comes is not waited for without end.
        let mut terminal = home.command("timeout".as_ref());
        terminal
            .arg("60")
            .arg(script)
            .args(["-qefc", &line, "/dev/null"]);
        terminal.env("TERM", "xterm").env("SHELL", "/bin/sh");
        terminal.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = terminal.spawn().expect("a terminal");
        let keys = child.stdin.take().expect("a keyboard");
        let screen = BufReader::new(child.stdout.take().expect("a screen"));
        let seen = String::new();
        Some(Self {
            child,
            keys,
            screen,
            seen,
        })
    }

    /// Waits until this stands on the screen, types an answer, and returns what was there before.
    fn answers(&mut self, question: &str, answer: &str) -> String {
        let prompt = format!("{question}: ");
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            // Below what was said before; what is typed is drawn again in the same line.
            if text
                .strip_suffix(&prompt)
                .is_some_and(|before| before.is_empty() || before.ends_with('\n'))
            {
                self.seen.push_str(&text);
                self.keys
                    .write_all(format!("{answer}\r").as_bytes())
                    .expect("typed");
                return text;
            }
            let mut byte = [0];
            let read = self.screen.read(&mut byte).expect("the screen");
            assert_eq!(read, 1, "no more is asked: {}{text}", self.seen);
            bytes.push(byte[0]);
        }
    }

    /// All that comes after the last answer, and how the program ends.
    fn leaves(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.screen.read_to_string(&mut rest).expect("the screen");
        (rest, self.child.wait().expect("it ended").code())
    }
}

const ADDRESS: &str = "Address of your Vikunja server (empty for none)";
const TOKEN: &str = "File that holds your API token, readable by you alone (empty to go back)";
const FILE: &str = "Path of a task file, such as ~/tasks.json (empty for none)";

#[test]
fn an_answer_that_cannot_be_used_is_told_at_once_and_asked_again() {
    let home = Home::new();
    home.write("tasks.json", TWO_TASKS);
    home.write("broken.json", "[{");
    home.write("open", "tk_0000000000000000000000000000000000000000");
    home.secret("token", "tk_0000000000000000000000000000000000000000");
    let Some(mut person) = Person::at(&home, "init --no-service") else {
        return;
    };
    let says = |shown: String, words: &str| assert!(shown.contains(words), "{words}: {shown}");
    person.answers(ADDRESS, "vikunja");
    says(
        person.answers(ADDRESS, "http://127.0.0.1:1"),
        "is not the address of a Vikunja server",
    );
    person.answers(TOKEN, "~/open");
    says(person.answers(TOKEN, "~/nowhere"), "open to others");
    says(person.answers(TOKEN, "~/token"), "cannot be read");
    // Both may be right by themselves: nobody answers there.
    says(person.answers(ADDRESS, ""), "could not be reached");
    person.answers(FILE, "broken.json");
    says(person.answers(FILE, "tasks.json"), "broken.json");
    let (rest, code) = person.leaves();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains("2 tasks"), "{rest}");
    let listed = home.good(&["account", "list"]).stdout;
    assert!(listed.contains("tasks.json"), "{listed}");
    assert!(!listed.contains("broken"), "{listed}");
}
