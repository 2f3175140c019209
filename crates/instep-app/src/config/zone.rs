//! A time zone by its name. The library lists every directory of the time zone database before it
//! opens one file; where the name is that of a file, that file alone is read.

use std::path::Path;

use instep_model::TimeZone;

/// Where the time zone database lies on Linux and macOS.
const DATABASE: &str = "/usr/share/zoneinfo";

/// The zone of this name, as in `Europe/Berlin`; `None` where there is none.
pub(crate) fn zone_named(name: &str) -> Option<TimeZone> {
    let elsewhere = std::env::var_os("TZDIR").is_some();
    let known = if elsewhere { None } else { in_file(name) };
    known.or_else(|| TimeZone::get(name).ok())
}

fn in_file(name: &str) -> Option<TimeZone> {
    let plain = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic());
    if !name.split('/').all(plain) {
        return None;
    }
    let bytes = std::fs::read(Path::new(DATABASE).join(name)).ok()?;
    TimeZone::tzif(name, &bytes).ok()
}

#[cfg(test)]
mod tests {
    use instep_model::{TimeZone, Timestamp};

    use super::{in_file, zone_named};

    fn check(name: &str) {
        let (ours, usual) = (zone_named(name), TimeZone::get(name).ok());
        assert_eq!(ours.is_some(), usual.is_some(), "{name}");
        let (Some(ours), Some(usual)) = (ours, usual) else {
            return;
        };
        assert_eq!(ours.iana_name(), usual.iana_name(), "{name}");
        for second in [0, 1_785_000_000, 1_800_000_000] {
            let at = Timestamp::from_second(second).expect("an instant");
            assert_eq!(ours.to_offset(at), usual.to_offset(at), "{name} at {at}");
        }
    }

    #[test]
    fn a_zone_is_what_the_library_says_it_is() {
        for name in [
            "Europe/Berlin",
            "America/Argentina/Ushuaia",
            "Etc/UTC",
            "UTC",
            "europe/berlin",
            "Nowhere/Here",
            "zone.tab",
            "",
        ] {
            check(name);
        }
    }

    #[test]
    fn a_name_never_leads_out_of_the_database() {
        for name in [
            "../../../etc/passwd",
            "/etc/localtime",
            "Europe/../UTC",
            "Europe",
        ] {
            assert!(in_file(name).is_none(), "{name}");
        }
    }
}
