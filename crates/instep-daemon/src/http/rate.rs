//! How many refused requests one address may send. Whoever signs well is never held up, and is
//! forgiven what came before.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::http::HeaderMap;

/// Addresses that are remembered; beyond that all are forgiven.
const MAX_ADDRESSES: usize = 4096;

/// Refusals by address.
pub(super) struct Refusals {
    allowed: f64,
    forgiven_per_sec: f64,
    known: Mutex<HashMap<IpAddr, Tally>>,
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    count: f64,
    at: Instant,
}

impl Refusals {
    pub(super) fn new(allowed: u32, forgiven_per_sec: u32) -> Self {
        Self {
            allowed: allowed.into(),
            forgiven_per_sec: forgiven_per_sec.into(),
            known: Mutex::default(),
        }
    }

    /// Whether an address has to wait.
    pub(super) fn is_spent(&self, address: IpAddr, now: Instant) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = known.get(&address);
        tally.is_some_and(|tally| self.left_of(*tally, now) > self.allowed - 1.0)
    }

    /// One more was refused.
    pub(super) fn refused(&self, address: IpAddr, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_ADDRESSES && !known.contains_key(&address) {
            known.retain(|_, tally| self.left_of(*tally, now) > 0.0);
            // So many at once cannot be told apart by where they come from.
            if known.len() > MAX_ADDRESSES / 2 {
                known.clear();
            }
        }
        let before = known.get(&address);
        let before = before.map_or(0.0, |tally| self.left_of(*tally, now));
        let count = (before + 1.0).min(self.allowed);
        known.insert(address, Tally { count, at: now });
    }

    /// A good signature came from there.
    pub(super) fn forgive(&self, address: IpAddr) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&address);
    }

    /// What of a tally is not forgiven yet.
    fn left_of(&self, tally: Tally, now: Instant) -> f64 {
        let secs = now.saturating_duration_since(tally.at).as_secs_f64();
        (tally.count - secs * self.forgiven_per_sec).max(0.0)
    }
}

/// Whose request it is, where that can be told: behind a proxy on this computer it is whom the proxy
/// names. A request of this computer itself that names nobody is nobody's: were it counted, one
/// stranger could hold up everybody behind the same proxy.
pub(super) fn sender(peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    if !peer.is_loopback() {
        return Some(peer);
    }
    // Each proxy adds at the end whom it heard it from; only the last is one of ours.
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    let last = last.to_str().ok()?.rsplit(',').next()?;
    last.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 1));

    #[test]
    fn refusals_are_counted_forgiven_and_forgotten() {
        let (refusals, start) = (Refusals::new(3, 1), Instant::now());
        for _ in 0..3 {
            assert!(!refusals.is_spent(ONE, start));
            refusals.refused(ONE, start);
        }
        assert!(refusals.is_spent(ONE, start));
        assert!(!refusals.is_spent(ONE, start + Duration::from_secs(1)));
        for _ in 0..1000 {
            refusals.refused(ONE, start);
        }
        assert!(
            !refusals.is_spent(ONE, start + Duration::from_secs(1)),
            "no debt beyond the limit"
        );
        refusals.forgive(ONE);
        assert!(!refusals.is_spent(ONE, start));
    }

    #[test]
    fn any_number_of_addresses_needs_bounded_room() {
        let (refusals, start) = (Refusals::new(3, 1), Instant::now());
        for number in 0..20_000_u32 {
            refusals.refused(IpAddr::V4(number.into()), start);
        }
        let known = refusals.known.lock().expect("a lock");
        assert!(known.len() <= MAX_ADDRESSES, "{}", known.len());
    }

    #[test]
    fn a_proxy_on_this_computer_names_the_sender() {
        let check = |peer: &str, forwarded: &[&'static str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(
                    "x-forwarded-for",
                    axum::http::HeaderValue::from_static(value),
                );
            }
            let peer = peer.parse().expect("an address");
            let expected = expected.map(|text| text.parse().expect("an address"));
            assert_eq!(
                sender(Some(peer), &headers),
                expected,
                "{peer} {forwarded:?}"
            );
        };
        check("198.51.100.7", &[], Some("198.51.100.7"));
        check("198.51.100.7", &["10.0.0.1"], Some("198.51.100.7"));
        check("127.0.0.1", &[], None);
        check("127.0.0.1", &["198.51.100.8"], Some("198.51.100.8"));
        check("::1", &["1.2.3.4, 198.51.100.8"], Some("198.51.100.8"));
        check(
            "::ffff:127.0.0.1",
            &["1.2.3.4", "198.51.100.9"],
            Some("198.51.100.9"),
        );
        check("127.0.0.1", &["nonsense"], None);
        assert_eq!(sender(None, &HeaderMap::new()), None);
    }
}
