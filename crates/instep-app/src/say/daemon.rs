//! The commands that have a daemon go by what is here now: what ends the one that runs and starts
//! another, and what has it read its config.

use instep_api::{Exit, Failure};

use super::quoted;
use crate::Places;

/// The unit that `instep service install` makes.
const UNIT: &str = "instep.service";

/// The command that puts a daemon of this version in the place of the one that runs; `kill` is what ends
/// that. The new one waits for the old one to leave.
pub(crate) fn restart(places: &Places, pid: Option<u32>, kill: &str) -> String {
    match (is_a_unit(places), pid) {
        (true, _) => format!("systemctl --user restart {UNIT}"),
        (false, Some(pid)) => format!("{kill} {pid}; {}", serve(places)),
        (false, None) => format!("stop it, then: {}", serve(places)),
    }
}

/// The command that has the daemon of this process read its config.
pub(crate) fn reload(places: &Places, pid: u32) -> String {
    match is_a_unit(places) {
        true => format!("systemctl --user reload {UNIT}"),
        false => format!("kill -HUP {pid}"),
    }
}

/// Another program has the address at which the daemon of this process number would take webhooks and
/// be asked how it stands; that matters where services were told to post there.
pub(crate) fn not_heard(places: &Places, at: &str, pid: u32, has_webhooks: bool) -> Failure {
    let (exit, misses) = match has_webhooks {
        true => (
            Exit::Failed,
            "webhooks do not arrive, and nothing answers there",
        ),
        false => (Exit::Fine, "nothing of Instep's answers there"),
    };
    Failure::new(
        exit,
        "address_taken",
        format!("the daemon does not listen at {at}"),
        format!("another program had that address when the daemon started: {misses}"),
        format!(
            "give `listen` in [daemon] another port: instep config edit\nthen: {}",
            restart(places, Some(pid), "kill")
        ),
    )
}

fn serve(places: &Places) -> String {
    match places.config_of_its_own() {
        Some(config) => format!("instep serve --config {}", quoted(&config)),
        None => "instep serve".to_owned(),
    }
}

fn is_a_unit(places: &Places) -> bool {
    places
        .config_home()
        .join("systemd/user")
        .join(UNIT)
        .exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_asked_for_by_its_name_and_a_process_by_its_number() {
        let home = tempfile::tempdir().expect("a directory");
        let places = Places::under(home.path());
        let told = |pid| (restart(&places, pid, "kill"), reload(&places, 17));
        let by_number = (
            "kill 17; instep serve".to_owned(),
            "kill -HUP 17".to_owned(),
        );
        assert_eq!(told(Some(17)), by_number);
        assert_eq!(told(None).0, "stop it, then: instep serve");
        let units = home.path().join(".config/systemd/user");
        std::fs::create_dir_all(&units).expect("a directory");
        std::fs::write(units.join(UNIT), "").expect("a file");
        let by_name = (
            "systemctl --user restart instep.service".to_owned(),
            "systemctl --user reload instep.service".to_owned(),
        );
        assert_eq!(told(Some(17)), by_name);
    }
}
