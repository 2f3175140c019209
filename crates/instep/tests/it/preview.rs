//! What `sync -n` says to do next, and how it ends.

use crate::home::Home;

/// The command that a preview names does what was previewed, and no more.
#[test]
fn a_preview_names_the_command_that_carries_it_out() {
    let home = Home::with_two_accounts();
    let check = |args: &[&str], apply: &str| {
        let args = [&["sync", "-n"], args].concat();
        let told = home.good(&args).stdout;
        let named = told
            .split_once("Apply: ")
            .map(|(_, named)| named.trim_end());
        assert_eq!(named, Some(apply), "{told}");
    };
    check(&[], "instep sync");
    check(&["file"], "instep sync file");
    check(&["file", "tw", "--full"], "instep sync file tw --full");
    check(&["-y", "file"], "instep sync file --yes");
    check(&["--max-delete", "3"], "instep sync --max-delete 3");
}

/// S34: with `--exit-code` a preview answers whether there are changes, those that wait for a
/// person's word among them.
#[test]
fn s34_a_preview_answers_by_its_exit_code_whether_there_are_changes() {
    let home = Home::with_two_accounts();
    home.task(&["add", "Call the bank"]);
    let check = |code: i32, answer: i32| {
        let plain = home.instep(&["sync", "-n"]);
        assert_eq!(plain.code, code, "{}", plain.whole());
        let asked = home.instep(&["sync", "-n", "--exit-code"]);
        assert_eq!(asked.code, answer, "{}", asked.whole());
    };
    check(5, 10);
    home.good(&["sync", "--yes"]);
    check(0, 0);
    // Nothing is left to do but what the guard holds.
    home.task(&[
        "rc.confirmation=off",
        "rc.bulk=0",
        "status:pending",
        "delete",
    ]);
    assert_eq!(home.instep(&["sync"]).code, 5);
    check(5, 5);
    // Whoever cannot be asked leaves the answer open.
    home.good(&["add", "Water the plants again"]);
    check(5, 10);
    std::fs::remove_file(home.path("tasks.json")).expect("the task file was there");
    std::fs::create_dir(home.path("tasks.json")).expect("a directory in its place");
    check(7, 7);
}
