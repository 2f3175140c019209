//! Ids as the service makes them: sixteen symbols of an alphabet of 32, or decimal digits for
//! labels. Ids grow, so that a list in their order is in the order of making.

/// The symbols of an id, in ASCII order; a client that folds case mixes ids up.
const DIGITS: &[u8; 32] = b"23456789CFGHJMPQRVWXcfghjmpqrvwx";
/// What the ids of today begin with.
const PREFIX: &str = "6f";
/// How many symbols carry the running number.
const NUMBER_DIGITS: u32 = 7;
/// How many symbols look random.
const NOISE_DIGITS: u32 = 7;
/// What labels are counted from.
const FIRST_LABEL: u64 = 2_160_000_000;

/// Whether this could be an id of a task, project, section, comment or reminder.
pub(crate) fn is_well_formed(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| DIGITS.contains(&byte))
}

/// The id of the `number`-th thing that was made.
pub(crate) fn numbered(number: u64) -> String {
    let noise = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
    let mut id = PREFIX.to_owned();
    push_digits(&mut id, number, NUMBER_DIGITS);
    push_digits(&mut id, noise, NOISE_DIGITS);
    id
}

/// The id of the `number`-th label.
pub(crate) fn label(number: u64) -> String {
    (FIRST_LABEL + number).to_string()
}

fn push_digits(id: &mut String, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        let at = (number >> (5 * place)) & 31;
        id.push(char::from(DIGITS[usize::try_from(at).unwrap_or(0)]));
    }
}

#[cfg(test)]
mod tests {
    use super::{is_well_formed, numbered};

    #[test]
    fn ids_look_real_and_grow() {
        let ids: Vec<String> = (1..200).map(numbered).collect();
        assert!(ids.iter().all(|id| id.len() == 16 && is_well_formed(id)));
        assert!(ids.is_sorted());
        assert!(!is_well_formed("tmp-abc") && !is_well_formed("12345"));
    }
}
