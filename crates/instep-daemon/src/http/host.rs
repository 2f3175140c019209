//! By which names this computer may be asked how the daemon stands. A page in a browser can be made
//! to ask an address of this computer by a name of its own; such a name is refused.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Listener, Problem};

/// Lets through what asks by a name that is known.
pub(super) async fn check(
    State(listener): State<Arc<Listener>>,
    request: Request,
    next: Next,
) -> Response {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (first, more) = (hosts.next(), hosts.next());
    let named = first.and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(Authority::as_str);
    let is_known = |host: &str| is_known(host, listener.house.hosts());
    let passes = more.is_none() && named.is_some_and(is_known) && authority.is_none_or(is_known);
    match passes {
        true => next.run(request).await,
        false => Problem::WrongHost.into_response(),
    }
}

/// Whether this is a name of this computer itself, or one of `hosts`, with or without a port.
fn is_known(host: &str, hosts: &[String]) -> bool {
    let bare = without_port(host);
    bare.is_some_and(|bare| {
        is_own(bare) || hosts.iter().any(|known| known.eq_ignore_ascii_case(bare))
    })
}

fn is_own(bare: &str) -> bool {
    let literal = match bare
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => bare.parse().ok().map(IpAddr::V4),
    };
    bare.eq_ignore_ascii_case("localhost")
        || literal.is_some_and(|ip| ip.to_canonical().is_loopback())
}

fn without_port(host: &str) -> Option<&str> {
    let (bare, port) = match host.rfind(']') {
        Some(end) => (&host[..=end], &host[end + 1..]),
        None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
    };
    let is_port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
        }
    };
    (is_port && !bare.is_empty()).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn only_names_of_this_computer_and_those_that_were_configured() {
        let hosts = ["tasks.example.org".to_owned()];
        for host in [
            "127.0.0.1",
            "127.0.0.1:7117",
            "localhost",
            "LOCALHOST:80",
            "127.9.9.9",
            "[::1]",
            "[::1]:7117",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "tasks.example.org",
            "Tasks.example.org:443",
        ] {
            assert!(is_known(host, &hosts), "{host}");
        }
        for host in [
            "",
            ":80",
            "127.0.0.1.evil.test",
            "localhost.evil.test",
            "localhost.",
            "127.0.0.1.",
            "evil.test",
            "tasks.example.org.",
            "x.tasks.example.org",
            "tasks.example.org.evil.test",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "017700000001",
            "0.0.0.0",
            "[::]",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "127.0.0.1:",
            "127.0.0.1:99999",
            "127.0.0.1:80:80",
            "127.0.0.1@evil.test",
            "evil.test@127.0.0.1",
            "127.0.0.1 ",
            "[::1%25lo]",
            "192.168.1.2",
            "[fe80::1]",
            "127.0.0.1:+80",
        ] {
            assert!(!is_known(host, &hosts), "{host}");
        }
    }
}
