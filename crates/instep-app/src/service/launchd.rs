//! The job of launchd, for macOS, as text: the one below `dist/`, with what differs from one
//! computer to the next. It is only printed; nothing is written or started here.

use std::path::{Path, PathBuf};

use super::needs::Needs;

/// How the job is called.
pub(super) const LABEL: &str = "dev.instep.daemon";

const TEMPLATE: &str = include_str!("../../../../dist/launchd/dev.instep.daemon.plist");

/// Where the job belongs.
pub(super) fn path(home: &Path) -> PathBuf {
    home.join("Library/LaunchAgents")
        .join(format!("{LABEL}.plist"))
}

/// Its text for this computer and these accounts.
pub(super) fn text(needs: &Needs, state: &Path) -> String {
    let string = |text: &str| format!("<string>{}</string>", escaped(text));
    let mut arguments = string("serve");
    if let Some(config) = &needs.config {
        for argument in ["--config", &config.display().to_string()] {
            arguments.push_str("\n\t\t");
            arguments.push_str(&string(argument));
        }
    }
    let log = state.join("instep.log");
    TEMPLATE
        .replace(
            "<string>/usr/local/bin/instep</string>",
            &string(&needs.program.display().to_string()),
        )
        .replace("<string>serve</string>", &arguments)
        .replace("<dict/>", &environment(needs))
        .replace(
            "<string>/usr/local/var/log/instep.log</string>",
            &string(&log.display().to_string()),
        )
}

fn environment(needs: &Needs) -> String {
    if needs.environment.is_empty() {
        return "<dict/>".to_owned();
    }
    let pair = |(name, value): &(&str, String)| {
        format!(
            "\t\t<key>{name}</key>\n\t\t<string>{}</string>\n",
            escaped(value)
        )
    };
    let pairs: String = needs.environment.iter().map(pair).collect();
    format!("<dict>\n{pairs}\t</dict>")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
