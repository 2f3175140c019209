//! Text from outside never moves the cursor, rings the bell or turns the line round.

use crate::home::Home;

const TITLE: &str =
    "a\u{1b}[31mred\u{1b}]0;owned\u{7}\u{202e}drow\u{2066}x\u{9b}2Jy\u{7f}z\u{feff}";

fn is_unsafe(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}')
}

#[test]
fn no_command_lets_control_characters_through() {
    let home = Home::with_two_accounts();
    let title = serde_json::to_string(TITLE).expect("a text");
    home.write("tasks.json", &format!(
        r#"[{{"id": 1, "name": {title}, "comment": "", "description": {title}, "priority": 1, "tag": "", "done": false}}]"#
    ));
    home.instep(&["sync", "-n"]);
    let commands: [&[&str]; 7] = [
        &["sync", "-n"],
        &["sync", "--yes"],
        &["list"],
        &["status"],
        &["log"],
        &["conflicts"],
        &["doctor", "--offline"],
    ];
    for command in commands {
        for json in [false, true] {
            let mut args = command.to_vec();
            if json {
                args.push("--json");
            }
            let ended = home.instep(&args);
            let found = ended
                .stdout
                .chars()
                .chain(ended.stderr.chars())
                .find(|c| is_unsafe(*c));
            assert_eq!(found, None, "{args:?}\n{}", ended.whole());
        }
    }
    let list = home.good(&["list", "--json"]).json();
    let task = &list["tasks"][0];
    assert!(
        task["title"]
            .as_str()
            .is_some_and(|title| title.contains("drow")),
        "{list}"
    );
}

#[test]
fn colour_is_only_there_when_asked_for() {
    let home = Home::with_two_accounts();
    assert!(!home.good(&["status"]).stdout.contains('\u{1b}'));
    assert!(
        home.good(&["status", "--color", "always"])
            .stdout
            .contains("\u{1b}[")
    );
}
