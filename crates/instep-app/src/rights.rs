//! What a secret may not do, in words. Nothing is asked here.

use crate::connector::Server;

/// What a secret may not do of what is needed, and where a person makes one that may.
pub(crate) fn lacking(server: &Server) -> Option<String> {
    let rights = &server.missing_rights;
    (!rights.is_empty()).then(|| {
        format!(
            "the API token may not {}; make one that may at {}, and put it in the place of the \
             old one",
            by_group(rights),
            server.secret_page
        )
    })
}

/// Rights such as `tasks: delete`, each group named once.
fn by_group(rights: &[&str]) -> String {
    let mut told = String::new();
    let mut last = "";
    for right in rights {
        let (group, name) = right.split_once(": ").unwrap_or(("", right));
        match (last == group, told.is_empty()) {
            (true, _) => told.push_str(&format!(", {name}")),
            (false, true) => told.push_str(right),
            (false, false) => told.push_str(&format!("; {right}")),
        }
        last = group;
    }
    told
}
