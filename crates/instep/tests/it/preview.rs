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
