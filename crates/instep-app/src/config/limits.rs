//! When a service that fails is left alone: what the config says, and the environment, which wins.

use std::num::NonZeroU32;
use std::time::Duration;

use instep_api::{Exit, Failure};
use instep_engine::{BreakerRule, Rate};
use serde::Deserialize;

/// The table `[breaker]`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct RawBreaker {
    failures: Option<i64>,
    open_secs: Option<i64>,
    #[serde(default)]
    off: bool,
}

/// No breaker is set to stay open for longer at first: a week.
const LONGEST_SECS: u32 = 7 * 24 * 60 * 60;

const FAILURES: &str = "INSTEP_BREAKER_FAILURES";
const OPEN_SECS: &str = "INSTEP_BREAKER_OPEN_SECS";
const SWITCH: &str = "INSTEP_BREAKER";

/// What the table says; `Err` with why it means nothing.
pub(super) fn rule(raw: &RawBreaker) -> Result<BreakerRule, String> {
    let usual = BreakerRule::default();
    Ok(BreakerRule {
        on: !raw.off,
        failures: match raw.failures {
            Some(number) => checked("failures", number, u32::MAX)?,
            None => usual.failures,
        },
        open: match raw.open_secs {
            Some(secs) => Duration::from_secs(checked("open_secs", secs, LONGEST_SECS)?.into()),
            None => usual.open,
        },
    })
}

fn checked(key: &str, number: i64, most: u32) -> Result<u32, String> {
    let fits = u32::try_from(number)
        .ok()
        .filter(|number| (1..=most).contains(number));
    fits.ok_or_else(|| format!("`{key}` of the breaker is a number from 1 to {most}, not {number}"))
}

/// What a number of calls a second means; 0 for any number.
pub(super) fn rate(per_sec: Option<i64>) -> Result<Rate, String> {
    let Some(number) = per_sec else {
        return Ok(Rate::default());
    };
    let per_sec = u32::try_from(number)
        .map_err(|_| format!("`calls_per_sec` is a number from 0 on, not {number}"))?;
    Ok(Rate {
        per_sec,
        burst: per_sec.saturating_mul(2),
    })
}

/// How many reads go out at once where so many may: what is to be slow does not come in bursts.
pub(super) fn at_once(reads: NonZeroU32, rate: Rate) -> usize {
    let most = match rate.per_sec {
        0 => u32::MAX,
        per_sec => per_sec,
    };
    usize::try_from(reads.get().min(most)).unwrap_or(usize::MAX)
}

/// The rule as the environment has it.
///
/// # Errors
/// When a variable says something that means nothing.
pub(super) fn from_environment(
    rule: BreakerRule,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<BreakerRule, Failure> {
    let number = |name: &str, most: u32| -> Result<Option<u32>, Failure> {
        let Some(text) = variable(name) else {
            return Ok(None);
        };
        let number = text.trim().parse::<u32>().ok();
        match number.filter(|number| (1..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(meaningless(
                name,
                &text,
                &format!("a number from 1 to {most}"),
            )),
        }
    };
    let on = match variable(SWITCH) {
        None => rule.on,
        Some(text) => match text.trim() {
            "off" | "0" | "false" => false,
            "on" | "1" | "true" => true,
            _ => return Err(meaningless(SWITCH, &text, "`on` or `off`")),
        },
    };
    let open = number(OPEN_SECS, LONGEST_SECS)?;
    Ok(BreakerRule {
        on,
        failures: number(FAILURES, u32::MAX)?.unwrap_or(rule.failures),
        open: open.map_or(rule.open, |secs| Duration::from_secs(secs.into())),
    })
}

fn meaningless(name: &str, text: &str, meant: &str) -> Failure {
    Failure::new(
        Exit::Config,
        "environment_invalid",
        format!("the environment variable {name} means nothing"),
        format!("it is {meant}, not `{text}`"),
        format!("unset {name}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(set: &[(&str, &str)], expected: Option<(bool, u32, u64)>) {
        let lookup = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let rule = from_environment(BreakerRule::default(), lookup);
        let rule = rule
            .ok()
            .map(|rule| (rule.on, rule.failures, rule.open.as_secs()));
        assert_eq!(rule, expected, "{set:?}");
    }

    #[test]
    fn reads_at_once_keep_to_the_rate() {
        let four = NonZeroU32::MIN.saturating_add(3);
        for (per_sec, expected) in [(0, 4), (1, 1), (3, 3), (500, 4)] {
            let rate = rate(Some(per_sec)).expect("a rate");
            assert_eq!(at_once(four, rate), expected, "{per_sec}");
        }
    }

    #[test]
    fn the_environment_wins_and_nonsense_is_refused() {
        check(&[], Some((true, 3, 60)));
        check(&[(FAILURES, "5")], Some((true, 5, 60)));
        check(&[(OPEN_SECS, "7"), (SWITCH, "on")], Some((true, 3, 7)));
        check(&[(SWITCH, "off")], Some((false, 3, 60)));
        for nonsense in ["", "0", "-1", "three", "604801999999"] {
            check(&[(FAILURES, nonsense)], None);
            check(&[(OPEN_SECS, nonsense)], None);
        }
        check(&[(OPEN_SECS, "604801")], None);
        check(&[(SWITCH, "perhaps")], None);
    }
}
